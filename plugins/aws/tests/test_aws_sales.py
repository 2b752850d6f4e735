"""What is sold to whom: agreements that we proposed, registered customers, charges."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import NotFound
from entrepot.sdk.model import AccountStatus, ChargeKind, Period
from entrepot_aws.plugin import plugin
from entrepot_aws.simulator.instalments import instalments, value_of

YEAR = Period(date(2025, 4, 1), date(2026, 4, 1))
FEBRUARY = Period(date(2026, 2, 1), date(2026, 3, 1))


def walked(hook, ctx, query, **wishes):
    """All records of a listing, and why it is not complete."""
    found, reasons, cursor = [], [], None
    while True:
        page = hook(ctx, query(cursor=cursor, **wishes))
        found += page.records()
        reasons += [page.incomplete_reason] if page.incomplete_reason else []
        cursor = page.next_cursor
        if cursor is None:
            return found, reasons


def customers(ctx):
    found, _ = walked(plugin.list_customers, ctx, ask.ListCustomers, page_size=2)
    return {each.vendor_id: each for each in found}


def subscriptions(ctx, owner):
    found, _ = walked(
        plugin.list_subscriptions, ctx, ask.ListSubscriptions, customer_id=owner
    )
    return {each.vendor_id: each for each in found}


@pytest.fixture(scope="module")
def vendor(start):
    return start(5, subscriptions=24)


@pytest.fixture(scope="module")
def stranger(vendor):
    """The account that bought from us and is nothing else."""
    book = vendor.sim.book
    known = {each.account for each in book.transfers.values()}
    sold = [
        a for a in book.agreements.values() if a.proposer and a.account not in known
    ]
    return sold[0]


def test_acceptors_of_our_offers_are_customers(vendor, stranger) -> None:
    usual = customers(vendor.connect())
    assert stranger.account not in usual
    found = customers(vendor.connect(agreements="seller"))
    assert found.keys() - usual.keys() == {stranger.account}
    assert found[stranger.account].name == f"AWS account {stranger.account}"


def test_agreements_that_we_sold_are_their_subscriptions(vendor, stranger) -> None:
    ctx = vendor.connect(agreements="seller", member_role="")
    mine = [a for a in vendor.sim.book.agreements.values() if a.proposer]
    assert len(mine) > 1
    for agreement in mine:
        key, count = next(iter(agreement.quantities.items()))
        one = subscriptions(ctx, agreement.account)[f"{agreement.id}/{key}"]
        assert (one.quantity, one.billed) == (count, True)
        assert one.attributes["proposer"] == vendor.sim.book.management
        query = ask.GetSubscription(
            customer_id=agreement.account, subscription_id=one.vendor_id
        )
        assert plugin.get_subscription(ctx, query) == one
    with pytest.raises(NotFound):
        subscriptions(vendor.connect(), stranger.account)


def test_sold_to_our_own_organization_is_read_once(vendor) -> None:
    account = next(a.account for a in vendor.sim.book.agreements.values())
    made = vendor.control.act("buy_agreement", account=account, sold=True)["agreement"]
    owner = vendor.sim.book.accounts[account].unit
    for word in ("seller", "both"):
        found = subscriptions(vendor.connect(agreements=word), owner)
        assert sum(key.startswith(made) for key in found) == 1
    assert account not in customers(vendor.connect(agreements="both"))


def test_registered_customers_are_read_where_wanted(vendor) -> None:
    ctx = vendor.connect(partner_central="yes")
    found, registered = customers(ctx), vendor.sim.book.relationships
    ours = [each for each in registered if each.kind == "END_CUSTOMER"]
    for each in ours:
        assert found[each.account].attributes["relationship"] == each.id
    waiting = next(each for each in ours if each.start > vendor.sim.clock.now())
    assert found[waiting.account].status is AccountStatus.PENDING
    assert found[waiting.account].name == waiting.name
    assert subscriptions(ctx, waiting.account) == {}
    query = ask.GetCustomer(customer_id=waiting.account)
    assert plugin.get_customer(ctx, query) == found[waiting.account]
    sellers = {each.account for each in registered} - {each.account for each in ours}
    assert sellers
    assert not sellers & found.keys()


def test_agreements_charge_by_their_schedule(vendor) -> None:
    account = vendor.sim.book.customer_units()[0].accounts[0]
    vendor.control.act("buy_agreement", account=account, parts=4, quantity=7)
    ctx = vendor.connect(cur_bucket="")
    found, reasons = walked(plugin.list_charges, ctx, ask.ListCharges, period=YEAR)
    charges = {c.vendor_id: c for c in found if c.vendor_kind == "AgreementCharge"}
    book = vendor.sim.book
    due = {
        f"agreement:{each.agreement}:{each.id}": (each.amount, each.at.date())
        for agreement in book.agreements.values()
        if agreement.account in book.accounts
        for each in instalments(agreement)
        if each.at.date() in YEAR
    }
    assert not reasons
    assert {k: (c.amount.amount, c.period.start) for k, c in charges.items()} == due
    assert all(c.estimated and c.customer_id for c in charges.values())
    assert {c.kind for c in charges.values()} == {ChargeKind.RECURRING}
    one = next(iter(charges.values()))
    owned = subscriptions(ctx, one.customer_id)
    assert owned[one.subscription_id].attributes["agreement"] in one.source


def test_what_the_marketplace_asks_is_never_counted_twice(vendor) -> None:
    lines = vendor.sim.costs.lines("2026-02", vendor.sim.clock.now())
    total = sum(line.cost for line in lines)
    for settings in ({}, {"cur_bucket": ""}):
        ctx = vendor.connect(**settings)
        found, _ = walked(plugin.list_charges, ctx, ask.ListCharges, period=FEBRUARY)
        assert sum(c.amount.amount for c in found) == total


def test_an_account_that_cannot_be_entered_makes_charges_incomplete(start) -> None:
    vendor = start(2, subscriptions=6)
    locked = vendor.control.act("lock_account")["account"]
    ctx = vendor.connect(cur_bucket="")
    found, reasons = walked(plugin.list_charges, ctx, ask.ListCharges, period=FEBRUARY)
    assert found
    assert len(reasons) == 1
    assert locked in reasons[0]


def test_billing_groups_tell_the_margin(vendor) -> None:
    ctx = vendor.connect(cur_bucket="", preview="billing_groups")
    found, reasons = walked(plugin.list_charges, ctx, ask.ListCharges, period=FEBRUARY)
    assert not reasons
    groups = vendor.sim.book.groups
    assert len(found) == len(groups)
    lines = list(vendor.sim.costs.lines("2026-02", vendor.sim.clock.now()))
    for charge in found:
        name = charge.attributes["billing_group"]
        group = next(each for each in groups.values() if each.name == name)
        owner = group.primary if group.transfer else group.owner
        assert charge.customer_id == owner
        assert charge.estimated
        shown = charge.list_amount.amount
        assert shown == (charge.amount.amount * (1 + group.percent / 100)).quantize(
            Decimal("0.0000000001")
        )
        assert Decimal(charge.attributes["margin"]) == shown - charge.amount.amount
    inside = {a for u in vendor.sim.book.customer_units() for a in u.accounts}
    inside |= {each.account for each in vendor.sim.book.transfers.values()}
    spent = sum(line.cost for line in lines if line.account in inside)
    assert sum(c.amount.amount for c in found) == spent


def test_sellers_see_what_they_offer_and_may_resell(vendor) -> None:
    def listed(**settings):
        found, reasons = walked(
            plugin.list_offers, vendor.connect(**settings), ask.ListOffers, page_size=2
        )
        assert not reasons
        return {each.key: each for each in found}

    usual, ours = listed(), listed(agreements="both", partner_central="yes")
    more = [ours[key] for key in ours.keys() - usual.keys()]
    by_kind = {}
    for each in more:
        by_kind.setdefault(each.attributes.get("kind", "support"), []).append(each)
    sold = [a for a in vendor.sim.book.agreements.values() if a.proposer]
    assert len(by_kind["private offer"]) == len(sold)
    assert {o.attributes["buyers"] for o in by_kind["private offer"]} == {
        a.account for a in sold
    }
    assert all(o.valid_from < o.valid_to for o in by_kind["private offer"])
    permitted = {o.key for o in by_kind["resale authorization"]}
    assert {
        o.attributes["resale_authorization"] for o in by_kind["private offer"]
    } <= permitted
    assert not any(o.purchasable for o in by_kind["resale authorization"])
    assert len(by_kind["support"]) == 3


def test_a_schedule_adds_up_to_the_agreement(vendor) -> None:
    for agreement in vendor.sim.book.agreements.values():
        parts = instalments(agreement)
        assert sum(each.amount for each in parts) == value_of(agreement)
        assert len(parts) == agreement.parts
