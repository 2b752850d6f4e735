"""Customers by mouse and by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.heavy]


def test_filter_waits_for_apply_and_chip_takes_it_away(desk, shared) -> None:
    page = desk.page
    desk.open("/customers")
    page.click("details.filter summary:has-text('Cloud provider')")
    page.check(".filter-panel >> text=Cloud EU")
    assert "connection_id" not in page.url
    page.keyboard.press("Escape")
    expect(page.locator("details.filter[open]")).to_have_count(0)
    page.click("details.filter summary:has-text('Status')")
    page.check(".filter-panel:visible >> text=Merged")
    page.click(".filter-panel:visible >> text=Apply filters")
    expect(page.locator(".chip:has-text('Status: Merged')")).to_be_visible()
    assert "state=merged" in page.url
    expect(page.locator("tbody tr:not(.unfolded)")).to_have_count(0)
    page.click("[aria-label='Remove the filter Status']")
    expect(page.locator("tbody tr:not(.unfolded)")).to_have_count(50)


def test_rows_are_picked_and_exported(desk) -> None:
    page = desk.page
    desk.open("/customers")
    bar = page.locator("[data-bulk]")
    assert not bar.is_visible()
    page.locator("tbody .pick input").nth(1).check()
    page.locator("tbody .pick input").nth(3).check()
    expect(bar.locator("[data-picked]")).to_have_text("2")
    with page.expect_download() as waiting:
        bar.locator("button:has-text('Export CSV')").click()
    lines = waiting.value.path().read_text().splitlines()
    assert len(lines) == 4
    bar.locator("text=All 60 matching").click()
    with page.expect_download() as waiting:
        bar.locator("button:has-text('Export CSV')").click()
    assert len(waiting.value.path().read_text().splitlines()) == 62


def test_columns_are_managed_by_keyboard_alone(desk) -> None:
    page = desk.page
    desk.open("/customers/columns")
    page.locator("[aria-label='Show Country']").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("moved=country"))
    page.locator("[aria-label='Move Country up']").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("li.on:has-text('Country, ')")
    page.click("text=Update for everybody")
    desk.open("/customers")
    expect(page.locator("thead th:has-text('Country')")).to_have_count(1)
    desk.open("/customers/columns")
    page.click("text=Usual columns")
    page.click("text=Update for everybody")


def test_double_click_and_enter_open_a_customer(desk) -> None:
    page = desk.page
    desk.open("/customers")
    page.locator("tbody tr:not(.unfolded)").nth(2).locator("td").nth(2).dblclick()
    page.wait_for_url(re.compile("/customers/cus_"))
    # By its address, not back: a page that comes back may not have the keyboard yet.
    desk.open("/customers")
    names = page.locator("tbody th a")
    page.keyboard.press("j")
    expect(names.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(names.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/customers/cus_"))
