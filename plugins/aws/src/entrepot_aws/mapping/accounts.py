"""Accounts and billing transfers as subscriptions (reference §6.1; pure)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from entrepot.sdk.model import (
    AccountStatus,
    BillingCycle,
    ScheduledChange,
    ScheduledKind,
    Subscription,
    SubscriptionStatus,
)

import entrepot_aws.wire as wire
from entrepot_aws.mapping.customers import transfer_status
from entrepot_aws.mapping.spelling import facts, utc

ACCOUNT_SKU = "aws.account"
TRANSFER_SKU = "aws.billing-transfer"
_STATES = {
    "PENDING_ACTIVATION": SubscriptionStatus.PENDING,
    "ACTIVE": SubscriptionStatus.ACTIVE,
    "PENDING_CLOSURE": SubscriptionStatus.ACTIVE,
    # Closed by its owner (reopenable for 90 days) or suspended by AWS: the answer
    # is the same (T15).
    "SUSPENDED": SubscriptionStatus.SUSPENDED,
    "CLOSED": SubscriptionStatus.ENDED,
}
_OF_CUSTOMER = {
    AccountStatus.ACTIVE: SubscriptionStatus.ACTIVE,
    AccountStatus.PENDING: SubscriptionStatus.PENDING,
    AccountStatus.CLOSED: SubscriptionStatus.ENDED,
    AccountStatus.UNKNOWN: SubscriptionStatus.UNKNOWN,
    AccountStatus.SUSPENDED: SubscriptionStatus.SUSPENDED,
}


def account(found: wire.AccountWire, customer_id: str) -> Subscription:
    """An account of our organization; `State` counts, not `Status` (T03)."""
    word = found.state or found.status
    status = _STATES.get(word, SubscriptionStatus.UNKNOWN)
    closing = (
        (ScheduledChange(kind=ScheduledKind.END),) if word == "PENDING_CLOSURE" else ()
    )
    return Subscription(
        vendor_id=found.id,
        customer_id=customer_id,
        sku=ACCOUNT_SKU,
        product_id=ACCOUNT_SKU,
        offer_key=ACCOUNT_SKU,
        name="AWS account",
        friendly_name=found.name,
        quantity=Decimal(1),
        unit="account",
        status=status,
        vendor_status=word,
        billed=status is SubscriptionStatus.ACTIVE,
        billing_cycle=BillingCycle.USAGE,
        started_at=utc(found.joined_timestamp),
        scheduled=closing,
        attributes=facts(email=found.email, arn=found.arn, joined=found.joined_method),
    )


def transfer(found: wire.TransferWire, now: datetime) -> Subscription:
    """A billing transfer; it ends at the end of a month (§3.2)."""
    status = _OF_CUSTOMER[transfer_status(found, now)]
    end = utc(found.end_timestamp)
    coming = end is not None and end > now and status is SubscriptionStatus.ACTIVE
    return Subscription(
        vendor_id=found.id,
        customer_id=found.source.management_account_id,
        sku=TRANSFER_SKU,
        product_id=TRANSFER_SKU,
        offer_key=TRANSFER_SKU,
        name="AWS billing transfer",
        friendly_name=found.name,
        quantity=Decimal(1),
        unit="organization",
        status=status,
        vendor_status=found.status,
        billed=status is SubscriptionStatus.ACTIVE,
        billing_cycle=BillingCycle.USAGE,
        started_at=utc(found.start_timestamp),
        ended_at=end if status is SubscriptionStatus.ENDED else None,
        scheduled=(
            (ScheduledChange(kind=ScheduledKind.END, effective_at=end),)
            if coming
            else ()
        ),
        attributes=facts(
            account=found.source.management_account_id,
            email=found.source.management_account_email,
            handshake=found.active_handshake_id,
        ),
    )
