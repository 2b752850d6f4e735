"""Pictures of every page of a running demo, for the documentation.

Run by ``make screenshots``; needs a Chromium as the browser tests do.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from entrepot.hub.customers.importing import COLUMNS
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 600
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--font-render-hinting=none",
]
PAGES = {
    "/": "dashboard",
    "/account/security": "account-security",
    "/api/docs": "api-reference",
    "/cards": "dashboard-cards",
    "/connections": "connections",
    "/connections/<connection_id>": "connection",
    "/connections/<connection_id>/edit": "connection-edit",
    "/connections/<connection_id>/remove": "connection-remove",
    "/connections/new": "connection-new",
    "/customers": "customers",
    "/customers/<customer_id>": "customer",
    "/customers/<customer_id>/accounts": "customer-accounts",
    "/customers/<customer_id>/activity": "customer-activity",
    "/customers/<customer_id>/charges": "customer-charges",
    "/customers/<customer_id>/contacts": "customer-contacts",
    "/customers/<customer_id>/edit": "customer-edit",
    "/customers/<customer_id>/information": "customer-information",
    "/customers/<customer_id>/notifications": "customer-notifications",
    "/customers/<customer_id>/orders": "customer-orders",
    "/customers/columns": "customer-columns",
    "/customers/edit": "customers-edit",
    "/customers/fields": "customer-fields",
    "/customers/import": "customer-import",
    "/customers/imports/<import_id>": "customer-imported",
    "/customers/new": "customer-new",
    "/customers/notifications": "customers-notifications",
    "/customers/work/<work_id>": "customers-work",
    "/help": "help",
    "/help/<name>": "help-article",
    "/login": "sign-in",
    "/mapping/<any(customers,products):what>": "mapping",
    "/mapping/<any(customers,products):what>/choose": "mapping-choose",
    "/mapping/customers/shares": "mapping-shares",
    "/notices": "notifications",
    "/plugins": "plugins",
    "/preferences": "preferences",
    "/price-books": "price-books",
    "/reconciliation": "reconciliation",
    "/reconciliation/changes": "reconciliation-changes",
    "/reconciliation/history": "reconciliation-history",
    "/reconciliation/issues/<issue_id>": "reconciliation-issue",
    "/reconciliation/plans/<plan_id>": "plan",
    "/reconciliation/rules": "reconciliation-rules",
    "/reconciliation/rules/<rule_id>": "reconciliation-rule",
    "/reconciliation/rules/<rule_id>/remove": "reconciliation-rule-remove",
    "/reconciliation/rules/new": "reconciliation-rule-new",
    "/reconciliation/runs/<run_id>": "reconciliation-run",
    "/renewals": "renewals",
    "/reset": "forgotten-password",
    "/resellers": "resellers",
    "/resellers/<tenant_id>": "reseller",
    "/resellers/<tenant_id>/users/<user_id>/act": "reseller-act",
    "/search": "search",
    "/settings/credentials": "credentials",
    "/settings/users": "people",
    "/settings/users/<user_id>/act": "person-act",
    "/subscriptions": "subscriptions",
    "/subscriptions/<subscription_id>": "subscription",
    "/subscriptions/<subscription_id>/charges": "subscription-charges",
    "/subscriptions/<subscription_id>/record": "subscription-record",
    "/subscriptions/<subscription_id>/tabs/<name>": "subscription-tab",
    "/subscriptions/columns": "subscription-columns",
    "/sync-runs": "sync-runs",
    "/sync-runs/<run_id>": "sync-run",
}
"""Every page of the console by its route, with the name of its picture."""
WITHOUT = {
    "/login/second": "asked of people with a second step only",
    "/reset/<token>": "needs the link of a mail",
}
"""Pages without a picture, and why."""
OPEN = ("/login", "/reset")
"""Pages of people who aren't signed in."""
QUERIES = {
    "/renewals": "?from=2026-01-01&to=2027-12-31",
    "/search": "?q=a",
    "/subscriptions": "?sort=-quantity",
}
DARK = ("dashboard", "customers", "customer", "reconciliation")


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "docs/images")
    parser.add_argument("--scale", default="0.2", help="Size of the demo.")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with running_demo(given.scale) as told:
        address, email, password = told
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            for suffix, scheme, size, chosen in (
                ("", "light", WIDE, None),
                ("-dark", "dark", WIDE, DARK),
                ("-phone", "light", PHONE, DARK),
            ):
                page = browser.new_page(
                    viewport=size, color_scheme=scheme, locale="en-GB"
                )
                for path in OPEN if chosen is None else ():
                    take(page, address + path, given.folder / f"{PAGES[path]}.png")
                sign_in(page, address, email, password)
                if chosen is None:
                    found = addresses(page, address)
                for name in chosen or found:
                    file = given.folder / f"{name}{suffix}.png"
                    take(page, address + found[name], file)
            browser.close()


