"""The list of subscriptions, and one on its pages."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from entrepot.hub.catalog.tables import Offer
from entrepot.hub.mapping.tables import CustomerMap
from entrepot.hub.reconciliation.tables import LineLinkRow
from entrepot.hub.subscriptions.tables import SubscriptionFact, SubscriptionRow
from entrepot.hub.subscriptions.vendor_record import Exchange, VendorRecord
from entrepot.sdk.model import PanelField, SubscriptionPanel
from entrepot.store import TenantScope, new_id
from entrepot_web.reseller.subscription_columns import criteria_of
from entrepot_web.reseller.subscription_past import licences

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def send(client, web, path: str, **fields):
    token = web.csrf_token(client.get(path).text)
    return client.post(path, data={"csrf_token": token, **fields})


def test_subscription_is_shown_as_it_was(browser, books) -> None:
    path = f"/subscriptions/{books.subscriptions[0]}"
    now = browser.get(path).text
    assert "The present state" in now
    assert 'class="differs"' not in now
    then = browser.get(f"{path}?state=0").text
    assert "As known from" in then
    assert '<td data-label="Then" class="differs">2</td>' in then
    assert "1 of 2" in browser.get(f"{path}?state=0").text
    assert "2 of 2" in browser.get(f"{path}?state=99").text
    assert "2 of 2" in browser.get(f"{path}?state=x").text
    seen = re.findall(r"\?as_of=([^\"]+)", now)
    assert len(seen) == 2
    assert "2 of 2" in browser.get(f"{path}?as_of={seen[0]}").text
    assert "1 of 2" in browser.get(f"{path}?as_of={seen[1]}").text
    assert "2 of 2" in browser.get(f"{path}?as_of=yesterday").text


def test_licences_of_a_year_are_drawn_where_they_changed(browser, books) -> None:
    html = browser.get(f"/subscriptions/{books.subscriptions[0]}").text
    assert "Licences from 2 to 5" in html
    assert 'class="chart-bought" d="M0.00 24.00 H93.33 V0.00 H100"' in html
    assert "chart-assigned" not in html


def known(days: int, quantity: int, change: str = "changed", **payload) -> Any:
    """A state that became true and known so many days ago."""
    moment = NOW - timedelta(days=days)
    return SubscriptionFact(
        known_at=moment, valid_from=moment, change=change, quantity=Decimal(quantity),
        payload=payload,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "bought"),
    [
        ([], None),
        ([known(20, 5, "new")], None),
        ([known(20, 5), known(300, 5, "new")], None),
        ([known(400, 5), known(800, 3, "new")], None),
        ([known(73, 5), known(800, 4, "new")], "M0.00 8.00 H80.00 V0.00 H100"),
        ([known(20, 6), known(20, 5), known(20, 3, "new")], None),
        ([known(20, 5, "gone"), known(40, 5, "new")], "M0.00 0.00 H50.00 V40.00 H100"),
    ],
)
def test_a_year_begins_with_what_held_then(facts, bought) -> None:
    found = licences(facts, NOW)
    assert (found and found.lines[0].path) == bought


def test_assigned_licences_are_drawn_from_their_first_report_on() -> None:
    facts = [known(10, 10, assigned="4"), known(40, 10, "new", assigned=None)]
    found = licences(facts, NOW)
    assert [one.path for one in found.lines] == [
        "M0.00 0.00 H75.00 V0.00 H100",
        "M75.00 24.00 H100",
    ]
    assert (found.top, len(found.states)) == (10, 2)


def test_categories_divide_what_ends_soon(browser, books, web, tenant) -> None:
    now = web.hub.clock.now()
    with web.hub.store.unit(TenantScope(tenant)) as session:
        for one, renews, days in (
            (books.subscriptions[0], True, 5),
            (books.subscriptions[1], False, 5),
            (books.subscriptions[2], False, 50),
        ):
            row = session.get(SubscriptionRow, one)
            row.auto_renew, row.term_end = renews, now + timedelta(days=days)
            row.status, row.is_trial = "active", days == 50

    def listed(category: str) -> list[str]:
        html = browser.get(f"/subscriptions?category={category}").text
        return re.findall(
            r'<th scope="row"><div><a href="/subscriptions/([^"]+)"', html
        )

    # The next page, asked for later, goes on with the same question.
    morning, noon = now.replace(hour=8), now.replace(hour=12)
    assert criteria_of("expiring", morning) == criteria_of("expiring", noon)
    assert listed("renewing") == [books.subscriptions[0]]
    assert listed("expiring") == [books.subscriptions[1]]
    assert listed("trial") == [books.subscriptions[2]]
    assert len(listed("")) > len(listed("active")) > 10
    export = browser.get("/subscriptions/export.csv?category=renewing").text
    assert len(export.splitlines()) == 3


def test_columns_and_views_of_subscriptions_are_everybodys(
    browser, books, web, tenant
) -> None:
    path = "/subscriptions/columns"
    for step in ("remove:unit_cost", "add:sku", *["up:sku"] * 9):
        assert send(browser, web, path, do=step).status_code == 303
    seller = web.browser(web.person(tenant, role="sales"))
    assert ">SKU<" not in seller.get("/subscriptions").text
    assert send(browser, web, path, do="save:").headers["Location"] == "/subscriptions"
    html = seller.get("/subscriptions").text
    heads = re.findall(r"<th scope=\"col\"[^>]*>(?:<a[^>]*>)?([^<]+)", html)
    wanted = ["Plan", "SKU", "Customer", "Provider", "Licences", "Status", "Auto-renew"]
    assert heads[:7] == wanted
    assert "Unit cost" not in heads
    line = seller.get("/subscriptions/export.csv").text.splitlines()[0]
    assert line == ",".join([*wanted, "Term ends"])
    saved = {"do": "save", "name": "Mine", "query": "?status=active&sort=-quantity"}
    token = web.csrf_token(browser.get("/subscriptions").text)
    browser.post("/subscriptions/views", data={"csrf_token": token, **saved})
    assert (
        'href="/subscriptions?status=active&amp;sort=-quantity"'
        in seller.get("/subscriptions").text
    )
    assert "Mine" not in browser.get("/customers").text
    viewer = web.browser(web.person(tenant, role="viewer"))
    assert "Manage columns" not in viewer.get("/subscriptions").text
    assert viewer.get(path).status_code == 403


def test_a_subscription_gets_a_name_that_is_found(browser, books, web, tenant) -> None:
    path = f"/subscriptions/{books.subscriptions[0]}"
    fields = {"nickname": "Main office", "customer_po": "PO-91", "reseller_po": "R-4"}
    token = web.csrf_token(browser.get(path).text)
    data = {"csrf_token": token, "version": "0", **fields}
    assert browser.post(f"{path}/note", data=data).status_code == 303
    html = browser.get(path).text
    assert "<h1>Main office</h1>" in html
    assert "At the vendor: Business Premium" in html
    assert "Own name or order numbers changed" in html
    assert re.search(r'href="mailto:p_\w+@example\.com"', html), "who changed it"
    assert "Ana Silva" in html
    late = browser.post(f"{path}/note", data=data | {"nickname": "Other"})
    assert late.status_code == 409
    assert "meanwhile. Now the own name is “Main office”" in late.text
    assert 'value="Other"' in late.text
    for words in ("main OFF", "po-91", "s-0-0", "adventure works"):
        found = browser.get("/subscriptions", query_string={"q": words}).text
        assert "Main office" in found, words
    assert "Main office" not in browser.get("/subscriptions?q=nowhere").text
    orders = ["customer_po", "reseller_po", "vendor_name"]
    owner = web.hub.users.actor_for(web.person(tenant), tenant)
    web.hub.customers.views.choose_columns(owner, "subscriptions", orders)
    rows = browser.get("/subscriptions/export.csv?q=po-91").text.splitlines()
    assert len(rows) == 3
    assert "PO-91,R-4,Business Premium" in rows[1]
    viewer = web.browser(web.person(tenant, role="viewer"))
    seen = viewer.get(path).text
    assert "Vendor&#39;s record" not in seen
    assert viewer.get(f"{path}/record").status_code == 403
    assert "PO-91" in seen
    assert 'name="nickname"' not in seen


def test_what_a_plugin_adds_is_a_tab_with_an_address(
    browser, books, web, tenant, monkeypatch
) -> None:
    sub = books.subscriptions[0]
    with web.hub.store.unit(TenantScope(tenant)) as session:
        row = session.get(SubscriptionRow, sub)
        row.attributes = {"arn": "a:1", "fee": "<b>9</b>"}
    field = PanelField(attribute="arn", label="ARN", code=True)
    fee = PanelField(attribute="fee", label="Fee")
    panels = (
        SubscriptionPanel(name="account", title="Account", fields=(field, fee)),
        SubscriptionPanel(
            name="other", title="Other", fields=(field,), products=("x",)
        ),
    )
    info = web.hub.plugins.info(web.hub.plugins.names()[0])
    known = replace(info, panels=panels)
    monkeypatch.setattr(web.hub.plugins, "info", lambda _: known)
    home = f"/subscriptions/{sub}"
    html = browser.get(home).text
    assert f'href="{home}" aria-current="page">Details' in html
    assert f'href="{home}/tabs/account">Account<' in html
    assert "a:1" not in html
    tab = browser.get(f"{home}/tabs/account").text
    assert f'href="{home}/tabs/account" aria-current="page"' in tab
    assert 'ARN</dt><dd class="mono">a:1</dd>' in tab
    assert "&lt;b&gt;9" in tab
    for wrong in (
        f"{home}/tabs/other",
        f"{home}/tabs/x",
        "/subscriptions/x/tabs/account",
    ):
        assert browser.get(wrong).status_code == 404, wrong


def test_what_the_vendor_sends_is_read_when_somebody_asks(
    browser, books, web, machine, monkeypatch
) -> None:
    sub = books.subscriptions[0]
    page = f"/subscriptions/{sub}/record"
    html = browser.get(page).text
    assert "Read from the vendor now" in html
    assert "&#34;quantity&#34;" in html
    refused = send(browser, web, page)
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    assert machine("GET", f"{page}").status_code == 422
    called = Exchange(method="GET", address="https://v.test/1", status=404, body="<b>")
    told = VendorRecord(
        read_at=web.hub.clock.now(), found=False, exchanges=(replace(called, cut=True),)
    )
    monkeypatch.setattr(web.hub.records, "read", lambda *_: told)
    html = send(browser, web, page).text
    assert "GET https://v.test/1" in html
    assert "&lt;b&gt;" in html
    assert "there is no such subscription" in html
    assert "its beginning is shown" in html
    answer = machine("GET", page)
    assert (answer.status_code, answer.json["found"]) == (200, False)
    assert answer.json["exchanges"][0]["status"] == 404


def bill(session, books, tenant: str, row: SubscriptionRow, now) -> None:
    """Link a subscription to the agreement's line, 22.00 USD a month."""
    session.add(
        CustomerMap(
            id=new_id("cmp"), tenant_id=tenant, psa_connection_id=books.psa,
            vendor_connection_id=books.vendor, account_id=row.account_id,
            vendor_customer_id=row.customer_vendor_id, psa_company_id="2471",
            status="confirmed",
        )
    )  # fmt: skip
    session.add(
        LineLinkRow(
            id=new_id("lnk"), tenant_id=tenant, psa_connection_id=books.psa,
            line_id="204", company_id="2471", agreement_id="118", product_id="7",
            subscriptions=[row.id], origin="adopted", created_at=now,
        )
    )  # fmt: skip


