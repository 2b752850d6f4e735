"""Every page in a real browser: accessible, within its policy, at every width."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.heavy]
TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}


def axe_source() -> str:
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.rglob("axe.min.js")).read_text()


def paths(console: Any) -> list[str]:
    books = console.books
    account = console.web.hub.mapping.customers.list
    assert account
    return [
        "/",
        "/customers",
        "/customers/columns",
        f"/customers/{books.customers[5]}",
        f"/customers/{books.customers[5]}/orders",
        f"/customers/{books.customers[5]}/activity",
        f"/customers/{books.customers[5]}/information",
        f"/customers/{books.customers[5]}/contacts",
        f"/customers/{books.customers[5]}/accounts?q=co",
        "/subscriptions",
        f"/subscriptions/{books.subscriptions[4]}",
        "/connections",
        f"/connections/{books.vendor}",
        f"/connections/{books.vendor}/remove",
        "/connections/new",
        "/sync-runs",
        f"/sync-runs/{books.run}",
        "/mapping/customers",
        "/mapping/products",
        "/reconciliation",
        "/reconciliation/history",
        "/plugins",
        "/settings/users",
        "/settings/credentials",
        "/search?q=con",
        "/cards",
        "/notices",
        "/preferences",
        "/help/mapping",
    ]


@pytest.mark.parametrize(
    ("scheme", "viewport"),
    [("light", WIDE), ("dark", WIDE), ("dark", NARROW)],
)
def test_pages_have_no_accessibility_fault_and_no_policy_violation(
    shared, chromium, new_look, scheme, viewport
) -> None:
    console = shared
    look = new_look(chromium, console.base, color_scheme=scheme, viewport=viewport)
    source = axe_source()
    look.open("/login")
    assert violations(look, source) == []
    look.sign_in(console.email, console.password)
    for path in paths(console):
        assert look.open(path) == 200, path
        if viewport is WIDE:
            assert violations(look, source) == [], path
        overflow = look.page.evaluate(
            "document.documentElement.scrollWidth - innerWidth"
        )
        assert overflow <= 0, path
    assert look.faults == []


def violations(look: Any, source: str) -> list[tuple[str, str]]:
    look.page.evaluate(source)
    found = look.page.evaluate(
        "tags => axe.run({runOnly: {type: 'tag', values: tags}})", TAGS
    )
    return [
        (item["id"], node["html"][:150])
        for item in found["violations"]
        for node in item["nodes"]
    ]


def test_search_filters_in_place_and_the_address_keeps_it(
    console, chromium, new_look
) -> None:
    look = new_look(chromium, console.base)
    look.sign_in(console.email, console.password)
    look.open("/customers")
    page = look.page
    page.keyboard.press("/")
    page.keyboard.type("winery")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr:not(.unfolded)")).to_have_count(4)
    assert "q=winery" in page.url
    page.reload()
    assert page.locator("tbody tr:not(.unfolded)").count() == 4
    page.go_back()
    expect(page.locator("tbody tr:not(.unfolded)")).to_have_count(50)
    assert look.faults == []


def test_console_works_without_any_script(console, chromium, new_look) -> None:
    look = new_look(chromium, console.base, java_script_enabled=False)
    look.sign_in(console.email, console.password)
    page = look.page
    look.open("/customers")
    page.fill("#q", "contoso")
    page.click("form.toolbar button[type=submit]:visible")
    assert page.locator("tbody tr:not(.unfolded)").count() == 4
    page.click("tbody th a")
    assert "Contoso" in page.locator("h1").inner_text()
    look.open("/customers")
    page.click("a[rel=next]")
    assert page.locator("tbody tr:not(.unfolded)").count() == 10


def test_theme_is_kept_and_menu_opens_on_a_phone(console, chromium, new_look) -> None:
    look = new_look(chromium, console.base, viewport=NARROW)
    look.sign_in(console.email, console.password)
    page = look.page
    assert not page.locator("nav.nav").first.is_visible()
    page.click("[data-action=menu]")
    assert page.locator("nav.nav").first.is_visible()
    page.keyboard.press("Escape")
    page.click("details.menu:has(button[name=theme]) > summary")
    page.click("button[name=theme][value=dark]")
    page.wait_for_selector("html[data-theme=dark]")
    assert look.faults == []
