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


def test_a_customer_is_told_of_otherwise_than_all_others(desk, shared) -> None:
    page = desk.page
    desk.open(f"/customers/{shared.books.customers[5]}")
    page.click("nav.submenu >> text=Notifications")
    chosen, usual = page.get_by_label("as chosen here"), page.get_by_label("as all")
    expect(usual).to_be_checked()
    chosen.check()
    page.get_by_label("Days ahead of a renewal").fill("45")
    page.get_by_label("the customer's primary contact").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator(".flash")).to_be_visible()
    expect(chosen).to_be_checked()
    expect(page.get_by_label("Days ahead of a renewal")).to_have_value("45")
    expect(page.get_by_label("the customer's primary contact")).to_be_checked()
    page.click("text=What holds for all customers")
    page.wait_for_url(shared.base + "/customers/notifications")
    expect(page.get_by_label("Days ahead of a renewal")).to_have_value("30")


def test_slider_goes_through_a_subscriptions_past(desk, shared) -> None:
    page = desk.page
    desk.open(f"/subscriptions/{shared.books.subscriptions[0]}")
    expect(page.locator("#results")).to_contain_text("The present state")
    page.locator("#state").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#results")).to_contain_text("As known from")
    expect(page.locator("#results td.differs")).to_have_text("2")
    assert "state=0" in page.url
