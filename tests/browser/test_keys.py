"""Everything by keyboard: rows, modules, pages, mapping."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.heavy]


def test_rows_are_walked_and_picked_and_modules_reached(desk, shared) -> None:
    page = desk.page
    desk.open("/customers")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-picked]")).to_have_text("1")
    assert (
        page.locator("tbody tr:not(.unfolded)")
        .nth(1)
        .locator(".pick input")
        .is_checked()
    )
    page.keyboard.press("]")
    page.wait_for_url(re.compile("cursor="))
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url(shared.base + "/subscriptions")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).not_to_be_visible()


def test_keys_are_letters_while_somebody_types(desk) -> None:
    page = desk.page
    desk.open("/customers")
    page.keyboard.press("/")
    page.keyboard.type("gsx?")
    assert page.locator("#q").input_value() == "gsx?"
    expect(page.locator("#keys")).not_to_be_visible()


def test_mapping_row_is_chosen_by_keyboard(desk) -> None:
    page = desk.page
    desk.open("/mapping/customers")
    page.keyboard.press("j")
    page.keyboard.press("c")
    page.wait_for_url(re.compile("/mapping/customers/choose"))
