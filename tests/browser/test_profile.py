"""A customer's pages and a subscription's past, as people walk them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.heavy]


def test_menu_and_tabs_lead_through_a_customer_and_back(desk, shared) -> None:
    page = desk.page
    home = f"/customers/{shared.books.customers[4]}"
    desk.open(home)
    page.click("nav.tabs >> text=Orders")
    page.wait_for_url(re.compile(home + "/orders"))
    page.click("nav.tabs >> text=Activity log")
    page.wait_for_url(re.compile(home + "/activity"))
    expect(page.locator("#activity tbody tr").first).to_be_visible()
    page.click("nav.submenu >> text=Customer information")
    page.fill("[name=custom_id]", "C-77")
    page.click("button:has-text('Save')")
    expect(page.locator(".flash")).to_contain_text("saved")
    expect(page.locator(".page-head code")).to_have_text("C-77")
    page.click("nav.submenu >> text=All customers")
    page.wait_for_url(shared.base + "/customers")


def test_slider_goes_through_a_subscriptions_past(desk, shared) -> None:
    page = desk.page
    desk.open(f"/subscriptions/{shared.books.subscriptions[0]}")
    expect(page.locator("#results")).to_contain_text("The present state")
    page.locator("#state").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#results")).to_contain_text("As known from")
    expect(page.locator("#results td.differs")).to_have_text("2")
    assert "state=0" in page.url
