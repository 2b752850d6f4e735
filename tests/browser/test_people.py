"""People and machines let in, by mouse."""

from __future__ import annotations

import re

import pytest
from entrepot.hub.mail import Mailer
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.heavy]


def link_of_mail(shared) -> str:
    """Return the path in the newest mail."""
    mail = Mailer(shared.web.hub.settings).kept(1)[0]
    return re.search(r"/reset/\S+", mail.text)[0]


def test_person_is_added_and_may_sign_in(desk, shared, chromium, new_look) -> None:
    page = desk.page
    desk.open("/settings/users")
    page.fill("[name=name]", "Bo Chen")
    page.fill("[name=email]", "bo@example.com")
    page.check("input[name=role][value=viewer]")
    page.click("button:has-text('Send invitation')")
    expect(page.locator(".flash")).to_contain_text("a mail is on its way")
    expect(page.locator("tbody tr:has-text('bo@example.com')")).to_be_visible()
    other = new_look(chromium, shared.base)
    other.open(link_of_mail(shared))
    other.page.fill("[name=password]", "a phrase for the start")
    other.page.fill("[name=password_confirm]", "a phrase for the start")
    other.page.click("button[type=submit]")
    other.page.wait_for_url("**/login*")
    other.sign_in("bo@example.com", "a phrase for the start")
    other.open("/customers")
    expect(other.page.locator("nav.nav >> text=People")).to_have_count(0)
    assert other.open("/settings/users") == 403


def test_secret_of_a_machine_is_shown_once(desk) -> None:
    page = desk.page
    desk.open("/settings/credentials")
    page.fill("[name=name]", "Billing system")
    page.check("[aria-label='customers:read']")
    page.click("button:has-text('Make credential')")
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("ens_")
    desk.open("/settings/credentials")
    assert secret not in page.content()
    expect(page.locator("tbody th:has-text('Billing system')")).to_be_visible()
