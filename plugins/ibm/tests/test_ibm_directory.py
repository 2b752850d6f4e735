"""The partner's customers page by page, and customers of several currencies."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.model import Period
from entrepot_ibm.plugin import plugin
from entrepot_ibm.simulator import catalog

FEBRUARY = Period(date(2026, 2, 1), date(2026, 3, 1))


def pages(ctx, size=None, cursor=None):
    found = []
    while True:
        query = ask.ListCustomers(cursor=cursor, page_size=size)
        found.append(plugin.list_customers(ctx, query))
        cursor = found[-1].next_cursor
        if cursor is None:
            return found


def ids(found):
    return [each.vendor_id for page in found for each in page.items]


def every(hook, ctx, query_type, **wishes):
    found, cursor = [], None
    while True:
        page = hook(ctx, query_type(cursor=cursor, **wishes))
        found += page.records()
        cursor = page.next_cursor
        if cursor is None:
            return found


def calls(vendor):
    return vendor.control.counters()["total"]


def test_a_page_of_ours_is_a_page_of_the_vendors(start) -> None:
    vendor = start(12, subscriptions=60)
    ctx = vendor.connect(instances="off")
    plugin.check_connection(ctx)
    expected = sorted(each.vendor_id for each in vendor.sim.export_seed().customers)
    before = calls(vendor)
    first = plugin.list_customers(ctx, ask.ListCustomers(page_size=3))
    assert calls(vendor) - before <= 2
    assert 0 < len(first.items) <= 3
    found = [first, *pages(ctx, 3, first.next_cursor)]
    assert sorted(ids(found)) == expected
    assert all(len(page.items) <= 3 for page in found)
    assert sorted(ids(pages(ctx))) == expected


def test_a_walk_goes_on_in_another_process(start) -> None:
    vendor = start(9, subscriptions=40)
    one, other = vendor.connect(instances="off"), vendor.connect(instances="off")
    whole = pages(one, 2)
    for place in (0, 1, len(whole) - 2):
        rest = pages(other, 2, whole[place].next_cursor)
        assert ids(rest) == ids(whole[place + 1 :])
    again = plugin.list_customers(
        one, ask.ListCustomers(cursor=whole[0].next_cursor, page_size=2)
    )
    assert again.items == whole[1].items, "the same cursor gives the same page"


@pytest.fixture
def mixed(start):
    return start(14, subscriptions=80, extra={"country": "mixed"})


def test_customers_pay_in_their_own_currency(mixed) -> None:
    ctx, seed = mixed.connect(), mixed.sim.export_seed()
    found = {c.vendor_id: c for page in pages(ctx) for c in page.items}
    assert {k: c.currency for k, c in found.items()} == {
        c.vendor_id: c.currency for c in seed.customers
    }
    assert len({c.currency for c in found.values()}) > 2
    one = next(c for c in found.values() if c.currency == "EUR")
    assert one.address.country == "DE"
    charges = every(
        plugin.list_charges,
        ctx,
        ask.ListCharges,
        customer_id=one.vendor_id,
        period=FEBRUARY,
    )
    assert {each.amount.currency for each in charges} <= {"EUR"}


def test_prices_are_listed_in_every_currency_that_is_wanted(mixed) -> None:
    ctx = mixed.connect()
    offers = {o.key: o for o in every(plugin.list_offers, ctx, ask.ListOffers)}
    plan = next(p for p in catalog.SOLD if p.name == "deluxe-device")
    ours, german = offers[plan.id], offers[f"{plan.id}|DEU"]
    rate = catalog.MARKETS["DEU"][1]
    assert (ours.currency, ours.list_price) == ("USD", Decimal(5))
    assert (german.currency, german.market) == ("EUR", "DEU")
    assert german.list_price == Decimal(5) * rate
    assert german.sku == ours.sku
    only = {
        o.key
        for o in every(
            plugin.list_offers, mixed.connect(more_markets=""), ask.ListOffers
        )
    }
    assert f"{plan.id}|DEU" not in only


def test_an_instance_is_priced_where_its_customer_pays(mixed) -> None:
    ctx = mixed.connect()
    offers = {o.key: o for o in every(plugin.list_offers, ctx, ask.ListOffers)}
    seen = set()
    for page in pages(ctx):
        for customer in page.items:
            found = every(
                plugin.list_subscriptions,
                ctx,
                ask.ListSubscriptions,
                customer_id=customer.vendor_id,
            )
            for held in (each for each in found if each.attributes["track"] == "C"):
                offer = offers[held.offer_key]
                assert offer.currency in ("", customer.currency)
                seen.add(offer.currency)
                query = ask.GetSubscription(
                    customer_id=customer.vendor_id, subscription_id=held.vendor_id
                )
                afresh = plugin.get_subscription(ctx, query)
                assert afresh.offer_key == held.offer_key
                break
    assert len(seen - {""}) > 1


def test_commitments_cost_what_the_customer_pays(mixed) -> None:
    ctx, seed = mixed.connect(instances="off"), mixed.sim.export_seed()
    planned = {s.vendor_id: s for s in seed.subscriptions if s.term and s.unit_cost}
    checked = 0
    for customer in seed.customers:
        found = every(
            plugin.list_subscriptions,
            ctx,
            ask.ListSubscriptions,
            customer_id=customer.vendor_id,
        )
        for held in (each for each in found if each.attributes["track"] == "P"):
            assert held.currency == customer.currency
            wanted = planned[held.vendor_id].unit_cost
            assert abs(held.unit_cost - wanted) < Decimal("0.000001")
            checked += 1
    assert checked
