"""Wire records to the model, without a server."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    NotFound,
    RateLimited,
    Rejected,
    Retryable,
)
from entrepot.sdk.http import HttpResponse
from entrepot.sdk.model import (
    AccountStatus,
    BillingCycle,
    ChargeKind,
    Period,
    ScheduledKind,
    SubscriptionStatus,
)
from entrepot_aws import wire
from entrepot_aws.errors import error_for
from entrepot_aws.mapping import (
    accounts,
    agreements,
    billing,
    charges,
    customers,
    plans,
)

NOW = datetime(2026, 3, 18, 9, 30, tzinfo=UTC)
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
JULY = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "status", "word"),
    [
        ({"State": "ACTIVE", "Status": "ACTIVE"}, "active", "ACTIVE"),
        ({"State": "PENDING_ACTIVATION"}, "pending", "PENDING_ACTIVATION"),
        ({"State": "PENDING_CLOSURE", "Status": "ACTIVE"}, "active", "PENDING_CLOSURE"),
        ({"State": "SUSPENDED"}, "suspended", "SUSPENDED"),
        ({"State": "CLOSED"}, "ended", "CLOSED"),
        ({"Status": "SUSPENDED"}, "suspended", "SUSPENDED"),
        ({"State": "HOVERING", "Status": "ACTIVE"}, "unknown", "HOVERING"),
        ({}, "unknown", ""),
    ],
)
def test_state_counts_and_status_is_the_stopgap(given, status, word) -> None:
    found = wire.read({"Id": "1" * 12, **given}, wire.AccountWire)
    made = accounts.account(found, "ou-1")
    assert (made.status.value, made.vendor_status) == (status, word)
    assert made.billed is (status == "active")
    ends = [each.kind for each in made.scheduled]
    assert ends == ([ScheduledKind.END] if word == "PENDING_CLOSURE" else [])


def transfer(status, start=JANUARY, end=None, **more):
    given = {"Id": "rt-1", "Status": status, "StartTimestamp": start, **more}
    given.setdefault("Source", {"ManagementAccountId": "2" * 12})
    if end is not None:
        given["EndTimestamp"] = end
    return wire.read(given, wire.TransferWire)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (transfer("REQUESTED", JULY), AccountStatus.PENDING),
        (transfer("ACCEPTED", JULY), AccountStatus.PENDING),
        (transfer("ACCEPTED"), AccountStatus.ACTIVE),
        (transfer("ACCEPTED", end=JULY), AccountStatus.ACTIVE),
        (transfer("ACCEPTED", end=NOW), AccountStatus.CLOSED),
        *(
            (transfer(word), AccountStatus.CLOSED)
            for word in ("DECLINED", "CANCELED", "EXPIRED", "WITHDRAWN")
        ),
        (transfer("HOVERING"), AccountStatus.UNKNOWN),
    ],
)
def test_transfers_tell_their_customers_state(found, status) -> None:
    assert customers.transfer_customer(found, NOW, {}).status is status
    made = accounts.transfer(found, NOW)
    coming = found.end_timestamp == JULY
    assert [each.effective_at for each in made.scheduled] == ([JULY] if coming else [])
    assert (made.ended_at is not None) is (found.end_timestamp == NOW)


def test_account_that_came_back_is_told_by_its_running_transfer() -> None:
    old, new = transfer("WITHDRAWN", JULY), transfer("ACCEPTED", Id="rt-2")
    assert customers.speaking([old, new]) == {"2" * 12: new}
    assert customers.speaking([new, old]) == {"2" * 12: new}


def test_own_domain_says_nothing_about_a_customer() -> None:
    unit = wire.UnitWire(id="ou-1", name="Acme")
    account = wire.AccountWire(id="1" * 12, email="aws+acme@reseller.example")
    tags = [wire.TagWire(key="Tax_Id", value="42"), wire.TagWire(key="crm", value="9")]
    made = customers.unit_details(unit, [account], tags, "reseller.example", {})
    assert (made.domain, made.email) == ("", "aws+acme@reseller.example")
    assert (made.tax_id, made.external_ids) == ("42", (("crm", "9"),))
    tagged = [wire.TagWire(key="domain", value="Acme.example")]
    made = customers.unit_details(unit, [account], tagged, "reseller.example", {})
    assert made.domains == ("acme.example",)


def agreement(number, status="ACTIVE", start=JANUARY, end=JULY, first="agmt-1"):
    return wire.read(
        {
            "agreementId": f"agmt-{number}",
            "initialAgreementId": first,
            "startTime": start,
            "acceptanceTime": start,
            "endTime": end,
            "status": status,
            "proposalSummary": {
                "offerId": "offer-1",
                "resources": [{"id": "prod-1", "type": "SaaSProduct"}],
            },
        },
        wire.AgreementWire,
    )


def bought(dimensions, selector="P12M", renews=True):
    term = {
        "currencyCode": "USD",
        "rateCards": [
            {
                "selector": {"type": "Duration", "value": value},
                "rateCard": [
                    {"dimensionKey": "seat", "price": price},
                    {"dimensionKey": "host", "price": "7.12345678"},
                ],
            }
            for value, price in (("P1M", "1.50"), ("P12M", "15.00"))
        ],
        "configuration": {
            "selectorValue": selector,
            "dimensions": [
                {"dimensionKey": key, "dimensionValue": count}
                for key, count in dimensions.items()
            ],
        },
    }
    renewal = {"configuration": {"enableAutoRenew": renews}}
    given = [
        {"legalTerm": {"type": "LegalTerm"}},
        {"configurableUpfrontPricingTerm": term},
        {"renewalTerm": renewal},
    ]
    return [wire.read(each, wire.TermWire) for each in given]


def test_chain_is_one_agreement_and_its_last_link_speaks() -> None:
    old = agreement(1, "RENEWED", end=NOW)
    new = agreement(2, "ACTIVE", start=NOW)
    other = agreement(9, first="agmt-9")
    assert agreements.current([old, new, other]) == [new, other]
    assert agreements.current([new, old]) == [new]
    (made,) = agreements.subscriptions(new, bought({"seat": 5}), "ou-1", NOW)
    assert (made.vendor_id, made.order_id) == ("agmt-1/seat", "agmt-2")


def test_each_bought_dimension_is_a_subscription() -> None:
    found = agreements.subscriptions(
        agreement(1), bought({"seat": 5, "host": 2}), "ou-1", NOW
    )
    facts = [(s.vendor_id, s.quantity, s.unit_cost, s.offer_key) for s in found]
    assert facts == [
        ("agmt-1/seat", 5, Decimal("15.00"), "offer-1|P12M|seat"),
        ("agmt-1/host", 2, Decimal("7.12345678"), "offer-1|P12M|host"),
    ]
    assert {str(s.term) for s in found} == {"P1Y"}
    assert {s.billing_cycle for s in found} == {BillingCycle.ANNUAL}
    assert {s.auto_renew for s in found} == {True}
    assert not any(s.scheduled for s in found)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *((w, SubscriptionStatus.ENDED) for w in ("CANCELLED", "TERMINATED")),
        *((w, SubscriptionStatus.ENDED) for w in ("EXPIRED", "ARCHIVED", "RENEWED")),
        ("ROLLED_BACK", SubscriptionStatus.ENDED),
        ("HOVERING", SubscriptionStatus.UNKNOWN),
    ],
)
def test_agreement_states(word, status) -> None:
    (made,) = agreements.subscriptions(agreement(1, word), [], "ou-1", NOW)
    assert (made.status, made.vendor_status, made.billed) == (status, word, False)


def test_agreement_that_will_not_renew_announces_its_end() -> None:
    terms = bought({"seat": 1}, renews=False)
    (made,) = agreements.subscriptions(agreement(1), terms, "ou-1", NOW)
    assert [each.effective_at for each in made.scheduled] == [JULY]
    future = agreement(1, start=JULY, end=JULY + timedelta(days=30))
    (made,) = agreements.subscriptions(future, terms, "ou-1", NOW)
    assert made.status is SubscriptionStatus.PENDING


def test_savings_plan_is_its_commitment() -> None:
    found = wire.read(
        {
            "savingsPlanArn": "arn:aws:savingsplans::1:savingsplan/x",
            "state": "active",
            "start": "2026-01-01T00:00:00.000Z",
            "end": "2029-01-01T00:00:00.000Z",
            "savingsPlanType": "Compute",
            "paymentOption": "No Upfront",
            "currency": "USD",
            "commitment": "0.123",
            "termDurationInSeconds": 94608000,
            "returnableUntil": "2026-01-01T00:00:00.000Z",
        },
        wire.PlanWire,
    )
    made = plans.subscription(found, "ou-1")
    assert (made.quantity, str(made.term)) == (Decimal("0.123"), "P3Y")
    assert made.sku == "aws.savings-plan.compute.no-upfront.3y"
    assert made.cancellable_until is None


ROW = {
    "bill_bill_type": "Anniversary",
    "bill_invoice_id": "INV1",
    "line_item_usage_account_id": "1" * 12,
    "line_item_line_item_type": "Usage",
    "line_item_usage_start_date": "2026-02-03T05:00:00Z",
    "line_item_usage_end_date": "2026-02-03T06:00:00Z",
    "line_item_product_code": "AmazonEC2",
    "line_item_usage_type": "BoxUsage",
    "line_item_usage_amount": "0.1",
    "line_item_currency_code": "USD",
    "line_item_unblended_cost": "0.00000012345",
    "line_item_unblended_rate": "",
}


def test_line_is_exact_and_knows_its_invoice() -> None:
    made = charges.charge(ROW, "x", "ou-1", "s", {"INV1": date(2026, 3, 4)})
    assert made.amount.amount == Decimal("0.00000012345")
    assert made.period == Period(date(2026, 2, 3), date(2026, 2, 4))
    assert (made.estimated, made.invoiced_on) == (False, date(2026, 3, 4))
    assert made.unit_price is None
    used = charges.usage(ROW, "x", "ou-1", "s")
    assert used.ends_at - used.starts_at == timedelta(hours=1)
    assert used.quantity == Decimal("0.1")


def test_line_without_invoice_is_an_estimate() -> None:
    made = charges.charge({**ROW, "bill_invoice_id": ""}, "x", "", "s", {})
    assert made.estimated


def test_identity_outlives_a_correction_and_a_delivery() -> None:
    mark = charges.digest(ROW, "2026-02")
    later = {
        **ROW,
        "identity_line_item_id": "other",
        "bill_invoice_id": "",
        "line_item_unblended_cost": "9",
    }
    assert charges.digest(later, "2026-02") == mark
    assert charges.digest(ROW, "2026-03") != mark
    moved = {**ROW, "line_item_resource_id": "i-1"}
    assert charges.digest(moved, "2026-02") != mark
    first, second = (charges.line_id("2026-02", mark, n) for n in (1, 2))
    assert second == f"{first}-2"


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Tax", ChargeKind.TAX),
        ("Credit", ChargeKind.CREDIT),
        ("Refund", ChargeKind.REFUND),
        ("SavingsPlanRecurringFee", ChargeKind.COMMITMENT),
        ("EdpDiscount", ChargeKind.DISCOUNT),
        ("FromTheFuture", ChargeKind.UNKNOWN),
    ],
)
def test_kinds_of_lines(word, kind) -> None:
    row = {**ROW, "line_item_line_item_type": word}
    made = charges.charge(row, "x", "", "s", {})
    assert (made.kind, made.vendor_kind) == (kind, word)
    assert not charges.is_usage(row)


def test_markup_and_discount_of_billing_groups() -> None:
    group = wire.BillingGroupWire(
        arn="g",
        name="acme",
        primary_account_id="1" * 12,
        computation_preference=wire.ComputationWire(pricing_plan_arn="p"),
        status="ACTIVE",
    )
    up = wire.PricingRuleWire(
        arn="r", scope="GLOBAL", type="MARKUP", modifier_percentage=7.25
    )
    special = wire.PricingRuleWire(arn="s", scope="SERVICE", type="TIERING")
    plan = wire.PricingPlanWire(arn="p", name="gold")
    found = billing.billing([group], [plan], [up, special], {"p": ["r", "s"]})
    assert found.of_accounts(["9", "1" * 12]) == {
        "billing_group": "acme",
        "billing_group_status": "ACTIVE",
        "pricing_plan": "gold",
        "markup_percent": "7.25",
        "special_rules": "1",
    }
    assert found.of_accounts(["9"]) == {}


def test_moments_are_utc() -> None:
    east = JANUARY.astimezone(timezone(timedelta(hours=5)))
    found = wire.AccountWire(id="1" * 12, joined_timestamp=east)
    made = accounts.account(found, "ou-1")
    assert made.started_at is not None
    assert made.started_at.utcoffset() == timedelta(0)


def answer(status, content, **headers):
    return HttpResponse(
        status=status, headers=headers, content=content, url="https://x", method="POST"
    )


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (400, b'{"__type":"ns#TooManyRequestsException"}', RateLimited),
        (400, b'{"__type":"LimitExceededException"}', RateLimited),
        (503, b"<Error><Code>SlowDown</Code></Error>", RateLimited),
        (400, b'{"__type":"ExpiredTokenException"}', AuthRequired),
        (403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>", ConfigInvalid),
        (400, b'{"__type":"AccessDeniedException","Message":"no"}', Rejected),
        (404, b'{"__type":"ResourceNotFoundException"}', NotFound),
        (500, b'{"__type":"ServiceException"}', Retryable),
        (402, b'{"__type":"ServiceQuotaExceededException"}', Rejected),
        (422, b'{"__type":"ValidationException","reason":"X"}', Rejected),
    ],
)
def test_codes_decide_the_reaction(status, content, kind) -> None:
    error = error_for(answer(status, content))
    assert type(error) is kind


def test_page_of_html_is_left_to_its_status() -> None:
    assert error_for(answer(502, b"<html>Bad gateway</html>")) is None
