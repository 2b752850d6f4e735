"""Charges and usage out of the reseller billing export."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import ChargeKind, Period
from entrepot_google.billing import CHARGES_SQL, USAGE_SQL, statement
from entrepot_google.mapping.charges import is_open, kind_of, months_of
from entrepot_google.plugin import plugin

SEPTEMBER = Period(date(2026, 9, 1), date(2026, 10, 1))
OCTOBER = Period(date(2026, 10, 1), date(2026, 11, 1))


def charges(ctx, period=SEPTEMBER, **fields):
    found, cursor = [], None
    while True:
        query = ask.ListCharges(period=period, cursor=cursor, **fields)
        page = plugin.list_charges(ctx, query)
        found += page.records()
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_google_charges_sum_to_the_export(vendor) -> None:
    ctx = vendor.connect()
    found = charges(ctx, page_size=7)
    rows = vendor.sim.ledger.rows(["202609"], vendor.sim.clock.now())
    assert sum(c.amount.amount for c in found) == sum(r.cost + r.credits for r in rows)
    assert len({c.vendor_id for c in found}) == len(found) < len(rows)
    assert {c.amount.currency for c in found} == {"USD"}
    assert not any(c.estimated for c in found)
    assert all(c.estimated for c in charges(ctx, OCTOBER))


def test_google_charge_lines_join_to_subscriptions(vendor) -> None:
    ctx, customer = vendor.connect(), vendor.sim.book.ids[0]
    bought = vendor.control.act("buy", customer=customer, seats=4)
    names = {"customer": customer, "entitlement": bought["entitlement"]}
    found = charges(ctx, OCTOBER, customer_id=customer)
    (line,) = [c for c in found if c.subscription_id == bought["subscription_id"]]
    assert line.customer_id == customer
    assert line.kind is ChargeKind.RECURRING
    assert line.vendor_kind == "COMMITMENT_MONTHLY_ITEM"
    assert (line.sku, line.unit, line.quantity) == ("1010020028", "seat", 4)
    assert line.period.start == date(2026, 10, 14)
    assert "invoice.month=202610" in line.source
    vendor.control.act("suspend", **names)
    flexible = vendor.control.act("buy", customer=customer, plan="flexible", seats=9)
    paired = [
        c
        for c in charges(ctx, OCTOBER, customer_id=customer)
        if c.subscription_id == flexible["subscription_id"]
    ]
    # Two rows that only their sum makes sense of, and no seats to be read off it.
    assert len(paired) == 1
    assert paired[0].quantity is None
    assert paired[0].amount.amount > 0


def test_google_late_rows_restate_a_line(vendor) -> None:
    ctx, customer = vendor.connect(), vendor.sim.book.ids[1]
    before = {c.vendor_id: c for c in charges(ctx, customer_id=customer)}
    vendor.control.act("restate_charges", customer=customer)
    after = {c.vendor_id: c for c in charges(ctx, customer_id=customer)}
    assert before.keys() == after.keys()
    assert all(after[k].amount != before[k].amount for k in before)


def test_google_usage_is_metered_by_day(vendor) -> None:
    ctx, now = vendor.connect(), vendor.sim.clock.now()
    vendor.control.act("buy", sku="6F81-5844-456A", plan="usage", seats=1)
    rows = [r for r in vendor.sim.ledger.rows(["202609"], now) if r.project_id]
    found, cursor = [], None
    while True:
        page = plugin.list_usage(ctx, ask.ListUsage(period=SEPTEMBER, cursor=cursor))
        found += page.records()
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sum(u.quantity for u in found) == sum(r.quantity for r in rows)
    assert len({u.vendor_id for u in found}) == len(found)
    assert all(u.starts_at.date() in SEPTEMBER for u in found)


def test_google_rows_from_a_file(start, tmp_path) -> None:
    name = "accounts/C0res0001/customers/Sfile"
    row = {
        "billing_account_id": "C0file",
        "payer_billing_account_id": "01-02-03",
        "invoice": {"month": "202609"},
        "cost_type": "regular",
        "service": {"id": "Google-Apps", "description": "Google Workspace"},
        "sku": {"id": "1010020020", "description": "Enterprise Plus"},
        "usage_start_time": "2026-09-01 07:00:00 UTC",
        "usage_end_time": "2026-10-01 07:00:00 UTC",
        "cost": "-12.345678901",
        "currency": "EUR",
        "usage": {"amount_in_pricing_unit": 3, "pricing_unit": "seat"},
        "credits": [{"amount": "-1.5"}],
        "customer_name": name,
        "entitlement_name": f"{name}/entitlements/Sx",
        "cost_at_list": None,
        "system_labels": [
            {
                "key": "workspace.googleapis.com/usage_type",
                "value": "COMMITMENT_CANCEL_ITEM",
            },
            {"key": "workspace.googleapis.com/order_id", "value": "o-1"},
        ],
    }
    source = tmp_path / "rows.json"
    source.write_text(json.dumps(row) + "\n")
    vendor = start(customers=2, extra={"billing_file": str(source)})
    (found,) = charges(vendor.connect(), customer_id="Sfile")
    assert found.kind is ChargeKind.REFUND
    assert found.amount.amount == Decimal("-13.845678901")
    assert found.amount.currency == "EUR"
    assert found.list_amount is None
    assert found.subscription_id == "Sfile/Sx"
    assert (found.period.start, found.period.last_day) == (
        date(2026, 9, 1),
        date(2026, 9, 30),
    )
    assert found.attributes["order_id"] == "o-1"


def test_google_slow_query_is_waited_for(start) -> None:
    vendor = start(extra={"slow_queries": "3"})
    ctx = vendor.connect()
    assert charges(ctx)
    assert ctx.clock.slept >= 3


def test_google_gone_answer_starts_again(vendor) -> None:
    ctx = vendor.connect()
    query = ask.ListCharges(period=SEPTEMBER, page_size=2)
    page = plugin.list_charges(ctx, query)
    vendor.sim.bigquery.forget()
    query = ask.ListCharges(period=SEPTEMBER, page_size=2, cursor=page.next_cursor)
    with pytest.raises(Rejected) as caught:
        plugin.list_charges(ctx, query)
    assert caught.value.code == "query_gone"


def test_google_charges_without_an_export_say_so(vendor) -> None:
    ctx = vendor.connect(billing_table="")
    for page in (
        plugin.list_charges(ctx, ask.ListCharges(period=SEPTEMBER)),
        plugin.list_usage(ctx, ask.ListUsage(period=SEPTEMBER)),
    ):
        assert (page.complete, page.records()) == (False, [])
        assert "export" in page.incomplete_reason


def test_google_months_and_kinds() -> None:
    period = Period(date(2026, 11, 15), date(2027, 1, 2))
    assert months_of(period) == ["202611", "202612", "202701"]
    assert is_open("202609", date(2026, 10, 5))
    assert not is_open("202609", date(2026, 10, 6))
    assert kind_of("tax", "") is ChargeKind.TAX
    assert kind_of("regular", "SOMETHING_NEW") is ChargeKind.UNKNOWN
    assert kind_of("surprise", "") is ChargeKind.UNKNOWN
    for template in (CHARGES_SQL, USAGE_SQL):
        text = statement(template, "p.d.t")
        assert "`p.d.t`" in text
        assert "{" not in text
