"""The work lists by keyboard; a form that outlives the session and a silent server."""

from __future__ import annotations

import pytest
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.psa.tables import PsaCompany
from entrepot.store import TenantScope, new_id
from sqlalchemy import select

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def suggest(console) -> None:
    """Give two customers a company of the same tax number, and run the matcher."""
    hub = console.web.hub
    with hub.store.unit(TenantScope(console.tenant)) as session:
        accounts = session.scalars(
            select(CustomerAccount).order_by(CustomerAccount.name).limit(2)
        ).all()
        for number, account in enumerate(accounts):
            account.tax_id = f"NO{number}11000"
            session.add(
                PsaCompany(
                    id=new_id("pcy"),
                    tenant_id=console.tenant,
                    connection_id=console.books.psa,
                    vendor_id=f"c{number}",
                    name=account.name,
                    tax_id=account.tax_id,
                    row_hash=1,
                    known_at=hub.clock.now(),
                )
            )
    owner = hub.users.actor_for(console.web.person(console.tenant), console.tenant)
    hub.mapping.refresh_suggestions(owner, console.books.psa)


def test_bench_by_keyboard_and_a_form_that_is_not_lost(
    console, chromium, new_look
) -> None:
    suggest(console)
    look = new_look(chromium, console.base)
    look.sign_in(console.email, console.password)
    page = look.page

    look.open("/mapping/customers")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("aside .pair .same")
    page.keyboard.press("a")
    page.wait_for_selector(".flash:has-text('Saved: 1 row')")
    page.keyboard.press("u")
    page.wait_for_selector(".flash:has-text('Undone: 1 row')")
    page.keyboard.press("j")
    page.keyboard.press("e")
    assert page.evaluate("document.activeElement.id") == "why"

    form = "/connections/new?plugin=connectwise"
    look.open(form)
    page.fill("#i-name", "Our other desk")
    box = page.locator("form[data-keep] input[hx-post]:not([type=password])").first
    box.fill("x")
    box.fill("")
    page.wait_for_selector(".verdict .error")
    assert box.get_attribute("aria-invalid") == "true"
    page.route("**/check-field/**", lambda route: route.abort())
    box.fill("something")
    page.wait_for_selector("#fault:not([hidden])")
    broken = ("script:", "console: policy:")
    assert [one for one in look.faults if one.startswith(broken)] == []

    page.context.clear_cookies()
    look.open(form)
    page.fill("[name=email]", console.email)
    page.fill("[name=password]", console.password)
    page.click("button[type=submit]")
    page.wait_for_selector("#i-name")
    assert page.input_value("#i-name") == "Our other desk"
    page.wait_for_selector("text=What you had typed is here again.")
