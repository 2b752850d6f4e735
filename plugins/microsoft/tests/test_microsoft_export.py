"""The billing export: usage, previews, waiting, and what goes wrong."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from decimal import Decimal

import pytest
import requests
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import Period
from entrepot.sdk.model.time import add_months
from entrepot_microsoft.mapping import usage as mapping
from entrepot_microsoft.plugin import plugin
from entrepot_microsoft.simulator import metering

FEBRUARY = Period(date(2026, 2, 1), date(2026, 3, 1))
MARCH = Period(date(2026, 3, 1), date(2026, 4, 1))


def walked(ctx, hook, kind, **wishes):
    found, reasons, cursor = [], [], None
    while True:
        page = hook(ctx, kind(cursor=cursor, **wishes))
        found += page.records()
        reasons += [page.incomplete_reason] if page.incomplete_reason else []
        cursor = page.next_cursor
        if cursor is None:
            return found, reasons


def usage(ctx, period, **wishes):
    return walked(ctx, plugin.list_usage, ask.ListUsage, period=period, **wishes)


def charges(ctx, period, **wishes):
    return walked(ctx, plugin.list_charges, ask.ListCharges, period=period, **wishes)


def expected(vendor, month):
    now = vendor.sim.clock.now()
    return list(metering.lines(vendor.sim.book, "p", month, "", now))


@pytest.fixture
def vendor(start):
    return start(20, subscriptions=160, extra={"export_lines": "60"})


def test_usage_is_what_was_metered(vendor) -> None:
    ctx = vendor.connect(export="graph")
    found, reasons = usage(ctx, FEBRUARY)
    lines = expected(vendor, FEBRUARY)
    assert not reasons
    assert len(lines) > 60
    assert len({each.vendor_id for each in found}) == len(found) == len(lines)
    assert sum(u.cost.amount for u in found) == sum(
        line["BillingPreTaxTotal"] for line in lines
    )
    assert not any(each.estimated for each in found)
    bought = {s.vendor_id for s in vendor.sim.export_seed().subscriptions}
    one = found[0]
    assert one.subscription_id in bought
    assert one.ends_at - one.starts_at == timedelta(days=1)
    assert one.resource_id.endswith(one.name.replace(" ", "-").lower())
    assert one.source == "invoice G000202602, daily usage"


def test_pages_are_the_same_whatever_their_size_and_process(vendor) -> None:
    ctx = vendor.connect(export="graph")
    whole, _ = usage(ctx, FEBRUARY)
    before = vendor.control.counters()["total"]
    small, _ = usage(ctx, FEBRUARY, page_size=7)
    assert small == whole
    asked = vendor.control.counters()["total"] - before
    files = -(-len(whole) // 60)
    assert asked <= files + 5, "each file is fetched once, whatever the page"
    first = plugin.list_usage(ctx, ask.ListUsage(period=FEBRUARY, page_size=70))
    query = ask.ListUsage(period=FEBRUARY, page_size=70, cursor=first.next_cursor)
    other = plugin.list_usage(vendor.connect(export="graph"), query)
    assert other.items == plugin.list_usage(ctx, query).items
    assert [*first.items, *other.items] == whole[: len(first.items) + len(other.items)]


def test_what_is_not_invoiced_is_an_estimate_that_keeps_its_ids(vendor) -> None:
    ctx = vendor.connect(export="graph")
    before, _ = usage(ctx, MARCH)
    assert before
    assert all(each.estimated for each in before)
    vendor.control.advance(timedelta(days=25))  # the invoice is out on the 8th
    after, _ = usage(vendor.connect(export="graph"), MARCH)
    assert not any(each.estimated for each in after)
    assert {u.vendor_id for u in before} < {u.vendor_id for u in after}


def test_open_month_previews_its_charges(vendor) -> None:
    nothing, _ = charges(vendor.connect(), MARCH)
    ctx = vendor.connect(export="graph")
    found, reasons = charges(ctx, MARCH)
    assert (nothing, reasons) == ([], [])
    assert found
    assert all(c.estimated and not c.invoice_id for c in found)
    billed, _ = charges(ctx, FEBRUARY)
    assert all(c.invoice_id and not c.estimated for c in billed)
    small, _ = charges(ctx, MARCH, page_size=5)
    assert small == found


def test_without_the_export_usage_is_incomplete(vendor) -> None:
    found, reasons = usage(vendor.connect(), FEBRUARY)
    assert found == []
    assert "not set up" in reasons[0]


def test_national_clouds_have_no_export(vendor) -> None:
    ctx = vendor.connect(export="graph", cloud="us_government")
    vendor.control.reset_requests()
    page = plugin.list_usage(ctx, ask.ListUsage(period=FEBRUARY))
    assert (page.complete, page.records()) == (False, [])
    assert "global cloud only" in page.incomplete_reason
    assert vendor.control.counters()["total"] == 0, "the other cloud's Graph was asked"
    assert "billing export" in plugin.check_connection(ctx).warnings[0]


def test_months_that_nobody_keeps_are_empty(vendor) -> None:
    ctx = vendor.connect(export="graph")
    long_ago = Period(date(2024, 1, 1), date(2024, 2, 1))
    assert usage(ctx, long_ago) == ([], [])
    empty = Period(add_months(MARCH.start, 1), add_months(MARCH.start, 2))
    assert usage(ctx, empty) == ([], [])


def test_no_data_is_no_fault(start) -> None:
    vendor = start(1, subscriptions=1)
    assert usage(vendor.connect(export="graph"), FEBRUARY) == ([], [])


def test_expired_operation_is_asked_for_again(vendor) -> None:
    ctx = vendor.connect(export="graph")
    first = plugin.list_usage(ctx, ask.ListUsage(period=FEBRUARY, page_size=7))
    vendor.control.advance(timedelta(hours=7))
    other = vendor.connect(export="graph")
    found, cursor = list(first.items), first.next_cursor
    while cursor is not None:
        page = plugin.list_usage(
            other, ask.ListUsage(period=FEBRUARY, page_size=50, cursor=cursor)
        )
        found += page.items
        cursor = page.next_cursor
    assert found == usage(vendor.connect(export="graph"), FEBRUARY)[0]


def test_an_export_under_way_is_waited_for(start) -> None:
    vendor = start(20, subscriptions=160, extra={"export_wait": "20"})
    ctx = vendor.connect(export="graph")
    found, reasons = usage(ctx, FEBRUARY)
    assert found
    assert not reasons
    assert ctx.clock.slept == 40, "two looks before it is ready, as long as asked for"


def test_files_open_with_their_key_only(vendor) -> None:
    usage(vendor.connect(export="graph"), FEBRUARY)
    logged = vendor.control.requests(limit=500)
    path = next(one["path"] for one in logged if one["path"].startswith("/blobs/"))
    address = f"{vendor.url}{path.partition('?')[0]}"
    assert requests.get(address, timeout=5).status_code == 403


def test_export_needs_its_own_right(vendor, monkeypatch) -> None:
    from entrepot_microsoft.simulator import export_api

    def refused(*_):
        raise export_api.graph(403, "Forbidden", "Insufficient privileges")

    monkeypatch.setattr(export_api.ExportApi, "_rows", refused)
    with pytest.raises(Rejected) as caught:
        usage(vendor.connect(export="graph"), FEBRUARY)
    assert "PartnerBilling.Read.All" in caught.value.info.remedy


def test_numbers_come_as_text_or_as_numbers() -> None:
    def made(quantity):
        text = (
            '{"UsageDate":"2026-02-03T00:00:00Z","CustomerId":"org:C","MeterId":"m",'
            f'"Quantity":{quantity},"BillingPreTaxTotal":"1.10",'
            '"BillingCurrency":"USD","Unknown":1}'
        )
        line = text.encode()
        found = mapping.read(line)
        return mapping.usage(found, mapping.digest(line), 2, "file", estimated=False)

    one, other = made("1.5"), made('"1.50"')
    assert (one.quantity, one.customer_id) == (Decimal("1.5"), "c")
    assert one.vendor_id == other.vendor_id
    assert one.vendor_id.endswith("-2")
    assert dataclasses.replace(one, quantity=other.quantity) == other


def test_a_line_that_is_no_usage_is_left_out() -> None:
    assert mapping.read(b'{"CustomerId": "c"}') is None
    assert mapping.digest(b"nonsense") == mapping.digest(b"nonsense")
