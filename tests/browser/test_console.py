"""The console in a real browser: addresses, no scripts, themes, a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.heavy]
NARROW = {"width": 390, "height": 844}


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
    expect(page.locator("tbody tr:not(.unfolded)")).to_have_count(4)
    page.go_back()
    expect(page.locator("tbody tr:not(.unfolded)")).to_have_count(50)
    assert look.faults == []


def test_search_acts_while_one_types_and_marks_what_it_found(
    console, chromium, new_look
) -> None:
    look = new_look(chromium, console.base)
    look.sign_in(console.email, console.password)
    look.open("/subscriptions")
    look.open("/customers")
    page, rows = look.page, look.page.locator("tbody tr:not(.unfolded)")
    marked = "[...CSS.highlights.get('found')].map((one) => `${one}`.toLowerCase())"
    page.click("#q")
    page.keyboard.type("w")
    page.wait_for_timeout(400)
    expect(rows).to_have_count(50)
    page.keyboard.type("in")
    page.wait_for_url("**/customers?q=win*")
    page.keyboard.type("ery")
    expect(rows).to_have_count(4)
    expect(page.locator("#q")).to_have_value("winery")
    expect(page.locator("#q")).to_be_focused()
    assert set(page.evaluate(marked)) == {"winery"}
    expect(page.locator("#live-polite")).to_contain_text("4 of 4 rows")
    page.fill("#q", "")
    expect(rows).to_have_count(50)
    assert page.evaluate(marked) == []
    page.go_back()
    expect(rows).to_have_count(50)
    assert "q=" not in page.url
    assert page.url.endswith("/customers")
    assert look.faults == []


def test_console_works_without_any_script(console, chromium, new_look) -> None:
    look = new_look(chromium, console.base, java_script_enabled=False)
    look.sign_in(console.email, console.password)
    page = look.page
    look.open("/customers")
    page.fill("#q", "contoso")
    page.click("form.toolbar button[type=submit]:visible")
    expect(page.locator("tbody tr:not(.unfolded)")).to_have_count(4)
    page.click("tbody th a")
    expect(page.locator("h1")).to_contain_text("Contoso")
    look.open("/customers")
    page.click("a[rel=next]")
    expect(page.locator("tbody tr:not(.unfolded)")).to_have_count(10)


def test_theme_is_kept_and_menu_opens_on_a_phone(console, chromium, new_look) -> None:
    look = new_look(chromium, console.base, viewport=NARROW)
    look.sign_in(console.email, console.password)
    page = look.page
    expect(page.locator("nav.nav").first).to_be_hidden()
    page.click("[data-action=menu]")
    expect(page.locator("nav.nav").first).to_be_visible()
    page.keyboard.press("Escape")
    page.click("details.menu:has(button[name=theme]) > summary")
    page.click("button[name=theme][value=dark]")
    page.wait_for_selector("html[data-theme=dark]")
    assert look.faults == []
