"""Invoice lines: paging, spelling, sums, and what is no invoice of ours."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import ChargeKind, Money, Period
from entrepot_microsoft import client, wire
from entrepot_microsoft.mapping import charges as mapping
from entrepot_microsoft.plugin import plugin
from entrepot_microsoft.simulator import invoices

ASKED = Period(date(2026, 6, 1), date(2026, 7, 1))
INVOICE = wire.InvoiceWire(id="G1", invoice_date="2026-07-08T00:00:00Z")


def month_before(vendor, months: int = 1) -> Period:
    found = vendor.sim.clock.now().date().replace(day=1)
    for _ in range(months):
        end, found = found, invoices.add_months(found, -1)
    return Period(found, end)


def all_charges(ctx, period):
    pages, cursor = [], None
    while True:
        query = ask.ListCharges(period=period, cursor=cursor)
        page = plugin.list_charges(ctx, query)
        pages.append(page)
        cursor = page.next_cursor
        if cursor is None:
            return pages, [one for page in pages for one in page.items]


def line(**values) -> wire.InvoiceLineWire:
    given = {
        "customer_id": "org:ABCDEF00-0000-4000-8000-000000000001",
        "product_id": "CFQ7TTC0LF8S",
        "sku_id": "0001",
        "subtotal": Decimal("-3.50"),
        "currency": "USD",
        "charge_type": "removeQuantity",
        "quantity": Decimal(-1),
        "charge_start_date": "2026-06-11T00:00:00Z",
        "charge_end_date": "2026-06-30T00:00:00Z",
    }
    return wire.InvoiceLineWire(**(given | values))


def test_lines_are_the_same_however_many_come_on_a_page(start, monkeypatch) -> None:
    vendor = start(6, subscriptions=60)
    ctx, period = vendor.connect(), month_before(vendor, 2)
    pages, whole = all_charges(ctx, period)
    assert len(pages) == 1
    assert len(whole) > 10
    monkeypatch.setattr(client, "LINE_PAGE", 4)
    pages, parts = all_charges(ctx, period)
    assert len(pages) > 2
    assert parts == whole  # numbers came as text on every second page
    assert len({one.vendor_id for one in whole}) == len(whole)


def test_lines_belong_to_known_subscriptions_and_add_up(start) -> None:
    vendor = start(6, subscriptions=60)
    ctx, period = vendor.connect(), month_before(vendor, 2)
    _, found = all_charges(ctx, period)
    bought = {}
    for customer in plugin.list_customers(ctx, ask.ListCustomers()).items:
        query = ask.ListSubscriptions(customer_id=customer.vendor_id)
        for sub in plugin.list_subscriptions(ctx, query).items:
            bought[customer.vendor_id, sub.vendor_id] = sub
    pairs = defaultdict(list)
    for one in found:
        sub = bought[one.customer_id, one.subscription_id]
        assert one.sku == sub.sku
        assert period.start <= one.period.start
        assert one.invoice_id.startswith("G")
        assert not one.estimated
        if one.kind is ChargeKind.PRORATED:
            pairs[one.attributes["reference_id"]].append(one)
        else:
            assert one.kind is ChargeKind.RECURRING
            assert one.amount.amount == one.unit_price.amount * one.quantity
    assert pairs
    for credit, charge in pairs.values():
        assert credit.quantity + charge.quantity == 1
        assert credit.amount.amount < 0 < charge.amount.amount
        assert charge.list_amount.amount > charge.amount.amount
    total = sum(one.amount.amount + one.tax.amount for one in found)
    documents = invoices.Documents(vendor.sim.book, "p")
    (invoice,) = [
        one
        for one in documents.issued(vendor.sim.clock.now())
        if one["billingPeriodStartDate"].startswith(str(period.start))
    ]
    assert total == Decimal(str(invoice["totalCharges"])).quantize(Decimal("0.01"))


def test_month_without_invoice_has_no_lines(vendor) -> None:
    now = vendor.sim.clock.now().date()
    open_month = Period(now.replace(day=1), invoices.add_months(now.replace(day=1), 1))
    pages, found = all_charges(vendor.connect(), open_month)
    assert found == []
    assert [page.complete for page in pages] == [True]


def test_reading_is_asked_for_with_the_spelling_the_vendor_wants(vendor) -> None:
    all_charges(vendor.connect(), month_before(vendor, 2))
    asked = [one["path"] for one in vendor.control.requests()]
    (lines,) = [path for path in asked if "lineitems" in path]
    assert "provider=onetime&" in lines
    assert [path for path in asked if path.startswith("/v1/invoices?")]


def test_line_is_mapped_with_its_days_and_its_spellings() -> None:
    made = mapping.charge(line(), INVOICE, ASKED)
    assert made.customer_id == "abcdef00-0000-4000-8000-000000000001"
    assert made.period == Period(date(2026, 6, 11), date(2026, 7, 1))
    assert made.kind is ChargeKind.PRORATED
    assert made.amount == Money(Decimal("-3.50"), "USD")
    assert made.invoiced_on == date(2026, 7, 8)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Cycle_Charge", ChargeKind.RECURRING),
        ("CANCELIMMEDIATE", ChargeKind.REFUND),
        ("customerCredit", ChargeKind.CREDIT),
        ("somethingNew", ChargeKind.UNKNOWN),
    ],
)
def test_kind_is_read_in_any_case(word, kind) -> None:
    made = mapping.charge(line(charge_type=word), INVOICE, ASKED)
    assert (made.kind, made.vendor_kind) == (kind, word)


def test_unreadable_days_are_those_that_were_asked_for() -> None:
    dates = {"charge_start_date": "0001-01-01T00:00:00Z", "charge_end_date": None}
    assert mapping.charge(line(**dates), INVOICE, ASKED).period == ASKED


def test_name_of_a_line_depends_on_values_not_on_their_notation() -> None:
    def named(text: str) -> str:
        body = (
            '{"customerId":"c","currency":"USD","attributes/objectType":"x",'
            f'"subtotal":{text},"quantity":1}}'
        )
        found = wire.INVOICE_LINE.read(body.encode())
        return mapping.charge(found, INVOICE, ASKED).vendor_id

    assert named("12.5") == named('"12.50"')
    assert named("12.5") != named("12.51")


def test_price_in_another_currency_is_no_price_of_the_line() -> None:
    foreign = line(
        pricing_currency="EUR",
        effective_unit_price=Decimal("3.1"),
        unit_price=Decimal("3.5"),
        billable_quantity=Decimal(-1),
        pc_to_bc_exchange_rate=Decimal("1.13"),
    )
    made = mapping.charge(foreign, INVOICE, ASKED)
    assert (made.unit_price, made.list_amount) == (None, None)
    assert made.attributes["exchange_rate"] == "1.13"


def test_legacy_invoice_makes_the_month_incomplete(vendor, monkeypatch) -> None:
    period = month_before(vendor, 2)
    found = [
        wire.InvoiceWire(
            id="D0300",
            billing_period_start_date=f"{period.start}T00:00:00Z",
        )
    ]
    monkeypatch.setattr(client.Client, "invoices", lambda *_: found)
    (page,), items = all_charges(vendor.connect(), period)
    assert items == []
    assert not page.complete
    assert "D0300" in page.incomplete_reason


def test_damaged_cursor_is_refused(vendor) -> None:
    query = ask.ListCharges(period=ASKED, cursor="nonsense")
    with pytest.raises(Rejected, match="cannot go on"):
        plugin.list_charges(vendor.connect(), query)
