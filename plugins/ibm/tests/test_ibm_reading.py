"""Sign-in, paging, hidden states, faults and refusals over real HTTP."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Conflict,
    NotFound,
    Rejected,
    Retryable,
)
from entrepot.sdk.http import HttpResponse
from entrepot.sdk.model import ChargeKind, Listing, Period, SubscriptionStatus
from entrepot_ibm import about
from entrepot_ibm.errors import error_for
from entrepot_ibm.plugin import plugin
from entrepot_ibm.simulator import catalog

MARCH = Period(date(2026, 3, 1), date(2026, 4, 1))
FEBRUARY = Period(date(2026, 2, 1), date(2026, 3, 1))


def every(hook, ctx, query_type, **wishes):
    """All records of a listing."""
    found, cursor = [], None
    while True:
        page = hook(ctx, query_type(cursor=cursor, **wishes))
        found += page.records()
        cursor = page.next_cursor
        if cursor is None:
            return found


def customers(ctx, **wishes):
    return every(plugin.list_customers, ctx, ask.ListCustomers, **wishes)


def subscriptions(ctx, customer, **wishes):
    return every(
        plugin.list_subscriptions,
        ctx,
        ask.ListSubscriptions,
        customer_id=customer,
        **wishes,
    )


def requests_to(vendor, path):
    return [r for r in vendor.control.requests() if path in r["path"]]


# Sign-in


def test_token_is_fetched_once_and_renewed_in_time(start) -> None:
    vendor = start(extra={"lifetime": "100"})
    ctx = vendor.connect(instances="off")
    customers(ctx)
    assert vendor.sim.authority.issued == 1
    ctx.clock.sleep(81)
    customers(ctx)
    assert vendor.sim.authority.issued == 2


def test_expired_token_in_mid_listing_is_renewed(vendor) -> None:
    ctx, account = vendor.connect(), vendor.account(0)
    wanted = subscriptions(ctx, account.id, page_size=2)
    vendor.control.add_fault("token_expiry", path="resource_instances", skip=3)
    assert subscriptions(ctx, account.id, page_size=2) == wanted


def test_deleted_key_lives_until_its_tokens_end(vendor) -> None:
    ctx = vendor.connect(instances="off")
    customers(ctx)
    vendor.control.act("revoke_key")
    customers(ctx)
    vendor.sim.clock.advance(timedelta(hours=2))
    with pytest.raises(AuthRequired) as caught:
        customers(ctx)
    assert (caught.value.code, caught.value.info.field) == ("BXNIM0415E", "api_key")
    assert ctx.clock.slept >= 2, "a good key may be refused for a moment"


def test_fresh_key_that_is_refused_for_a_moment_works(start) -> None:
    vendor = start(extra={"key_delay": "0"})
    account = vendor.account(0)
    key = vendor.sim.authority.make_key(account.id, vendor.sim.clock.now())
    vendor.sim.authority.key_delay = timedelta(seconds=1)
    ctx = vendor.connect(instances="keys", customer_keys=f"{account.id}={key}")
    sleep = ctx.clock.sleep

    def pass_time(seconds):
        vendor.sim.clock.advance(timedelta(seconds=seconds))
        sleep(seconds)

    ctx.clock.sleep = pass_time
    assert subscriptions(ctx, account.id)


def test_customer_key_and_profile_give_the_same(vendor) -> None:
    account = vendor.account(1)
    by_profile = subscriptions(vendor.connect(), account.id)
    ctx = vendor.connect(instances="keys", customer_keys=vendor.keys(account.id))
    assert subscriptions(ctx, account.id) == by_profile


def test_wrong_customer_key_concerns_that_customer_only(vendor) -> None:
    account = vendor.account(0)
    ctx = vendor.connect(instances="keys", customer_keys=f"{account.id}=wrong-key")
    with pytest.raises(Rejected) as caught:
        subscriptions(ctx, account.id)
    assert caught.value.info.field == "customer_keys"
    assert "wrong-key" not in repr(caught.value.info)
    assert subscriptions(ctx, vendor.account(1).id) is not None


def test_key_of_another_account_is_noticed(vendor) -> None:
    first, second = vendor.account(0), vendor.account(1)
    key = vendor.sim.authority.customer_key(second.id)
    ctx = vendor.connect(
        layout="enterprise", instances="keys", customer_keys=f"{first.id}={key}"
    )
    with pytest.raises(Rejected, match="another account"):
        subscriptions(ctx, first.id)


def test_unreadable_customer_keys_name_their_line(vendor) -> None:
    ctx = vendor.connect(instances="keys", customer_keys="abc=key-1\nnonsense")
    with pytest.raises(ConfigInvalid, match="Line 2") as caught:
        plugin.check_connection(ctx)
    assert caught.value.info.field == "customer_keys"


def test_layout_needs_its_id(vendor) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        plugin.check_connection(vendor.connect(partner_id=""))
    assert caught.value.info.field == "partner_id"
    with pytest.raises(NotFound):
        ctx = vendor.connect(layout="enterprise", enterprise_id="0" * 32)
        plugin.check_connection(ctx)
    found = plugin.check_connection(
        vendor.connect(layout="enterprise", enterprise_id="")
    )
    assert found.account_name == vendor.sim.book.own.name


# Paging


@pytest.mark.parametrize("ends", ["absent", "null"])
@pytest.mark.parametrize("layout", ["partner", "enterprise"])
def test_pages_of_any_size_give_the_same(start, layout, ends) -> None:
    vendor = start(7, subscriptions=40, extra={"last_page": ends})
    ctx = vendor.connect(layout=layout)
    wanted = customers(ctx)
    assert len(wanted) == 7 + (layout == "enterprise")
    assert sorted(c.vendor_id for c in customers(ctx, page_size=2)) == sorted(
        c.vendor_id for c in wanted
    )
    account = vendor.account(0)
    assert {s.vendor_id for s in subscriptions(ctx, account.id, page_size=1)} == {
        s.vendor_id for s in subscriptions(ctx, account.id)
    }


def test_partner_options_are_read_beyond_the_first_page(start, monkeypatch) -> None:
    """The official client has no argument for the next page (T03)."""
    monkeypatch.setattr("entrepot_ibm.directory.PARTNER_OPTIONS", 2)
    vendor = start(14, subscriptions=100)
    ctx = vendor.connect(instances="off", entitlements="")
    customers(ctx)
    month = f"{vendor.sim.clock.now():%Y-%m}"
    pages = [
        r
        for r in requests_to(vendor, "/partner/v1/billing-options")
        if month in r["path"]
    ]
    options = sum(len(vendor.account(i).options) for i in range(14))
    assert len(pages) == -(-options // 2) > 2
    assert sum("start=" in page["path"] for page in pages) == len(pages) - 1


def test_page_that_comes_for_ever_ends_in_an_error(start) -> None:
    vendor = start(9)
    ctx = vendor.connect(layout="enterprise")
    vendor.control.add_fault("repeated_page", path="/accounts$", skip=1, count=0)
    with pytest.raises(Retryable) as caught:
        customers(ctx, page_size=2)
    assert caught.value.code == "paging_stuck"


def test_lost_cursor_says_so(vendor) -> None:
    ctx = vendor.connect(layout="enterprise")
    first = plugin.list_customers(ctx, ask.ListCustomers(page_size=2))
    vendor.sim.clock.advance(timedelta(hours=5))
    with pytest.raises(Rejected) as caught:
        plugin.list_customers(ctx, ask.ListCustomers(cursor=first.next_cursor))
    assert caught.value.code == "cursor_invalid"
    with pytest.raises(Rejected, match="cursor"):
        plugin.list_customers(ctx, ask.ListCustomers(cursor="nonsense"))


# Customers and subscriptions


def test_customer_without_commitment_is_found_in_the_usage(vendor) -> None:
    without = next(a for a in map(vendor.account, range(6)) if not a.options)
    found = {c.vendor_id: c for c in customers(vendor.connect(instances="off"))}
    assert found[without.id].name == without.name


def test_hidden_states_are_listed_and_readable(start) -> None:
    vendor = start(1, subscriptions=14)
    account = vendor.account(0)
    play = vendor.control.act
    gone = play("delete_instance")["guid"]
    ctx = vendor.connect(entitlements="")
    found = {s.vendor_id: s for s in subscriptions(ctx, account.id)}
    assert account.instances.keys() <= found.keys()
    query = ask.GetSubscription(customer_id=account.id, subscription_id=gone)
    assert plugin.get_subscription(ctx, query) == found[gone]
    assert found[gone].status is not SubscriptionStatus.ACTIVE


def test_suspension_and_restoring_keep_the_guid(start) -> None:
    vendor = start(1, subscriptions=8)
    account, play = vendor.account(0), vendor.control.act
    plan = next(p for p in catalog.SOLD if p.reclaimable)
    made = play("create_instance", plan=plan.id)["guid"]
    ctx = vendor.connect()
    query = ask.GetSubscription(customer_id=account.id, subscription_id=made)
    for event, status in (
        ("suspend_account", SubscriptionStatus.SUSPENDED),
        ("reactivate_account", SubscriptionStatus.ACTIVE),
    ):
        play(event)
        assert plugin.get_subscription(ctx, query).status is status
    play("delete_instance", instance=made)
    leaving = plugin.get_subscription(ctx, query)
    assert leaving.vendor_status == "pending_reclamation"
    assert leaving.scheduled[0].effective_at is not None
    play("restore_instance", customer=account.id, instance=made)
    assert plugin.get_subscription(ctx, query).status is SubscriptionStatus.ACTIVE
    play("delete_instance", instance=made)
    vendor.sim.clock.advance(timedelta(days=8))
    ended = plugin.get_subscription(ctx, query)
    assert (ended.status, ended.vendor_status) == (SubscriptionStatus.ENDED, "removed")


def test_commitment_is_renewed_under_a_new_id(start) -> None:
    vendor = start(1, subscriptions=3)
    account, play = vendor.account(0), vendor.control.act
    first = play("order_commitment")["option"]
    second = play("renew_commitment", option=first)["option"]
    ctx = vendor.connect(instances="off")
    assert first in {s.vendor_id for s in subscriptions(ctx, account.id)}
    vendor.sim.clock.advance(timedelta(days=366))
    found = {s.vendor_id: s for s in subscriptions(ctx, account.id)}
    assert found[second].status is SubscriptionStatus.ACTIVE
    assert found[second].sku == catalog.PARTS[0].number
    query = ask.GetSubscription(customer_id=account.id, subscription_id=first)
    with pytest.raises(NotFound):
        plugin.get_subscription(ctx, query)


def test_instances_without_credential_are_left_out_or_refused(vendor) -> None:
    account = vendor.account(0)
    ctx = vendor.connect(instances="keys", entitlements="")
    found = {s.vendor_id for s in subscriptions(ctx, account.id)}
    assert found == {option.id for option in account.options}
    guid = next(iter(account.instances))
    query = ask.GetSubscription(customer_id=account.id, subscription_id=guid)
    with pytest.raises(Rejected, match="no credential"):
        plugin.get_subscription(ctx, query)


# Offers


def test_offers_tell_their_track_and_what_works(vendor) -> None:
    found = {
        o.key: o for o in every(plugin.list_offers, vendor.connect(), ask.ListOffers)
    }
    assert catalog.PLANS.keys() <= found.keys()
    assert {part.number for part in catalog.PARTS} <= found.keys()
    retired = next(p for p in catalog.PLANS.values() if p.disabled)
    assert not found[retired.id].purchasable
    seats = next(p for p in catalog.SOLD if p.seats == "users")
    assert found[seats.id].list_price == Decimal(25)
    assert found[seats.id].unit_cost == Decimal(20)
    tracks = {o.attributes["track"] for o in found.values()}
    assert tracks == {"C", "P", "S"}


def test_unchanged_prices_cost_an_empty_answer(vendor) -> None:
    ctx = vendor.connect()
    first = every(plugin.list_offers, ctx, ask.ListOffers)
    vendor.control.reset_requests()
    assert every(plugin.list_offers, ctx, ask.ListOffers) == first
    asked = [r["status"] for r in requests_to(vendor, "/pricing")]
    assert set(asked) == {304, 404}
    changed = vendor.control.act("change_price", factor="2")["plan"]
    again = {o.key: o for o in every(plugin.list_offers, ctx, ask.ListOffers)}
    before = {o.key: o for o in first}
    assert again[changed] != before[changed]


# Usage and charges


def test_charges_are_what_the_report_sums_up(start) -> None:
    vendor = start(3, subscriptions=24)
    ctx = vendor.connect(selling_viewpoint="END_CUSTOMER")
    account = vendor.account(0)
    found = every(
        plugin.list_charges,
        ctx,
        ask.ListCharges,
        period=FEBRUARY,
        customer_id=account.id,
    )
    usage = [c for c in found if c.kind is ChargeKind.USAGE]
    assert usage
    for charge in usage:
        assert charge.list_amount is not None
        paid, asked = (
            charge.amount.amount,
            Decimal(charge.attributes["customer_amount"].split()[0]),
        )
        assert paid < asked < charge.list_amount.amount
    lines = every(
        plugin.list_usage, ctx, ask.ListUsage, period=FEBRUARY, customer_id=account.id
    )
    rated = sum(line.cost.amount for line in lines if line.cost)
    assert abs(rated - sum(c.amount.amount for c in usage)) < Decimal("0.01")
    assert not any(charge.estimated for charge in found), "after the invoice day"


def test_open_month_grows_and_keeps_its_ids(vendor) -> None:
    ctx, account = vendor.connect(), vendor.account(0)
    wishes = {"period": MARCH, "customer_id": account.id}
    early = every(plugin.list_charges, ctx, ask.ListCharges, **wishes)
    vendor.sim.clock.advance(timedelta(days=3))
    later = every(plugin.list_charges, ctx, ask.ListCharges, **wishes)
    assert [c.vendor_id for c in early] == [c.vendor_id for c in later]
    assert all(charge.estimated for charge in later)
    spent = [c for c in early if c.kind is ChargeKind.USAGE]
    grown = [c for c in later if c.kind is ChargeKind.USAGE]
    assert sum(c.amount.amount for c in spent) < sum(c.amount.amount for c in grown)


def test_usage_by_instance_names_the_subscription(vendor) -> None:
    ctx, account = vendor.connect(usage_detail="instance"), vendor.account(0)
    found = every(
        plugin.list_usage, ctx, ask.ListUsage, period=FEBRUARY, customer_id=account.id
    )
    assert {line.subscription_id for line in found} <= account.instances.keys()
    assert found


def test_two_months_are_two_pages(vendor) -> None:
    period = Period(FEBRUARY.start, MARCH.end)
    query = ask.ListCharges(
        period=period, customer_id=vendor.account(0).id, cursor=None
    )
    first = plugin.list_charges(vendor.connect(), query)
    assert first.next_cursor is not None
    assert {c.period for c in first.items} == {FEBRUARY}


# Faults


def test_gateways_page_passes(vendor) -> None:
    ctx, account = vendor.connect(), vendor.account(0)
    wanted = subscriptions(ctx, account.id)
    vendor.control.add_fault("status", path="/rc/", status=503, count=2)
    assert subscriptions(ctx, account.id) == wanted


def test_every_refusal_names_the_vendors_id_of_the_call(vendor) -> None:
    ctx = vendor.connect(partner_id="somebody")
    with pytest.raises(Rejected) as caught:
        customers(ctx)
    assert caught.value.info.vendor_request_id
    assert caught.value.info.remedy


def test_what_is_promised_is_listed_per_customer() -> None:
    can = about.INFO.capabilities
    assert {can.subscriptions, can.usage, can.charges} == {Listing.PER_CUSTOMER}
    link = about.console_link(ask.GetConsoleLink(kind="customer", object_id="abc"))
    assert link == "https://cloud.ibm.com/account/settings?bss_account=abc"
    assert about.console_link(ask.GetConsoleLink(kind="line", object_id="1")) is None


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (503, b'{"message": "only one instance per account"}', Rejected, "http_503"),
        (400, b'{"message": "The resource instance is locked"}', Rejected, "http_400"),
        (422, b'{"message": "instance is in reclamation"}', Conflict, "http_422"),
        (410, b'{"message": "gone", "transaction_id": "bss-1"}', NotFound, "http_410"),
        (403, b'{"errors": [{"code": "no_role"}]}', Rejected, "no_role"),
        (401, b'{"errorCode": "BXNIM0439E"}', AuthRequired, "BXNIM0439E"),
        (400, b'{"errorCode": "BXNIM0106E"}', ConfigInvalid, "BXNIM0106E"),
    ],
)
def test_refusals_in_every_familys_shape(status, body, kind, code) -> None:
    response = HttpResponse(status=status, headers={}, content=body, url="u")
    error = error_for(response)
    assert type(error) is kind
    assert error.code == code


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_passing_faults_are_left_to_the_usual_reading(status) -> None:
    page = b"<html><body>Service Unavailable</body></html>"
    response = HttpResponse(status=status, headers={}, content=page, url="u")
    assert error_for(response) is None
