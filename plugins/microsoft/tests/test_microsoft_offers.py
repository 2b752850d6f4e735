"""Offers out of price sheets, the catalogue and the old commerce."""

from __future__ import annotations

from decimal import Decimal

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import NotFound
from entrepot.sdk.model import BillingCycle
from entrepot_microsoft.plugin import plugin
from entrepot_microsoft.runtime import client_of


def all_offers(ctx):
    offers, cursor = [], None
    while True:
        page = plugin.list_offers(ctx, ask.ListOffers(cursor=cursor))
        offers += page.records()
        cursor = page.next_cursor
        if cursor is None:
            return offers


def test_price_sheets_agree_with_what_the_vendor_charges(start) -> None:
    vendor = start(30)
    offers = {o.key: o for o in all_offers(vendor.connect())}
    planted = vendor.sim.export_seed()
    paid = [o for o in planted.offers if not o.is_trial and not o.is_legacy]
    assert len(paid) > 60
    for there in paid:
        key = f"{there.sku}|{there.term}|{there.billing_cycle}|commercial|US"
        assert offers[key].unit_cost == there.unit_cost
        assert offers[key].list_price == there.unit_price
        assert offers[key].currency == "USD"


def test_every_paid_subscription_finds_its_offer(start) -> None:
    vendor = start(30)
    ctx = vendor.connect()
    keys = {o.key for o in all_offers(ctx)}
    customers = plugin.list_customers(ctx, ask.ListCustomers()).records()
    missing = set()
    for customer in customers:
        query = ask.ListSubscriptions(customer_id=customer.vendor_id)
        for sub in plugin.list_subscriptions(ctx, query).records():
            is_usage = sub.billing_cycle is BillingCycle.USAGE
            if sub.billed and not is_usage and sub.offer_key not in keys:
                missing.add(sub.offer_key)
    assert missing == set()


def test_full_catalogue_adds_details_to_prices(vendor) -> None:
    sheet = {o.key: o for o in all_offers(vendor.connect())}
    full = {o.key: o for o in all_offers(vendor.connect(catalogue="full"))}
    assert set(sheet) <= set(full)
    assert {full[key].unit_cost == sheet[key].unit_cost for key in sheet} == {True}
    addon = full["CFQ7TTC0LH0S:0001|P1Y|monthly|commercial|US"]
    assert (addon.is_addon, addon.prerequisite_skus) == (True, ("CFQ7TTC0LDPB:0001",))
    trial = full["CFQ7TTC0LCHC:000T|P1M|none|commercial|US"]
    assert (trial.is_trial, trial.max_quantity) == (True, Decimal(25))
    assert trial.unit_cost == Decimal(0)


def test_offers_never_carry_the_rotating_availability(vendor) -> None:
    ids = {
        a.id for a in client_of(vendor.connect()).availabilities("CFQ7TTC0LH18", "0001")
    }
    text = repr(all_offers(vendor.connect(catalogue="full")))
    assert ids
    assert not any(one in text for one in ids)


def test_legacy_offers_are_known_but_closed(vendor) -> None:
    legacy = [o for o in all_offers(vendor.connect()) if ":" not in o.sku]
    assert len(legacy) == 8
    assert not any(o.purchasable for o in legacy)
    assert {o.unit_cost for o in legacy} == {None}


def test_price_change_shows_in_the_next_sheet(vendor) -> None:
    key = "CFQ7TTC0LDPB:0001|P1Y|monthly|commercial|US"
    before = {o.key: o for o in all_offers(vendor.connect())}[key]
    vendor.control.act("change_price", sku="CFQ7TTC0LDPB:0001", factor="1.10")
    after = {o.key: o for o in all_offers(vendor.connect())}[key]
    expected = (before.unit_cost * Decimal("1.10")).quantize(Decimal("0.01"))
    assert after.unit_cost == expected
    assert after.valid_from > before.valid_from


def test_pages_of_one_listing_share_one_sheet(vendor) -> None:
    ctx = vendor.connect(catalogue="full")
    all_offers(ctx)
    routes = vendor.control.counters()["routes"]
    assert routes["GET /v1.0/sales/pricesheets(<args>)/$value"] == 2


def test_price_host_wants_its_own_audience(vendor) -> None:
    ctx = vendor.connect()
    all_offers(ctx)
    assert set(ctx.runtime.tokens.held) == {
        "https://api.partnercenter.microsoft.com",
        "https://api.partner.microsoft.com",
    }
    assert vendor.control.state()["rotations"] == 2


def test_retired_item_hides_in_a_success(vendor) -> None:
    vendor.control.act("retire_product", product="CFQ7TTC0LH18")
    client = client_of(vendor.connect())
    with pytest.raises(NotFound, match="not available any more"):
        client.skus("CFQ7TTC0LH18")
    assert client.availabilities("CFQ7TTC0LH18", "0001") == []


def test_doubled_ids_of_the_catalogue_are_cut(vendor) -> None:
    vendor.control.act("retire_product", product="CFQ7TTC0LH18")
    with pytest.raises(NotFound) as refused:
        client_of(vendor.connect()).skus("CFQ7TTC0LH18")
    request_id = refused.value.info.vendor_request_id
    assert request_id
    assert "," not in request_id
