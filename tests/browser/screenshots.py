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
PLAIN = {
    "dashboard": "/",
    "customers": "/customers",
    "customer-columns": "/customers/columns",
    "subscriptions": "/subscriptions?sort=-quantity",
    "connections": "/connections",
    "connection-new": "/connections/new",
    "sync-runs": "/sync-runs",
    "mapping-customers": "/mapping/customers?status=all",
    "mapping-products": "/mapping/products?status=all",
    "reconciliation": "/reconciliation",
    "reconciliation-history": "/reconciliation/history",
    "plugins": "/plugins",
    "people": "/settings/users",
    "credentials": "/settings/credentials",
    "search": "/search?q=a",
    "dashboard-cards": "/cards",
    "notifications": "/notices",
    "preferences": "/preferences",
    "help": "/help",
    "help-article": "/help/console",
    "renewals": "/renewals?from=2026-01-01&to=2027-12-31",
    "api-reference": "/api/docs",
}
CUSTOMER_PAGES = ("", "/orders", "/activity", "/information", "/contacts", "/accounts")
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
                sign_in(page, address, email, password)
                for name, path in addresses(page, address).items():
                    if chosen is None or name in chosen:
                        take(page, address + path, given.folder / f"{name}{suffix}.png")
            browser.close()


def take(page: Page, address: str, file: Path) -> None:
    """Open a page and keep its picture."""
    page.goto(address)
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
    """Return name and path of every page, those of single things found by links."""
    found = dict(PLAIN)

    def first(path: str, selector: str) -> str:
        page.goto(base + path)
        link = page.locator(selector).first
        return link.get_attribute("href") or "" if link.count() else ""

    customer = first("/customers?sort=-name", "tbody th a")
    for ending in CUSTOMER_PAGES:
        found["customer" + ending.replace("/", "-")] = customer + ending
    single = {
        "subscription": first(customer, "tbody th a"),
        "connection": first("/connections", "a[href^='/connections/con_']"),
        "sync-run": first("/sync-runs", "tbody a[href^='/sync-runs/']"),
        "mapping-choose": first(
            "/mapping/customers", "a[href^='/mapping/customers/choose']"
        ),
        "reconciliation-run": first(
            "/reconciliation/history", "a[href^='/reconciliation/runs/']"
        ),
    }
    if single["connection"]:
        single["connection-edit"] = single["connection"] + "/edit"
        single["connection-remove"] = single["connection"] + "/remove"
    return found | {name: path for name, path in single.items() if path}


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