def take(page: Page, address: str, file: Path) -> None:
    """Open a page and keep its picture."""
    answer = page.goto(address)
    if answer is None or not answer.ok:
        sys.exit(f"{address} has no page for {file.name}")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file)
    sys.stdout.write(f"{file.name}\n")


def sign_in(page: Page, address: str, email: str, password: str) -> None:
    """Sign in by the form."""
    page.goto(address + "/login")
    page.fill("[name=email]", email)
    page.fill("[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(address + "/")


def addresses(page: Page, base: str) -> dict[str, str]:
    """Return name and path of every page, those of single things found or made."""
    tour = Tour(page, base)
    found = {
        PAGES[rule]: rule + QUERIES.get(rule, "")
        for rule in PAGES
        if "<" not in rule and rule not in OPEN
    }
    found |= tour.customer() | tour.subscription() | tour.operating()
    found |= tour.mapping() | tour.comparing()
    lacking = {name for rule, name in PAGES.items() if rule not in OPEN} - found.keys()
    if lacking:
        sys.exit(f"No way leads to {sorted(lacking)}")
    return found


NEW = (
    "ada@books.example,E-1,ada@books.example,,Ada,Book,+47 2200 0000,NO,0150,,Oslo,"
    "Main Street 1,Business,00123,en-US,Ada Books"
)
"""A line of a file of customers."""


class Tour:
    """Walks the console to where single things are.

    Args:
        page: Of a person who is signed in.
        base: Address of the console.
    """

    def __init__(self, page: Page, base: str) -> None:
        self._page, self._base = page, base

    def customer(self) -> dict[str, str]:
        """A customer, an import and a preview of a change to many."""
        self._customer = self._first("/customers?sort=-name", "tbody th a")
        key = self._customer.rpartition("/")[2]
        self._page.goto(f"{self._base}/customers/edit?id={key}")
        self._page.check("input[name=set][value=country]")
        self._page.fill("input[name=country]", "NO")
        work = self._submit("button:has-text('Preview')", "/customers/work/")
        self._page.goto(f"{self._base}/customers/import")
        text = f"{','.join(COLUMNS)}\n{NEW}\n"
        file = {"name": "new.csv", "mimeType": "text/csv", "buffer": text.encode()}
        self._page.set_input_files("input[type=file]", [file])
        return {
            **self._below(self._customer, "/customers/<customer_id>"),
            "customers-edit": f"/customers/edit?id={key}",
            "customers-work": work,
            "customer-imported": self._submit("button[value=check]", "/imports/"),
        }

    def subscription(self) -> dict[str, str]:
        """A subscription whose plugin shows more of it."""
        row = "tbody tr:has-text('Google') th a[href^='/subscriptions/']"
        path = self._first("/subscriptions?q=google", row)
        found = self._below(path, "/subscriptions/<subscription_id>")
        return {**found, "subscription-tab": self._first(path, "a[href*='/tabs/']")}

    def operating(self) -> dict[str, str]:
        """A connection, a sync run, a reseller and a person of it."""
        self._page.goto(f"{self._base}/settings/users")
        self._page.fill("[name=name]", "Bo Chen")
        self._page.fill("[name=email]", "bo.chen@example.com")
        self._submit("form[action='/settings/users'] [type=submit]", "/settings/users")
        connection = self._first("/connections", "a[href^='/connections/con_']")
        reseller = self._first("/resellers", "a[href^='/resellers/ten_']")
        return {
            **self._below(connection, "/connections/<connection_id>"),
            "sync-run": self._first("/sync-runs", "tbody a[href^='/sync-runs/']"),
            "reseller": reseller,
            "reseller-act": self._first(reseller, "a[href$='/act']"),
            "person-act": self._first("/settings/users", "a[href$='/act']"),
            "help-article": "/help/console",
        }

    def mapping(self) -> dict[str, str]:
        """Both halves of the mapping, and a choice."""
        choose = self._first(
            "/mapping/customers?status=all", "a[href*='/customers/choose']"
        )
        return {
            "mapping": "/mapping/customers?status=all",
            "mapping-products": "/mapping/products?status=all",
            "mapping-choose": choose,
            "mapping-shares": choose.replace("/choose", "/shares"),
        }

    def comparing(self) -> dict[str, str]:
        """A difference, a plan, a rule, and two comparisons."""
        history, runs = "/reconciliation/history", "a[href^='/reconciliation/runs/']"
        before = self._first(history, runs)
        self._page.goto(f"{self._base}/reconciliation")
        form = "form[action='/reconciliation'] button"
        after = self._submit(form, "/reconciliation/runs/")
        self._page.wait_for_selector("#comparison:not([data-live])", timeout=120_000)
        self._page.goto(f"{self._base}/reconciliation")
        less = "tbody tr:has-text('Fewer units billed than bought') [type=checkbox]"
        row = self._page.locator(less).first
        issue = row.get_attribute("value") or ""
        row.check()
        plan = self._submit("button:has-text('Create plan')", "/reconciliation/plans/")
        rules = "/reconciliation/rules"
        added = self._first(rules, f"a[href^='{rules}/new']")
        rule = self._first(rules, f"a[href^='{rules}/']:not([href*='/new'])")
        runs_of = {"before": before, "after": after}
        query = "&".join(f"{at}={one[21:]}" for at, one in runs_of.items())
        return {
            "reconciliation-run": after,
            "reconciliation-changes": f"/reconciliation/changes?{query}",
            "reconciliation-issue": f"/reconciliation/issues/{issue}",
            "plan": plan,
            "reconciliation-rule-new": added,
            **self._below(rule, "/reconciliation/rules/<rule_id>"),
        }

    def _below(self, path: str, rule: str) -> dict[str, str]:
        """The pages of one thing whose address needs nothing more."""
        return {
            name: path + known.removeprefix(rule)
            for known, name in PAGES.items()
            if known.startswith(rule) and "<" not in known.removeprefix(rule)
        }

    def _first(self, path: str, selector: str) -> str:
        self._page.goto(self._base + path)
        return self._page.locator(selector).first.get_attribute("href") or ""

    def _submit(self, selector: str, leads_to: str) -> str:
        self._page.locator(selector).first.click()
        self._page.wait_for_url(re.compile(leads_to))
        return self._page.url.removeprefix(self._base)


def chromium() -> str:
    """Return the path of a Chromium."""
    found = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "find_chromium.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        sys.exit(found.stderr)
    return found.stdout.strip()


@contextmanager
def running_demo(scale: str) -> Iterator[tuple[str, str, str]]:
    """Run a demo; yields its address, e-mail and password once it has compared."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "entrepot.cli", "demo"),
                *("--scale", scale, "--folder", f"{folder}/demo"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
        )
        lines: list[str] = []
        reader = threading.Thread(target=_collect, args=(process, lines), daemon=True)
        reader.start()
        try:
            said = _waiting(process, lines)
            address = said(r"Console: (http://127\.0\.0\.1:\d+)")[1]
            person = said(r"Sign in as (\S+) with (\S+)")
            said(r"Stop with Ctrl-C")
            yield address, person[1], person[2]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


def _collect(process: subprocess.Popen[str], lines: list[str]) -> None:
    if process.stdout is not None:
        lines.extend(process.stdout)


def _waiting(
    process: subprocess.Popen[str], lines: list[str]
) -> Callable[[str], re.Match[str]]:
    def said(pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            found = re.search(pattern, "".join(lines))
            if found:
                return found
            time.sleep(0.2)
        sys.exit(f"The demo never said {pattern!r}:\n{''.join(lines)}")

    return said


if __name__ == "__main__":
    main()
