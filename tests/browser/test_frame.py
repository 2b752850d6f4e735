"""The frame as people use it: palette, help, cards, language, by key and by mouse."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.heavy]


def test_frame_is_walked_by_keyboard_and_mouse(desk, shared) -> None:
    page = desk.page
    desk.open("/customers")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Search or jump to")
    expect(box).to_be_focused()
    page.keyboard.type("contoso")
    hit = page.locator("#palette-found [aria-selected=true]")
    expect(hit).to_contain_text("Contoso Ltd", timeout=20_000)
    expect(box).to_have_attribute("aria-activedescendant", "palette-hit-1")
    page.keyboard.press("ArrowDown")
    expect(box).not_to_have_attribute("aria-activedescendant", "palette-hit-1")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/customers/cus_"))
    page.wait_for_load_state("networkidle")
    page.keyboard.press("h")
    expect(page.locator("#help-body article")).to_be_visible(timeout=20_000)
    page.keyboard.press("Escape")
    expect(page.locator("#help")).not_to_be_visible()

    desk.open("/cards")
    first = page.locator("[data-order] [data-key]").first
    moved = first.get_attribute("data-key")
    first.focus()
    with page.expect_response(re.compile("/cards")):
        page.keyboard.press("Alt+ArrowDown")
    expect(page.locator(f"[data-key={moved}]")).to_be_focused()
    grip = page.locator("[data-order] .grip")
    with page.expect_response(re.compile("/cards")):
        grip.nth(2).drag_to(grip.nth(0))
    wanted = [one.get_attribute("data-key") for one in page.locator("[data-key]").all()]
    assert wanted.index(moved or "") == 2
    desk.open("/")
    shown = [one.get_attribute("id") for one in page.locator(".dash-card").all()]
    assert shown == [f"card-{key}" for key in wanted]
    expect(page.locator("#bell .badge, #bell svg").first).to_be_visible()

    page.locator("summary[aria-label=Language]").click()
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.locator(".menu-language summary").click()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.keyboard.press("Control+k")
    page.keyboard.type("dark col")
    expect(hit).to_contain_text("Dark colours", timeout=20_000)
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("Control+k")
    page.keyboard.type("colours of")
    expect(hit).to_contain_text("Colours of the system", timeout=20_000)
    page.keyboard.press("Enter")
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")
    page.keyboard.press("g")
    page.keyboard.press("b")
    page.wait_for_url(shared.base + "/notices")
    assert desk.faults == []
