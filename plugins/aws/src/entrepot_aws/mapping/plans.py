"""Savings Plans as subscriptions and offers (reference §3.7, §6.1; pure)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from entrepot.sdk.model import (
    BillingCycle,
    Offer,
    Subscription,
    SubscriptionStatus,
    Term,
)

import entrepot_aws.wire as wire
from entrepot_aws.mapping.spelling import amount, facts

_STATES = {
    "payment-pending": SubscriptionStatus.PENDING,
    "queued": SubscriptionStatus.PENDING,
    "active": SubscriptionStatus.ACTIVE,
    "pending-return": SubscriptionStatus.ACTIVE,
    "payment-failed": SubscriptionStatus.ENDED,
    "retired": SubscriptionStatus.ENDED,
    "queued-deleted": SubscriptionStatus.ENDED,
    "returned": SubscriptionStatus.ENDED,
}
_YEAR = 365 * 24 * 3600
UNIT = "per hour"


def sku_of(kind: str, payment: str, seconds: int) -> str:
    """SKU of a kind of plan, such as ``aws.savings-plan.compute.no-upfront.1y``."""
    years = round(seconds / _YEAR)
    paid = payment.lower().replace(" ", "-")
    return f"aws.savings-plan.{kind.lower()}.{paid}.{years}y"


def moment(text: str) -> datetime | None:
    """A moment written as text; None for nothing and for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _term(seconds: int) -> Term | None:
    years = round(seconds / _YEAR)
    return Term(f"P{years}Y") if years else None


def subscription(found: wire.PlanWire, customer_id: str) -> Subscription:
    """A Savings Plan; its quantity is the commitment per hour."""
    status = _STATES.get(found.state, SubscriptionStatus.UNKNOWN)
    start, end = moment(found.start), moment(found.end)
    sku = sku_of(
        found.savings_plan_type, found.payment_option, found.term_duration_in_seconds
    )
    until = moment(found.returnable_until)
    return Subscription(
        vendor_id=found.savings_plan_arn,
        customer_id=customer_id,
        sku=sku,
        product_id="aws.savings-plan",
        offer_key=found.offering_id,
        name=f"{found.savings_plan_type} Savings Plan, {found.payment_option}",
        quantity=amount(found.commitment) or Decimal(0),
        unit=f"{found.currency} {UNIT}".strip(),
        status=status,
        vendor_status=found.state,
        billed=status is SubscriptionStatus.ACTIVE,
        term=_term(found.term_duration_in_seconds),
        billing_cycle=BillingCycle.USAGE,
        currency=found.currency,
        started_at=start,
        term_start=start,
        term_end=end,
        ended_at=end if status is SubscriptionStatus.ENDED else None,
        auto_renew=False,
        # Equal to the start when it cannot be returned (§3.7).
        cancellable_until=None if until == start else until,
        attributes=facts(
            upfront=found.upfront_payment_amount,
            recurring=found.recurring_payment_amount,
        ),
    )


def offer(found: wire.PlanOfferingWire) -> Offer:
    """A Savings Plan that can be bought; one unit is a commitment of 1 per hour."""
    sku = sku_of(found.plan_type, found.payment_option, found.duration_seconds)
    return Offer(
        key=found.offering_id,
        product_id="aws.savings-plan",
        sku=sku,
        name=f"{found.plan_type} Savings Plan, {found.payment_option}",
        description=found.description,
        term=_term(found.duration_seconds),
        billing_cycle=BillingCycle.USAGE,
        currency=found.currency,
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(1_000_000),
        unit=f"{found.currency} {UNIT}".strip(),
        part_numbers=(sku,),
        publisher="Amazon Web Services",
    )
