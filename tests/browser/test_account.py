"""A person's own account in a browser: passkey, sessions, acting for somebody."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.heavy]

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_passkey_is_added_signs_in_and_sessions_end(
    shared: Any, chromium: Any, new_look: Any
) -> None:
    # A passkey belongs to a name; an address has none.
    base = shared.base.replace("127.0.0.1", "localhost")
    person = shared.web.person(shared.tenant, "owner", "Ada Quist")
    helper = shared.web.person(shared.tenant, "support", "Bo Chen")
    look = new_look(chromium, base)
    page = look.page
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    look.sign_in(person.email, shared.password)
    page.click("summary[aria-label='Your account']")
    page.click(".menu-panel a[href='/account/security']")
    page.fill("[data-passkey-add] [name=name]", "Virtual key")
    page.click("button:has-text('Add a passkey')")
    expect(page.locator(".feed li:has-text('Virtual key')")).to_be_visible()
    page.click("summary[aria-label='Your account']")
    page.click("button:has-text('Sign out')")
    page.wait_for_url(base + "/login*")
    page.click("button:has-text('Sign in with a passkey')")
    page.wait_for_url(base + "/")
    other = new_look(chromium, base, viewport={"width": 390, "height": 844})
    other.sign_in(person.email, shared.password)
    look.open("/account/security")
    expect(page.locator("tbody tr:has-text('passkey')")).to_contain_text("this one")
    page.click("button:has-text('End all others')")
    other.page.reload()
    assert "/login" in other.page.url
    look.open(f"/settings/users/{helper.id}/act")
    page.fill("[name=reason]", "ticket 4711")
    page.click("main button:has-text('Act for Bo Chen')")
    banner = page.locator("#behalf")
    expect(banner).to_contain_text("Ada Quist acts for Bo Chen: ticket 4711")
    expect(page.locator("nav.nav >> text=API credentials")).to_have_count(0)
    banner.locator("button").click()
    expect(page.locator("#behalf")).to_have_count(0)
    assert look.faults == []
    look.page.context.close()
    other.page.context.close()
