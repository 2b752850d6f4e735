"""Documentation samples and odd values through the pure mapping."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from entrepot.sdk.model import (
    BillingCycle,
    ScheduledKind,
    SubscriptionStatus,
    Term,
)
from entrepot_google.mapping import entitlements, offers
from entrepot_google.mapping.estate import fingerprint
from entrepot_google.mapping.skus import workspace_ids
from entrepot_google.mapping.spelling import (
    amount,
    cycle,
    moment,
    subscription_id,
    term_between,
)
from entrepot_google.wire import catalogue, channel, reseller


def entitlement(**changes):
    found = {
        "name": "accounts/C1/customers/S1/entitlements/S2",
        "offer": "accounts/C1/offers/O1",
        "provisioningState": "ACTIVE",
        **changes,
    }
    return channel.ENTITLEMENT.decode(json.dumps(found).encode())


def test_google_sample_entitlement(fixture) -> None:
    found = channel.ENTITLEMENT.decode(fixture("entitlement.json"))
    bought = catalogue.OFFER.decode(fixture("offer.json"))
    made = entitlements.subscription(found, bought)
    assert made.vendor_id == "S0aaaa001/S0ent00001"
    assert made.customer_id == "S0aaaa001"
    assert made.status is SubscriptionStatus.PENDING
    assert made.vendor_status == "SUSPENDED: PENDING_TOS_ACCEPTANCE"
    assert (made.quantity, made.assigned) == (Decimal(5), Decimal(0))
    assert made.term == Term("P1Y")
    assert made.auto_renew is True
    (coming,) = made.scheduled
    assert coming.kind is ScheduledKind.NEXT_TERM
    assert coming.billing_cycle is BillingCycle.ANNUAL
    assert made.attributes["purchase_order"] == "HUB-100042"
    assert made.changed_at == datetime(2026, 9, 1, 8, 0, 7, 120_000, tzinfo=UTC)


def test_google_sample_offer(fixture) -> None:
    found = offers.offer(catalogue.OFFER.decode(fixture("offer.json")))
    assert found.unit_cost == Decimal("9.6")
    assert found.list_price == Decimal(12)
    assert found.currency == "EUR"
    assert (found.min_quantity, found.max_quantity) == (Decimal(1), Decimal(300))
    assert found.part_numbers == ("p1/s1", "1010020028")
    assert found.attributes["workspace_product"] == "Google-Apps"


@pytest.mark.parametrize(
    ("reasons", "status"),
    [
        (["OTHER", "PENDING_TOS_ACCEPTANCE"], SubscriptionStatus.SUSPENDED),
        (["PENDING_TOS_ACCEPTANCE", "RESELLER_INITIATED"], SubscriptionStatus.PENDING),
        (["TRIAL_ENDED"], SubscriptionStatus.ENDED),
        (["RESELLER_INITIATED"], SubscriptionStatus.SUSPENDED),
        (["A_REASON_FROM_THE_FUTURE"], SubscriptionStatus.SUSPENDED),
    ],
)
def test_google_several_reasons_have_an_order(reasons, status) -> None:
    found = entitlement(provisioningState="SUSPENDED", suspensionReasons=reasons)
    made = entitlements.subscription(found, None)
    assert made.status is status
    assert all(reason in made.vendor_status for reason in reasons)


def test_google_unknown_offer_leaves_what_is_known() -> None:
    service = {"provisioningId": "4711", "productId": "Google-Apps", "skuId": "101"}
    made = entitlements.subscription(entitlement(provisionedService=service), None)
    assert (made.sku, made.name, made.quantity) == ("Google-Apps/101", "101", 1)
    assert (made.offer_key, made.billing_cycle) == ("", BillingCycle.UNKNOWN)


def test_google_offer_read_later_changes_the_hash() -> None:
    data = b'{"name":"accounts/C1/customers/S1/entitlements/S2","offer":"o"}'
    bought = catalogue.OfferWire(name="o")
    alone = entitlements.project_entitlement(data, known={})
    assert alone != entitlements.project_entitlement(data, known={"o": bought})


def test_google_absent_is_not_false() -> None:
    term = {"startTime": "2026-01-31T00:00:00Z", "endTime": "2027-01-31T00:00:00Z"}
    silent = entitlement(commitmentSettings=term)
    off = entitlement(commitmentSettings={**term, "renewalSettings": {}})
    assert entitlements.subscription(silent, None).auto_renew is None
    made = entitlements.subscription(off, None)
    assert made.auto_renew is False
    assert made.scheduled[0].kind is ScheduledKind.END


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"currencyCode":"EUR","units":"9","nanos":600000000}', "9.6"),
        ('{"currencyCode":"EUR","nanos":1}', "0.000000001"),
        ('{"currencyCode":"EUR","units":"-1","nanos":-750000000}', "-1.75"),
        ('{"currencyCode":"EUR","units":7}', "7"),
        ('{"currencyCode":"EUR"}', "0"),
    ],
)
def test_google_money_is_exact(text, value) -> None:
    found = msgspec.json.decode(text, type=catalogue.MoneyWire)
    assert amount(found) == Decimal(value)


@pytest.mark.parametrize(
    ("start", "end", "term"),
    [
        ("2024-02-29", "2025-02-28", "P1Y"),
        ("2026-01-01", "2029-01-01", "P3Y"),
        ("2026-01-31", "2026-02-28", "P1M"),
        ("2026-01-01", "2026-01-15", "P14D"),
        ("2026-01-01", "2026-01-01", None),
    ],
)
def test_google_terms_come_from_their_dates(start, end, term) -> None:
    days = [datetime.fromisoformat(f"{day}T00:00:00+00:00") for day in (start, end)]
    found = term_between(*days)
    assert (str(found) if found else None) == term


def test_google_moments_and_cycles() -> None:
    assert moment("2026-09-01T08:00:07.123456789Z").microsecond == 123_456
    assert moment("2026-09-01T10:00:00+02:00").hour == 8
    assert moment("") is None
    assert moment("soon") is None
    assert cycle(catalogue.PeriodWire(duration=3, period_type="MONTH")) is (
        BillingCycle.QUARTERLY
    )
    odd = catalogue.PeriodWire(duration=1, period_type="FORTNIGHT")
    assert cycle(odd) is BillingCycle.UNKNOWN
    assert subscription_id("accounts/A/customers/C/entitlements/E") == "C/E"


def test_google_prices_of_another_period_than_the_cycle() -> None:
    yearly = catalogue.PeriodWire(duration=1, period_type="YEAR")
    monthly = catalogue.PeriodWire(duration=1, period_type="MONTH")
    money = catalogue.MoneyWire(currency_code="USD", units="12")
    price = catalogue.PriceWire(base_price=money, price_period=monthly)
    found = catalogue.OfferWire(
        name="o",
        plan=catalogue.PlanWire(payment_plan="COMMITMENT", payment_cycle=yearly),
        price_by_resources=(
            catalogue.PriceByResource(resource_type="AI_CREDITS_2", price=price),
        ),
    )
    assert offers.list_price(found) == Decimal(144)
    assert offers.unit_cost(found) is None


def test_google_old_plan_name_is_the_same_plan() -> None:
    def of(name):
        found = {"plan": {"planName": name}, "seats": {"numberOfSeats": 3}}
        return fingerprint(
            reseller.RESELLER.decode(
                json.dumps({"subscriptions": [found]}).encode()
            ).subscriptions[0]
        )

    assert of("ANNUAL") == of("ANNUAL_MONTHLY_PAY") != of("ANNUAL_YEARLY_PAY")


def test_google_names_lead_to_workspace_ids() -> None:
    assert workspace_ids("Google Workspace Business Plus") == (
        "Google-Apps",
        "1010020025",
    )
    assert workspace_ids("Something Else") is None