def list_price(session, books, tenant: str, row: SubscriptionRow, **more) -> None:
    """Take a subscription's own price away and put one on the price list."""
    row.unit_cost, row.offer_key = None, "offer"
    session.add(
        Offer(
            id=new_id("off"), tenant_id=tenant, connection_id=books.vendor,
            vendor_id="offer", product_id="p", sku=row.sku, name=row.name,
            billing_cycle=row.billing_cycle, min_quantity=1, row_hash=1,
            known_at=row.known_at, **{"currency": "USD", **more},
        )
    )  # fmt: skip


def facts_of(html: str) -> dict[str, str]:
    found = re.findall(r"<dt>([^<]+)</dt><dd[^>]*>(.*?)</dd>", html)
    return {name: re.sub("<[^>]*>", "", text) for name, text in found}


def test_cost_price_and_margin_stand_on_one_basis(browser, books, web, tenant) -> None:
    with web.hub.store.unit(TenantScope(tenant)) as session:
        row = session.get(SubscriptionRow, books.subscriptions[0])
        bill(session, books, tenant, row, web.hub.clock.now())
    shown = facts_of(browser.get(f"/subscriptions/{books.subscriptions[0]}").text)
    assert shown["Reseller price"] == "19.80 USD"
    assert shown["Customer price"] == "22.00 USD"
    assert shown["Margin"] == "2.20 USD 10.0 %"
    assert shown["Total a month"] == "110.00 USD"
    other = browser.get(f"/subscriptions/{books.subscriptions[1]}").text
    assert "No line of an agreement is linked" in other


