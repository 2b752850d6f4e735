"""Listings over real HTTP: paging traps and every fault that concerns reading."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    NotFound,
    RateLimited,
    Rejected,
    Retryable,
)
from entrepot.sdk.model import ScheduledKind, SubscriptionStatus
from entrepot_microsoft.plugin import plugin


def all_customers(ctx, size=None, raw=False):
    pages, cursor = [], None
    while True:
        query = ask.ListCustomers(cursor=cursor, page_size=size, raw=raw)
        page = plugin.list_customers(ctx, query)
        pages.append(page)
        cursor = page.next_cursor
        if cursor is None:
            return pages


def ids(pages):
    return [record.vendor_id for page in pages for record in page.records()]


def subs(ctx, customer, raw=False):
    query = ask.ListSubscriptions(customer_id=customer, raw=raw)
    return plugin.list_subscriptions(ctx, query)


@pytest.mark.parametrize("last_page", ["error", "end", "mixed"])
def test_listing_ends_however_the_vendor_ends_it(start, last_page) -> None:
    vendor = start(23, extra={"last_page": last_page})
    ctx = vendor.connect()
    for _ in range(2):
        pages = all_customers(ctx, size=5)
        assert len(set(ids(pages))) == 23
        assert all(page.complete for page in pages)


def test_tokens_travel_unchanged_and_in_the_header_only(start) -> None:
    vendor = start(12)
    all_customers(vendor.connect(), size=5)
    asked = [r["path"] for r in vendor.control.requests() if "/customers" in r["path"]]
    assert asked[0].endswith("/v1/customers?size=5")
    assert all("," not in path and "%2C" not in path for path in asked)
    assert all(path.count("/v1") == 1 for path in asked)


def test_listing_goes_on_after_a_restart(start) -> None:
    vendor = start(12, extra={"last_page": "end"})
    first = plugin.list_customers(vendor.connect(), ask.ListCustomers(page_size=5))
    assert first.next_cursor is not None
    secrets = vendor.connect().secrets
    again = vendor.connect(secrets=secrets)
    second = plugin.list_customers(
        again, ask.ListCustomers(page_size=5, cursor=first.next_cursor)
    )
    assert not set(ids([first])) & set(ids([second]))


def test_refused_token_on_the_first_page_is_an_error(start) -> None:
    vendor = start()
    ctx = vendor.connect()
    vendor.control.add_fault("status", path="/v1/customers$", status=400)
    with pytest.raises(Rejected):
        plugin.list_customers(ctx, ask.ListCustomers())


def test_unreadable_cursor_says_to_start_again(vendor) -> None:
    with pytest.raises(Rejected, match="cannot go on"):
        plugin.list_customers(vendor.connect(), ask.ListCustomers(cursor="{oops"))


def test_raw_and_plain_pages_hold_the_same_facts(vendor) -> None:
    ctx = vendor.connect()
    [raw], [plain] = all_customers(ctx, raw=True)[:1], all_customers(ctx)[:1]
    assert raw.raw is not None
    assert raw.records() == plain.records()
    customer = ids([plain])[0]
    assert subs(ctx, customer, raw=True).records() == subs(ctx, customer).records()


def test_unchanged_items_hash_alike_in_two_listings(vendor) -> None:
    ctx = vendor.connect()
    for customer in ids(all_customers(ctx)):
        first, second = (subs(ctx, customer, raw=True).raw for _ in range(2))
        assert [first.hash_input(i) for i in first.items] == [
            second.hash_input(i) for i in second.items
        ]


def test_subscriptions_agree_with_what_the_vendor_planted(start) -> None:
    vendor = start(40)
    ctx = vendor.connect()
    planted = {s.vendor_id: s for s in vendor.sim.export_seed().subscriptions}
    seen = {}
    for customer in ids(all_customers(ctx)):
        seen.update({s.vendor_id: s for s in subs(ctx, customer).records()})
    assert seen.keys() == planted.keys()
    for vendor_id, sub in seen.items():
        there = planted[vendor_id]
        assert (sub.sku, sub.quantity) == (there.sku, Decimal(there.quantity))
        assert sub.billed == there.billed, sub
        assert str(sub.term or "") == there.term
        assert sub.customer_id == there.customer_vendor_id
        assert sub.parent_id == there.parent_vendor_id
    statuses = {s.status for s in seen.values()}
    assert SubscriptionStatus.UNKNOWN not in statuses
    assert any(s.scheduled for s in seen.values())
    assert any(s.is_trial for s in seen.values())
    assert any(s.parent_id for s in seen.values())


def test_single_objects_carry_more_than_listings(vendor) -> None:
    ctx = vendor.connect()
    customer = ids(all_customers(ctx))[0]
    full = plugin.get_customer(ctx, ask.GetCustomer(customer_id=customer))
    assert full.detail_complete
    assert full.domain.endswith(".example")
    assert full.address.country == "US"
    [person] = plugin.list_contacts(ctx, ask.ListContacts(owner_id=customer)).items
    assert person.email == full.email
    listed = next(s for s in subs(ctx, customer).records() if ":" in s.sku)
    query = ask.GetSubscription(customer_id=customer, subscription_id=listed.vendor_id)
    afresh = plugin.get_subscription(ctx, query)
    assert (afresh.sku, afresh.quantity) == (listed.sku, listed.quantity)


def test_orders_name_their_subscriptions(vendor) -> None:
    ctx = vendor.connect()
    customer = ids(all_customers(ctx))[0]
    found = plugin.list_orders(ctx, ask.ListOrders(customer_id=customer)).items
    owned = {s.vendor_id for s in subs(ctx, customer).records()}
    assert {line.subscription_id for o in found for line in o.lines} == owned


def test_hidden_purchase_shows_after_its_delay(start) -> None:
    vendor = start(extra={"lag": "10"})
    ctx = vendor.connect()
    made = vendor.control.act("new_subscription", quantity=7)
    customer = made["customer"]
    before = {s.vendor_id for s in subs(ctx, customer).records()}
    assert made["subscription"] not in before
    with pytest.raises(NotFound):
        plugin.get_subscription(
            ctx,
            ask.GetSubscription(
                customer_id=customer, subscription_id=made["subscription"]
            ),
        )

    vendor.control.advance(timedelta(minutes=11))
    after = {s.vendor_id: s for s in subs(ctx, customer).records()}
    assert after[made["subscription"]].quantity == Decimal(7)


def test_customer_that_left_is_not_found(vendor) -> None:
    ctx = vendor.connect()
    gone = vendor.control.act("remove_customer")["customer"]
    assert gone not in ids(all_customers(ctx))
    with pytest.raises(NotFound, match="no reseller relationship"):
        subs(ctx, gone)
    with pytest.raises(NotFound, match="does not exist"):
        subs(ctx, "00000000-0000-4000-8000-000000000000")


def test_customer_without_rights_fails_alone(vendor) -> None:
    ctx = vendor.connect()
    closed = vendor.control.act("forbid_customer", code="900308")["customer"]
    with pytest.raises(Rejected, match="delegated rights"):
        subs(ctx, closed)
    others = [c for c in ids(all_customers(ctx)) if c != closed]
    assert len(others) == 5
    assert all(len(subs(ctx, other)) for other in others)


@pytest.mark.parametrize("kind", ["subscriptions", "orders", "contacts"])
def test_listings_per_customer_want_a_customer(vendor, kind) -> None:
    ctx = vendor.connect()
    with pytest.raises(ConfigInvalid, match="per customer"):
        {
            "subscriptions": lambda: subs(ctx, None),
            "orders": lambda: plugin.list_orders(ctx, ask.ListOrders()),
            "contacts": lambda: plugin.list_contacts(ctx, ask.ListContacts()),
        }[kind]()


# Faults: each one passes or ends in an honest error, and nothing is lost


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("rate_limited", {"retry_after": 3}),
        ("rate_limited", {}),
        ("status", {"status": 500}),
        ("status", {"status": 502}),
        ("status", {"status": 503}),
        ("status", {"status": 504}),
        ("reset", {}),
        ("truncated", {}),
        ("timeout_after_commit", {}),
        ("slow_body", {"seconds": 0.2}),
        ("latency", {"seconds": 0.1}),
        ("token_expiry", {}),
    ],
)
@pytest.mark.parametrize("path", ["/v1/customers$", "/subscriptions$"])
def test_passing_fault_costs_nothing_but_time(start, kind, fields, path) -> None:
    vendor = start(12)
    ctx = vendor.connect()
    expected = [s.vendor_id for s in vendor.sim.export_seed().subscriptions]
    plugin.check_connection(ctx)
    fault = vendor.control.add_fault(kind, path=path, count=1, skip=1, **fields)
    found = [
        sub.vendor_id
        for customer in ids(all_customers(ctx, size=5))
        for sub in subs(ctx, customer).records()
    ]
    assert sorted(found) == sorted(expected)
    [planned] = [f for f in vendor.control.faults() if f["id"] == fault]
    assert planned["fired"] == 1


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("status", {"status": 500}), ("reset", {}), ("truncated", {})],
)
def test_lasting_fault_asks_for_a_later_try(vendor, kind, fields) -> None:
    ctx = vendor.connect()
    vendor.control.add_fault(kind, path="/v1/customers$", count=0, **fields)
    with pytest.raises(Retryable):
        plugin.list_customers(ctx, ask.ListCustomers())


def test_lasting_throttling_names_the_wait(vendor) -> None:
    ctx = vendor.connect()
    vendor.control.add_fault(
        "rate_limited", path="/v1/customers$", count=0, retry_after=900
    )
    with pytest.raises(RateLimited) as refused:
        plugin.list_customers(ctx, ask.ListCustomers())
    assert refused.value.after == 900


def test_repeated_page_is_noticed_and_asked_again(start) -> None:
    vendor = start(12, extra={"last_page": "end"})
    ctx = vendor.connect()
    first = plugin.list_customers(ctx, ask.ListCustomers(page_size=5))
    vendor.control.add_fault("repeated_page", path="/v1/customers$")
    query = ask.ListCustomers(page_size=5, cursor=first.next_cursor)
    with pytest.raises(Retryable, match="same page twice"):
        plugin.list_customers(ctx, query)
    second = plugin.list_customers(ctx, query)
    assert not set(ids([first])) & set(ids([second]))


def test_missing_page_heals_with_the_next_listing(start) -> None:
    vendor = start(15, extra={"last_page": "end"})
    ctx = vendor.connect()
    vendor.control.add_fault("missing_page", path="/v1/customers$", skip=1)
    assert len(set(ids(all_customers(ctx, size=5)))) == 10
    assert len(set(ids(all_customers(ctx, size=5)))) == 15


def test_unknown_words_are_kept_and_mapped_to_unknown(vendor) -> None:
    ctx = vendor.connect()
    customer = ids(all_customers(ctx))[0]
    vendor.control.add_fault("unknown_enum", path="/subscriptions$", value="hovering")
    first = subs(ctx, customer).records()[0]
    assert (first.status, first.vendor_status) == (
        SubscriptionStatus.UNKNOWN,
        "hovering",
    )
    assert not first.billed


def test_answer_without_items_is_never_an_empty_list(vendor) -> None:
    ctx = vendor.connect(attempts=1)
    customer = ids(all_customers(ctx))[0]
    vendor.sim.book.subscriptions_json = lambda *_: b'{"totalCount":0}'
    with pytest.raises(Retryable):
        subs(ctx, customer)


# Renewal and extended terms (T15, T16)


def test_renewal_keeps_identity(start) -> None:
    vendor = start()
    ctx = vendor.connect()
    made = vendor.control.act("new_subscription", quantity=4, term="P1M")
    customer, sub_id = made["customer"], made["subscription"]
    vendor.control.act("schedule_next_term", subscription=sub_id, quantity=2)

    def read():
        query = ask.GetSubscription(customer_id=customer, subscription_id=sub_id)
        return plugin.get_subscription(ctx, query)

    before = read()
    [change] = before.scheduled
    assert (change.kind, change.quantity) == (ScheduledKind.NEXT_TERM, Decimal(2))

    vendor.control.advance(timedelta(days=33))
    after = read()
    assert (after.vendor_id, after.sku, after.offer_key) == (
        before.vendor_id,
        before.sku,
        before.offer_key,
    )
    assert after.quantity == Decimal(2)
    assert after.term_start == before.term_end
    assert after.scheduled == ()


def test_extended_term_is_monthly_and_alive(start) -> None:
    vendor = start()
    ctx = vendor.connect()
    made = vendor.control.act("new_subscription", billing_cycle="annual")
    vendor.control.act("set_auto_renew", subscription=made["subscription"], on=False)

    vendor.control.advance(timedelta(days=367))
    query = ask.GetSubscription(
        customer_id=made["customer"], subscription_id=made["subscription"]
    )
    sub = plugin.get_subscription(ctx, query)
    assert sub.status is SubscriptionStatus.ACTIVE
    assert (str(sub.term), sub.billing_cycle.value) == ("P1M", "monthly")


def test_suspended_new_commerce_stays_billed(vendor) -> None:
    ctx = vendor.connect()
    done = vendor.control.act("suspend")
    query = ask.GetSubscription(
        customer_id=done["customer"], subscription_id=done["subscription"]
    )
    sub = plugin.get_subscription(ctx, query)
    assert (sub.status, sub.billed) == (SubscriptionStatus.SUSPENDED, True)
    assert sub.auto_renew is False


def test_wrong_rights_park_the_connection(vendor) -> None:
    ctx = vendor.connect()
    vendor.control.act("set_switch", role="none")
    with pytest.raises(AuthRequired, match="no role") as refused:
        plugin.check_connection(ctx)
    assert refused.value.info.remedy
    vendor.control.act("set_switch", role="reseller")
    with pytest.raises(ConfigInvalid, match="indirect resellers") as refused:
        plugin.check_connection(ctx)
    assert refused.value.info.field == "tenant_id"
