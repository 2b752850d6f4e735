"""Mapping of documented answers; one test per fact that matters."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from entrepot.sdk.model import (
    AccountStatus,
    BillingCycle,
    ChangedKind,
    OrderStatus,
    ScheduledChange,
    ScheduledKind,
    SubscriptionStatus,
    Term,
)
from entrepot_microsoft import wire
from entrepot_microsoft.mapping import customers, feed, offers, orders, subscriptions
from entrepot_microsoft.mapping.markets import currency_of
from entrepot_microsoft.mapping.spelling import after_last_day, cycle, moment, word

CUSTOMER = "D8202A51-69F9-4228-B900-D0E081AF17D7"


def decoded(data, **changes):
    if changes:
        data = msgspec.json.encode({**msgspec.json.decode(data), **changes})
    return subscriptions.decode_subscription(
        data, customer_id=CUSTOMER, segment="commercial", market="US"
    )


@pytest.fixture
def seats(fixture):
    return fixture("subscription-nce-2023-10-23.json")


def test_new_commerce_subscription_with_every_field(seats) -> None:
    sub = decoded(seats)
    assert sub.vendor_id == "a4c1340d-6911-4758-bba3-0c4c6007d161"
    assert sub.customer_id == CUSTOMER.lower()
    assert (sub.sku, sub.product_id) == ("CFQ7TTC0LH18:0001", "CFQ7TTC0LH18")
    assert sub.offer_key == "CFQ7TTC0LH18:0001|P1Y|monthly|commercial|US"
    assert sub.quantity == Decimal(15)
    assert (sub.status, sub.billed) == (SubscriptionStatus.ACTIVE, True)
    assert (sub.term, sub.billing_cycle) == (Term("P1Y"), BillingCycle.MONTHLY)
    assert sub.term_end == datetime(2022, 1, 14, tzinfo=UTC)
    assert sub.term_start == datetime(2021, 1, 14, 16, 57, 14, 498252, tzinfo=UTC)
    assert sub.cancellable_until == datetime(2021, 1, 21, 16, 57, 14, tzinfo=UTC)
    assert sub.reducible_quantity == Decimal(10)
    assert sub.scheduled == (
        ScheduledChange(
            kind=ScheduledKind.NEXT_TERM,
            effective_at=sub.term_end,
            quantity=Decimal(10),
            sku="CFQ7TTC0LDPB:0001",
            term=Term("P1Y"),
            billing_cycle=BillingCycle.ANNUAL,
        ),
    )
    assert sub.currency == "USD"
    assert sub.attributes["commerce"] == "new"
    assert sub.attributes["reseller_mpn_id"] == "5357564"


def test_legacy_subscription_in_pascal_case(fixture) -> None:
    sub = decoded(fixture("subscription-legacy-2023-10-23.json"))
    assert sub.vendor_id == "83ef9d05-4169-4ef9-9657-0e86b1eab1de"
    assert sub.sku == "195416C1-3447-423A-B37B-EE59A99A19C4"
    assert sub.quantity == Decimal(2)
    assert (sub.status, sub.billed) == (SubscriptionStatus.SUSPENDED, False)
    assert sub.billing_cycle is BillingCycle.MONTHLY
    assert (sub.term, sub.segment) == (None, "")
    assert sub.is_addon
    assert sub.parent_id == "d2b3c4d5-0000-4000-8000-000000000001"
    assert sub.vendor_version.startswith("eyJ")
    assert sub.attributes["suspension_reasons"] == "Partner"


@pytest.mark.parametrize(
    ("status", "trial", "expected", "billed"),
    [
        ("active", False, SubscriptionStatus.ACTIVE, True),
        ("active", True, SubscriptionStatus.ACTIVE, False),
        ("suspended", False, SubscriptionStatus.SUSPENDED, True),
        ("expired", False, SubscriptionStatus.ENDED, False),
        ("disabled", False, SubscriptionStatus.ENDED, False),
        ("deleted", False, SubscriptionStatus.ENDED, False),
        ("pending", False, SubscriptionStatus.PENDING, False),
        ("none", False, SubscriptionStatus.UNKNOWN, False),
        ("quantum_locked", False, SubscriptionStatus.UNKNOWN, False),
        (None, False, SubscriptionStatus.UNKNOWN, False),
    ],
)
def test_status_and_billing_of_new_commerce(
    seats, status, trial, expected, billed
) -> None:
    sub = decoded(seats, status=status, isTrial=trial)
    assert (sub.status, sub.billed) == (expected, billed)
    assert sub.vendor_status == (status or "")


def test_cancel_scheduled_under_either_field_name(fixture) -> None:
    sub = decoded(fixture("subscription-scheduled-2026-07-01.json"))
    [change] = sub.scheduled
    assert change.kind is ScheduledKind.END
    assert change.effective_at == datetime(2026, 7, 1, tzinfo=UTC)


def test_seats_without_renewal_may_roll_on(seats) -> None:
    sub = decoded(seats, autoRenewEnabled=False, scheduledNextTermInstructions=None)
    assert [c.kind for c in sub.scheduled] == [ScheduledKind.OTHER]


def test_software_without_renewal_ends(seats) -> None:
    sub = decoded(
        seats,
        autoRenewEnabled=False,
        scheduledNextTermInstructions=None,
        productType={"id": "Software"},
    )
    assert [c.kind for c in sub.scheduled] == [ScheduledKind.END]


def test_availability_rotation_changes_neither_sku_nor_offer(seats) -> None:
    rotated = decoded(seats, offerId="CFQ7TTC0LH18:0001:CFQ7TTC0ZZZZ")
    assert rotated.sku == decoded(seats).sku
    assert rotated.offer_key == decoded(seats).offer_key


def test_open_ended_usage_plan(seats) -> None:
    sub = decoded(
        seats,
        billingType="usage",
        commitmentEndDate="9999-12-31T00:00:00Z",
        commitmentEndDateTime=None,
        termDuration=None,
    )
    assert (sub.term_end, sub.billing_cycle) == (None, BillingCycle.USAGE)


def test_projection_ignores_links_and_key_order(seats) -> None:
    body = msgspec.json.decode(seats)
    other = {**dict(reversed(body.items())), "links": {"self": {"uri": "elsewhere"}}}
    project = subscriptions.project_subscription
    assert project(msgspec.json.encode(other)) == project(seats)
    changed = msgspec.json.encode({**body, "quantity": 16})
    assert project(changed) != project(seats)


def test_record_without_id_is_refused(seats) -> None:
    body = msgspec.json.decode(seats)
    del body["id"]
    with pytest.raises(msgspec.ValidationError):
        decoded(msgspec.json.encode(body))


def test_customer_by_id(fixture) -> None:
    found = wire.CUSTOMER.read(fixture("customer-2023-10-23.json"))
    made = customers.customer(found, complete=True)
    assert made.vendor_id == "b44bb1fb-c595-45a0-9d8b-87b45f3d8e33"
    assert (made.domain, made.default_domain) == (
        "contoso.example",
        "contoso.onmicrosoft.com",
    )
    assert (made.address.country, made.address.region) == ("US", "WA")
    assert (made.email, made.phone) == ("gena@contoso.example", "4255550100")
    assert made.status is AccountStatus.ACTIVE
    assert made.detail_complete


def test_listed_customer_says_that_details_are_missing(fixture) -> None:
    body = msgspec.json.decode(fixture("customer-2023-10-23.json"))
    for name in ("billingProfile", "customDomains"):
        del body[name]
    made = customers.decode_customer(msgspec.json.encode(body))
    assert (made.domain, made.detail_complete) == ("", False)
    assert made.default_domain == "contoso.onmicrosoft.com"


@pytest.mark.parametrize(
    ("relation", "status"),
    [
        ("none", AccountStatus.CLOSED),
        ("Reseller", AccountStatus.ACTIVE),
        ("soulmate", AccountStatus.UNKNOWN),
    ],
)
def test_relation_becomes_status(fixture, relation, status) -> None:
    body = msgspec.json.decode(fixture("customer-2023-10-23.json"))
    body["relationshipToPartner"] = relation
    assert customers.decode_customer(msgspec.json.encode(body)).status is status


def test_contact_of_the_billing_profile(fixture) -> None:
    found = wire.CUSTOMER.read(fixture("customer-2023-10-23.json"))
    made = customers.contact("B44B", found.billing_profile)
    assert (made.owner_id, made.email, made.primary) == (
        "b44b",
        "gena@contoso.example",
        True,
    )
    assert customers.contact("x", wire.BillingProfile()) is None


def test_pending_order_has_no_subscription_yet(fixture) -> None:
    made = orders.order(wire.ORDER.read(fixture("order-2023-10-23.json")), CUSTOMER)
    assert made.status is OrderStatus.PENDING
    [line] = made.lines
    assert (line.sku, line.subscription_id) == ("CFQ7TTC0LF8S:0001", "")
    assert line.status is OrderStatus.PENDING
    assert line.unit_price == Decimal("30.4")


def test_every_line_of_an_order_tells_its_own_state(fixture) -> None:
    body = msgspec.json.decode(fixture("order-2023-10-23.json"))
    (one,) = body["lineItems"]
    body["lineItems"] = [{**one, "subscriptionId": "A-1"}, one]
    for told, second in (
        ("completed", OrderStatus.PENDING),
        ("partialSuccess", OrderStatus.REJECTED),
        ("error", OrderStatus.REJECTED),
    ):
        found = wire.ORDER.read(msgspec.json.encode({**body, "status": told}))
        first = OrderStatus.REJECTED if told == "error" else OrderStatus.COMPLETED
        lines = orders.order(found, CUSTOMER).lines
        assert [line.status for line in lines] == [first, second]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("pending_po_upload", OrderStatus.PENDING),
        ("Pending Review", OrderStatus.PENDING),
        ("poReviewRejected", OrderStatus.REJECTED),
        ("cancelled", OrderStatus.CANCELLED),
        ("somewhere", OrderStatus.UNKNOWN),
    ],
)
def test_order_status_in_any_spelling(fixture, text, status) -> None:
    body = {**msgspec.json.decode(fixture("order-2023-10-23.json")), "status": text}
    made = orders.order(wire.ORDER.read(msgspec.json.encode(body)), CUSTOMER)
    assert (made.status, made.vendor_status) == (status, text)


def test_activity_record_becomes_a_hint(fixture) -> None:
    [event] = feed.changes([wire.AUDIT.read(fixture("audit-2023-10-23.json"))])
    assert (event.kind, event.object_id) == (ChangedKind.ORDER, "74a59b5b")
    assert event.customer_id == "4d3cf487-70f4-4e1e-9ff1-b2bfce8d9f04"
    assert event.at == datetime(2017, 6, 1, 20, 9, 7, 45048, tzinfo=UTC)


def test_failed_activity_is_no_hint(fixture) -> None:
    body = msgspec.json.decode(fixture("audit-2023-10-23.json"))
    body["operationStatus"] = "failed"
    assert feed.changes([wire.AUDIT.read(msgspec.json.encode(body))]) == []


@pytest.mark.parametrize(
    "uri",
    [
        "http://api.partnercenter.microsoft.com/webhooks/v1/customers/{c}/subscriptions/{s}",
        "https://api.partnercenter.microsoft.com/v1/customers/{c}/subscriptions/{s}",
        "/v1/customers/{c}/subscriptions/{s}",
    ],
)
def test_notification_address_in_any_form(uri) -> None:
    sub_id = "a4c1340d-6911-4758-bba3-0c4c6007d161"
    found = wire.NotificationWire(
        event_name="subscription-updated",
        resource_uri=uri.format(c=CUSTOMER, s=sub_id.upper()),
        resource_change_utc_date="2026-03-18T09:00:00.1234567+00:00",
    )
    [event] = feed.hints(found)
    assert (event.kind, event.object_id) == (ChangedKind.SUBSCRIPTION, sub_id)
    assert event.customer_id == CUSTOMER.lower()


def test_price_sheet(fixture) -> None:
    made = offers.sheet_offers(fixture("pricesheet-2022-11-01.csv"), "commercial")
    assert [o.key for o in made] == [
        "CFQ7TTC0LH18:0001|P1Y|monthly|commercial|US",
        "CFQ7TTC0LH18:0001|P1Y|annual|commercial|US",
    ]
    monthly, annual = made
    assert (monthly.unit_cost, monthly.list_price) == (Decimal("4.8000"), Decimal(6))
    assert annual.unit_cost == Decimal("57.6"), "the smallest tier counts"
    assert monthly.valid_from == datetime(2022, 11, 1, tzinfo=UTC)
    assert (monthly.valid_to, monthly.currency) == (None, "USD")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-01-14T16:57:15.0966728Z", (2021, 1, 14, 16, 57, 15, 96672)),
        ("2021-01-14T16:57:15", (2021, 1, 14, 16, 57, 15)),
        ("2021-01-14T16:57:15+02:00", (2021, 1, 14, 14, 57, 15)),
        ("2021-01-14T16:57:15-0530", (2021, 1, 14, 22, 27, 15)),
        ("2021-01-14", (2021, 1, 14)),
        ("0001-01-01T00:00:00", None),
        ("9999-12-31T00:00:00Z", None),
        ("soon", None),
        ("2021-13-45T00:00:00Z", None),
        (None, None),
        ("", None),
    ],
)
def test_moments_in_every_notation(text, expected) -> None:
    assert moment(text) == (expected and datetime(*expected, tzinfo=UTC))


def test_term_ends_after_its_last_day() -> None:
    end = datetime(2022, 1, 14, tzinfo=UTC)
    assert after_last_day(None, "2022-01-13T00:00:00Z") == end
    assert after_last_day("2022-01-13T23:59:59Z", "ignored") == end
    assert after_last_day("2022-01-13T00:00:00") == end
    assert after_last_day(None, "9999-12-31T00:00:00") is None


def test_words_and_cycles_without_spelling() -> None:
    assert word("Started ") == "started"
    assert cycle("OneTime") is cycle("one_time") is BillingCycle.ONE_TIME
    assert cycle("Monthly") is BillingCycle.MONTHLY
    assert cycle("fortnightly") is BillingCycle.UNKNOWN


def test_currency_follows_the_market_or_stays_open() -> None:
    assert [currency_of(m) for m in ("US", "de", "GB", "XX")] == [
        "USD",
        "EUR",
        "GBP",
        "",
    ]