@pytest.mark.parametrize(
    ("days", "told"), [(400, "in force since the term began"), (10, "an earlier price")]
)
def test_the_price_list_gives_a_cost_that_the_vendor_does_not_tell(
    browser, books, web, tenant, days, told
) -> None:
    with web.hub.store.unit(TenantScope(tenant)) as session:
        row = session.get(SubscriptionRow, books.subscriptions[0])
        bill(session, books, tenant, row, web.hub.clock.now())
        since = web.hub.clock.now() - timedelta(days=days)
        price = {"unit_cost": Decimal("18.5"), "price_from": since}
        list_price(session, books, tenant, row, **price)
    html = browser.get(f"/subscriptions/{books.subscriptions[0]}").text
    shown = facts_of(html)
    assert shown["Reseller price"] == "18.50 USD"
    assert shown["Margin"] == "3.50 USD 15.9 %"
    assert told in html
    assert "by the price list of today" in browser.get("/subscriptions").text
    lines = browser.get("/subscriptions/export.csv").text.splitlines()
    (line,) = [one for one in csv.reader(lines) if one[0] == row.name and "18.5" in one]
    assert line


@pytest.mark.parametrize("other", [{"currency": "EUR"}, {"is_usage": True}])
def test_a_price_in_another_currency_or_of_what_is_used_is_no_cost(
    browser, books, web, tenant, other
) -> None:
    with web.hub.store.unit(TenantScope(tenant)) as session:
        row = session.get(SubscriptionRow, books.subscriptions[0])
        bill(session, books, tenant, row, web.hub.clock.now())
        list_price(
            session, books, tenant, row, **{"unit_cost": Decimal("18.5"), **other}
        )
    html = browser.get(f"/subscriptions/{books.subscriptions[0]}").text
    assert facts_of(html)["Reseller price"] == "–"
    assert "The vendor tells no cost." in html
    assert "by the price list of today" not in browser.get("/subscriptions").text


def test_api_renames_a_subscription_that_nobody_changed(machine, books) -> None:
    path = f"/subscriptions/{books.subscriptions[0]}"
    tag = machine("GET", path).headers["ETag"]
    body = {"nickname": "Head office"}
    done = machine("PATCH", path, json=body, headers={"If-Match": tag})
    assert done.status_code == 200, done.text
    assert (done.json["nickname"], done.json["name"]) == (
        "Head office",
        "Business Premium",
    )
    late = machine("PATCH", path, json=body, headers={"If-Match": tag})
    assert late.status_code == 412
