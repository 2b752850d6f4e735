"""Every page answers, keeps to the policy, and shows only what one may see."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest


class Scan(HTMLParser):
    """Collects what a page must not hold, and what it must."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.forms = 0
        self.tokens = 0
        self.h1 = 0
        self.ids: list[str] = []
        self.post = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name, value in attrs:
            if name == "style" or name.startswith(("on", "hx-on")):
                self.faults.append(f"{tag} {name}")
            if (
                name.startswith("hx-")
                and value
                and value.startswith(("js:", "javascript:"))
            ):
                self.faults.append(f"{tag} {name}={value}")
        if tag in ("style",) or (tag == "script" and "src" not in given):
            self.faults.append(f"inline {tag}")
        if ("hx-get" in given or "hx-post" in given) and not (
            "hx-target" in given and "hx-swap" in given
        ):
            self.faults.append(f"{tag} without hx-target or hx-swap")
        if tag == "form" and (given.get("method") or "").lower() == "post":
            self.forms += 1
        if tag == "input" and given.get("name") == "csrf_token":
            self.tokens += 1
        self.h1 += tag == "h1"
        if given.get("id"):
            self.ids.append(str(given["id"]))


def stable_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if "csrf" not in line]


def pages_of(books) -> list[str]:
    return [
        "/", "/customers", "/customers?q=con&sort=-name", "/subscriptions",
        "/customers/columns", "/settings/users", "/settings/credentials",
        f"/customers/{books.customers[0]}/information",
        f"/customers/{books.customers[0]}/accounts?q=co",
        f"/customers/{books.customers[0]}", f"/subscriptions/{books.subscriptions[0]}",
        "/subscriptions?status=active", "/connections", "/connections/new",
        f"/connections/{books.vendor}", f"/connections/{books.vendor}/remove",
        "/sync-runs", f"/sync-runs/{books.run}", "/plugins", "/search?q=cont",
        "/sync-runs/active", "/cards", "/notices", "/preferences", "/help",
        "/help/syncing", "/renewals?from=2026-01-01&to=2027-12-31", "/search",
    ]  # fmt: skip


def test_every_page_answers_without_inline_code(browser, books) -> None:
    for path in pages_of(books):
        answer = browser.get(path)
        assert answer.status_code == 200, (path, answer.text[:2000])
        scan = Scan()
        scan.feed(answer.text)
        assert not scan.faults, (path, scan.faults)
        assert scan.forms == scan.tokens, path
        assert len(scan.ids) == len(set(scan.ids)), path
        if "active" not in path:
            assert scan.h1 == 1, path
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy


def test_region_alone_equals_the_region_of_the_page(browser, books) -> None:
    for path in ("/customers", "/subscriptions", "/sync-runs"):
        whole = browser.get(path).text
        part = browser.get(
            path, headers={"HX-Request": "true", "HX-Target": "section#results"}
        ).text
        assert part.strip().startswith("<section")
        assert "<html" not in part
        missing = [line for line in stable_lines(part) if line not in whole]
        assert not missing, path


def test_polled_region_answers_304_when_nothing_changed(browser, books) -> None:
    first = browser.get("/sync-runs/active")
    again = browser.get(
        "/sync-runs/active", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304
    assert not again.data


@pytest.mark.parametrize("path", ["/", "/customers", "/sync-runs", "/connections/new"])
def test_strangers_are_sent_to_sign_in(web, path) -> None:
    client = web.browser()
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login?next=")
    partial = client.get(path, headers={"HX-Request": "true"})
    assert partial.status_code == 401
    assert partial.headers["HX-Redirect"].startswith("/login")


def test_viewer_sees_no_writing_and_cannot_write(web, tenant, books) -> None:
    client = web.browser(web.person(tenant, role="viewer"))
    assert client.get("/customers").status_code == 200
    assert client.get("/connections/new").status_code == 403


def test_list_pages_forward_and_back_by_cursor(browser, books, web) -> None:
    html = browser.get("/subscriptions").text
    assert "Contoso Ltd" in html
    assert 'rel="next"' not in html or "cursor=" in html


def test_dashboard_says_how_complete_the_books_are(browser, books) -> None:
    assert "Complete as of 12:00 UTC" in browser.get("/").text
