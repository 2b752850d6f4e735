"""Charges: export, Cost Explorer, restatement, paging, replaced files."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.model import ChargeKind, Period
from entrepot_aws.plugin import plugin

FEBRUARY = Period(date(2026, 2, 1), date(2026, 3, 1))
MARCH = Period(date(2026, 3, 1), date(2026, 4, 1))


def walked(ctx, hook, **wishes):
    """All records of a listing, and whether it is complete."""
    kinds = {"charges": ask.ListCharges, "usage": ask.ListUsage}
    call = {"charges": plugin.list_charges, "usage": plugin.list_usage}[hook]
    found, complete, cursor = [], True, None
    while True:
        page = call(ctx, kinds[hook](cursor=cursor, **wishes))
        found += page.records()
        complete &= page.complete
        cursor = page.next_cursor
        if cursor is None:
            return {each.vendor_id: each for each in found}, complete


@pytest.fixture
def vendor(start):
    return start(4, subscriptions=16)


def test_closed_month_is_invoiced_and_belongs_to_customers(vendor) -> None:
    ctx = vendor.connect()
    found, complete = walked(ctx, "charges", period=FEBRUARY)
    now = vendor.sim.clock.now()
    lines = list(vendor.sim.costs.lines("2026-02", now))
    assert complete
    assert len(found) == len(lines)
    assert sum(c.amount.amount for c in found.values()) == sum(li.cost for li in lines)
    assert not any(c.estimated for c in found.values())
    assert {c.invoiced_on for c in found.values()} == {date(2026, 3, 4)}
    book = vendor.sim.book
    owners = {
        a.id: u.id for u in book.customer_units() for a in book.accounts_below(u.id)
    }
    owners |= {t.account: t.account for t in book.transfers.values()}
    for charge in found.values():
        assert charge.customer_id == owners.get(charge.subscription_id, "")
        assert charge.source.startswith(f"s3://{vendor.sim.exporter.bucket}/cur/")
    assert {c.kind for c in found.values()} == {ChargeKind.USAGE, ChargeKind.TAX}


def test_usage_is_what_was_metered(vendor) -> None:
    ctx = vendor.connect()
    found, complete = walked(ctx, "usage", period=FEBRUARY)
    charged, _ = walked(ctx, "charges", period=FEBRUARY)
    metered = {k for k, c in charged.items() if c.kind is ChargeKind.USAGE}
    assert complete
    assert found.keys() == metered
    one = next(iter(found.values()))
    assert one.cost == charged[one.vendor_id].amount
    assert one.quantity > 0


def test_open_month_is_an_estimate_that_grows(vendor) -> None:
    ctx = vendor.connect()
    before, _ = walked(ctx, "charges", period=MARCH)
    assert all(c.estimated for c in before.values())
    vendor.control.advance(timedelta(days=3))
    after, _ = walked(ctx, "charges", period=MARCH)
    assert after.keys() == before.keys()
    total = [sum(c.amount.amount for c in each.values()) for each in (before, after)]
    assert total[1] > total[0]


@pytest.mark.parametrize("mode", ["overwrite", "new"])
def test_restated_line_keeps_its_id(start, mode) -> None:
    vendor = start(3, subscriptions=8, extra={"cur_mode": mode})
    ctx = vendor.connect()
    before, _ = walked(ctx, "charges", period=FEBRUARY)
    vendor.control.act("restate_costs", month="2026-02", factor="0.5")
    after, _ = walked(ctx, "charges", period=FEBRUARY)
    assert after.keys() == before.keys()
    changed = {after[k].kind: k for k in after if after[k].amount != before[k].amount}
    assert changed.keys() == {ChargeKind.USAGE, ChargeKind.TAX}, "tax follows"
    key = changed[ChargeKind.USAGE]
    half, whole = after[key].amount.amount, before[key].amount.amount
    assert abs(half * 2 - whole) < Decimal("0.000001")


def test_late_refund_is_a_line_of_its_own(vendor) -> None:
    ctx = vendor.connect()
    before, _ = walked(ctx, "charges", period=FEBRUARY)
    account = next(iter(before.values())).subscription_id
    vendor.control.act("late_refund", month="2026-02", account=account)
    after, _ = walked(ctx, "charges", period=FEBRUARY)
    (new,) = after.keys() - before.keys()
    assert after[new].kind is ChargeKind.REFUND
    assert after[new].amount.amount == Decimal("-25.00")


def test_small_pages_give_the_same_without_reading_again(vendor) -> None:
    ctx = vendor.connect()
    whole, _ = walked(ctx, "charges", period=FEBRUARY)
    vendor.control.reset_requests()
    small, _ = walked(ctx, "charges", period=FEBRUARY, page_size=3)
    assert small == whole
    reads = vendor.control.counters()["total"]
    assert reads <= 4, "one list, one file, whatever the size of a page"


def test_replaced_export_is_never_mixed(vendor) -> None:
    ctx = vendor.connect()
    first = plugin.list_charges(ctx, ask.ListCharges(period=FEBRUARY, page_size=5))
    vendor.control.act("restate_costs", month="2026-02")
    other = vendor.connect()
    query = ask.ListCharges(period=FEBRUARY, page_size=5, cursor=first.next_cursor)
    page = plugin.list_charges(other, query)
    assert (page.complete, page.next_cursor, len(page)) == (False, None, 0)
    assert "replaced" in page.incomplete_reason


def test_without_an_export_cost_explorer_previews(vendor) -> None:
    ctx = vendor.connect(cur_bucket="")
    found, complete = walked(ctx, "charges", period=FEBRUARY)
    lines = vendor.sim.costs.lines("2026-02", vendor.sim.clock.now())
    assert complete
    assert all(c.estimated for c in found.values())
    assert sum(c.amount.amount for c in found.values()) == sum(li.cost for li in lines)
    nothing, complete = walked(ctx, "usage", period=FEBRUARY)
    assert (nothing, complete) == ({}, False)


def test_one_customer_only(vendor) -> None:
    ctx = vendor.connect()
    unit = vendor.sim.book.customer_units()[0].id
    found, _ = walked(ctx, "charges", period=FEBRUARY, customer_id=unit)
    assert found
    assert {c.customer_id for c in found.values()} == {unit}


def test_markup_is_a_fact_of_the_customer(vendor) -> None:
    unit = vendor.sim.book.customer_units()[0].id
    vendor.control.act("set_markup", percent="12.5", customer=unit)
    found = plugin.get_customer(vendor.connect(), ask.GetCustomer(customer_id=unit))
    assert found.attributes["markup_percent"] == "12.5"
    assert found.attributes["billing_group"] == vendor.sim.book.groups[unit].name
    transfer = next(iter(vendor.sim.book.transfers.values()))
    vendor.control.act("set_markup", percent="-3", customer=transfer.account)
    query = ask.GetCustomer(customer_id=transfer.account)
    found = plugin.get_customer(vendor.connect(), query)
    assert found.attributes["markup_percent"] == "-3"
