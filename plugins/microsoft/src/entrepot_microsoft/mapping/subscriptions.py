"""Subscriptions of both commerces (reference §5.2, §8.1, §8.3; pure)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import msgspec
from entrepot.sdk.model import (
    BillingCycle,
    ContentHash,
    RawItems,
    ScheduledChange,
    ScheduledKind,
    Subscription,
    SubscriptionStatus,
    Term,
)

import entrepot_microsoft.wire as wire
from entrepot_microsoft.mapping.markets import currency_of
from entrepot_microsoft.mapping.spelling import (
    after_last_day,
    catalogue_key,
    cycle,
    moment,
    term,
    word,
)
from entrepot_microsoft.mapping.version import MAPPING_VERSION

SEATS = "onlineservicesnce"
_STATUS = {
    "active": SubscriptionStatus.ACTIVE,
    "suspended": SubscriptionStatus.SUSPENDED,
    "pending": SubscriptionStatus.PENDING,
    "expired": SubscriptionStatus.ENDED,
    "disabled": SubscriptionStatus.ENDED,
    "deleted": SubscriptionStatus.ENDED,
}


def offer_key(
    sku: str, length: Term | None, charged: BillingCycle, segment: str, market: str
) -> str:
    """Identity of a way to buy; the rotating availability is no part of it."""
    if ":" not in sku:
        return f"{sku}|{charged.value}|{market}"
    return f"{sku}|{length or ''}|{charged.value}|{segment}|{market}"


def subscription(
    found: wire.SubscriptionWire, customer_id: str, segment: str, market: str
) -> Subscription:
    """A subscription of either commerce (§8.1, §8.3)."""
    sku = catalogue_key(found.offer_id)
    length, charged = term(found.term_duration), cycle(found.billing_cycle)
    status = _STATUS.get(word(found.status), SubscriptionStatus.UNKNOWN)
    end = after_last_day(found.commitment_end_date_time, found.commitment_end_date)
    trial = bool(found.is_trial)
    refundable = found.refundable_quantity
    return Subscription(
        vendor_id=found.id.lower(),
        customer_id=customer_id.lower(),
        sku=sku,
        name=found.offer_name or found.friendly_name or sku,
        quantity=found.quantity,
        status=status,
        vendor_status=found.status or "",
        billed=_is_billed(found, status),
        product_id=sku.partition(":")[0],
        offer_key=offer_key(sku, length, charged, segment, market),
        term=length,
        billing_cycle=_charged(found, charged),
        segment=segment if ":" in sku else "",
        currency=currency_of(market),
        unit=found.unit_type or "",
        friendly_name=found.friendly_name or "",
        is_trial=trial,
        is_addon=bool(found.parent_subscription_id),
        parent_id=(found.parent_subscription_id or "").lower(),
        started_at=moment(found.creation_date),
        term_start=moment(found.effective_start_date),
        term_end=end,
        ended_at=end if word(found.status) in ("expired", "disabled") else None,
        auto_renew=found.auto_renew_enabled,
        cancellable_until=moment(found.cancellation_allowed_until_date),
        reducible_quantity=refundable.total_quantity if refundable else None,
        scheduled=_scheduled(found, sku, end),
        order_id=found.order_id or "",
        vendor_version=(found.attributes.etag or "") if found.attributes else "",
        attributes=_facts(found),
    )


def _is_legacy(found: wire.SubscriptionWire) -> bool:
    return ":" not in found.offer_id


def _is_billed(found: wire.SubscriptionWire, status: SubscriptionStatus) -> bool:
    """Suspended new commerce is billed, suspended legacy is not (§8.1)."""
    if found.is_trial:
        return False
    if status is SubscriptionStatus.SUSPENDED:
        return not _is_legacy(found)
    return status is SubscriptionStatus.ACTIVE


def _charged(found: wire.SubscriptionWire, charged: BillingCycle) -> BillingCycle:
    usage = word(found.billing_type) == "usage"
    return BillingCycle.USAGE if usage else charged


def _scheduled(
    found: wire.SubscriptionWire, sku: str, end: datetime | None
) -> tuple[ScheduledChange, ...]:
    """What the vendor will do by itself; scheduled actions win (§5.9)."""
    if found.scheduled_actions:
        return tuple(_action(action, sku, end) for action in found.scheduled_actions)
    if found.scheduled_next_term_instructions is not None:
        return (_next_term(found.scheduled_next_term_instructions, sku, end),)
    if found.auto_renew_enabled is not False or word(found.status) != "active":
        return ()
    # Seats without renewal roll into an extended term since 2026 (§5.9, T16).
    product = word(found.product_type.id if found.product_type else None)
    kind = ScheduledKind.OTHER if product == SEATS else ScheduledKind.END
    return (ScheduledChange(kind=kind, effective_at=end),)


def _action(
    action: wire.ScheduledAction, sku: str, end: datetime | None
) -> ScheduledChange:
    kind = word(action.action_type)
    when = moment(action.effective_date) or end
    if kind == "cancel":
        return ScheduledChange(kind=ScheduledKind.END, effective_at=when)
    if action.instructions is not None and kind in ("renewtonewterm", "transition"):
        return _next_term(action.instructions, sku, when)
    return ScheduledChange(kind=ScheduledKind.OTHER, effective_at=when)


def _next_term(
    coming: wire.NextTermInstructions, sku: str, end: datetime | None
) -> ScheduledChange:
    product = coming.product or wire.NextProduct()
    target = f"{product.product_id}:{product.sku_id}" if product.product_id else sku
    return ScheduledChange(
        kind=ScheduledKind.NEXT_TERM,
        effective_at=end,
        quantity=coming.quantity,
        sku=target if target != sku else None,
        term=term(product.term_duration),
        billing_cycle=cycle(product.billing_cycle) if product.billing_cycle else None,
    )


def _facts(found: wire.SubscriptionWire) -> dict[str, str]:
    given = {
        "commerce": "legacy" if _is_legacy(found) else "new",
        "product_type": found.product_type.id if found.product_type else None,
        "reseller_mpn_id": found.partner_id,
        "promotion_id": found.promotion_id,
        "entitlement_id": found.entitlement_id,
        "migrated_from": found.migrated_from_subscription_id,
        "publisher": found.publisher_name,
        "suspension_reasons": ", ".join(found.suspension_reasons or ()),
    }
    return {name: value for name, value in given.items() if value}


def decode_subscription(
    data: bytes, *, customer_id: str, segment: str, market: str
) -> Subscription:
    """A subscription from its bytes."""
    found = wire.SUBSCRIPTION.read(data)
    return subscription(found, customer_id, segment, market)


def project_subscription(data: bytes) -> bytes:
    """The mapped fields of a subscription, for the content hash."""
    return msgspec.msgpack.encode(wire.SUBSCRIPTION.read(data))


def subscription_decoder(
    customer_id: str, segment: str, market: str
) -> Callable[[bytes], Subscription]:
    """A decoder for one customer's subscriptions."""
    return partial(
        decode_subscription, customer_id=customer_id, segment=segment, market=market
    )


def raw_subscriptions(
    items: list[bytes], customer_id: str, segment: str, market: str
) -> RawItems[Subscription]:
    """A customer's subscriptions in the fast form."""
    return RawItems(
        items=items,
        decode=subscription_decoder(customer_id, segment, market),
        content_hash=ContentHash.PROJECTION,
        mapping_version=f"{MAPPING_VERSION}/{segment}/{market}",
        project=project_subscription,
    )
