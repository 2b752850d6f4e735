"""Resource instances as subscriptions: track C (§4.4, §6.1; pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
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
)

import entrepot_ibm.wire as wire
from entrepot_ibm.mapping.spelling import moment, number, tidy
from entrepot_ibm.mapping.version import MAPPING_VERSION

STATES = (
    # In the order of an instance's life, so that one that moves on while we list
    # is seen twice rather than never. ``pending_removal`` cannot be asked for.
    "pre_provisioning",
    "provisioning",
    "active",
    "inactive",
    "failed",
    "pending_reclamation",
    "removed",
)
_STATUS = {
    "pre_provisioning": SubscriptionStatus.PENDING,
    "provisioning": SubscriptionStatus.PENDING,
    "active": SubscriptionStatus.ACTIVE,
    "inactive": SubscriptionStatus.SUSPENDED,
    "failed": SubscriptionStatus.ENDED,
    "pending_reclamation": SubscriptionStatus.SUSPENDED,
    "pending_removal": SubscriptionStatus.SUSPENDED,
    "removed": SubscriptionStatus.ENDED,
}
_LEAVING = ("pending_reclamation", "pending_removal")


def offer_key(plan: str, market: str) -> str:
    """Key of a plan's offer in a price country; empty for the connection's own."""
    return f"{plan}|{market}" if market else plan


def instance(
    found: wire.InstanceWire,
    customer_id: str,
    quantity_keys: Sequence[str],
    market: str = "",
) -> Subscription:
    """An instance; its GUID outlives suspension, removal and restoring (T10).

    `market` is the country whose prices hold for the customer.
    """
    status = _STATUS.get(found.state, SubscriptionStatus.UNKNOWN)
    bought, unit = _quantity(found, quantity_keys)
    created = moment(found.created_at)
    return Subscription(
        vendor_id=found.guid,
        customer_id=customer_id,
        sku=found.resource_plan_id,
        name=_service(found),
        quantity=Decimal(1) if bought is None else bought,
        status=status,
        vendor_status=found.state,
        billed=found.state in ("active", "inactive"),
        product_id=found.resource_id,
        offer_key=offer_key(found.resource_plan_id, market),
        billing_cycle=BillingCycle.USAGE if bought is None else BillingCycle.MONTHLY,
        unit=unit or "instance",
        friendly_name=found.name,
        started_at=created,
        term_start=created,
        ended_at=moment(found.deleted_at)
        if status is SubscriptionStatus.ENDED
        else None,
        scheduled=_scheduled(found),
        changed_at=moment(found.updated_at),
        vendor_version=found.updated_at or "",
        attributes=_facts(found),
    )


def _quantity(
    found: wire.InstanceWire, keys: Sequence[str]
) -> tuple[Decimal | None, str]:
    """A bought quantity and its word: the broker's value before the asked one (B17)."""
    for values in (found.extensions, found.parameters):
        for key in keys:
            value = number((values or {}).get(key))
            if value is not None and value >= 0:
                return tidy(value), key
    return None, ""


def _service(found: wire.InstanceWire) -> str:
    parts = (found.crn or found.id).split(":")
    return (parts[4] if len(parts) > 4 else "") or found.resource_id or found.name


def _scheduled(found: wire.InstanceWire) -> tuple[ScheduledChange, ...]:
    if found.state not in _LEAVING:
        return ()
    when = moment(found.scheduled_reclaim_at)
    return (ScheduledChange(kind=ScheduledKind.END, effective_at=when),)


def _facts(found: wire.InstanceWire) -> dict[str, str]:
    last = found.last_operation or wire.LastOperationWire()
    failed = last.state == "failed"
    given = {
        "track": "S" if found.sub_type else "C",
        "crn": found.crn,
        "region": found.region_id,
        "resource_group": found.resource_group_id,
        "sub_type": found.sub_type or "",
        "locked": "yes" if found.locked else "",
        "last_operation": f"{last.type}: {last.state}" if last.state else "",
        "last_error": (last.description or "") if failed else "",
        "reason_code": last.reason_code or "",
        "restored_at": found.restored_at or "",
        "plans_before": ", ".join(
            step.resource_plan_id for step in (found.plan_history or ())[:-1]
        ),
    }
    return {name: value for name, value in given.items() if value}


def decode_instance(
    data: bytes, *, customer_id: str, quantity_keys: tuple[str, ...], market: str = ""
) -> Subscription:
    """An instance from its bytes."""
    return instance(wire.INSTANCE.read(data), customer_id, quantity_keys, market)


def project_instance(data: bytes) -> bytes:
    """The mapped fields of an instance, for the content hash."""
    return msgspec.msgpack.encode(wire.INSTANCE.read(data))


def raw_instances(
    items: Sequence[bytes],
    customer_id: str,
    quantity_keys: tuple[str, ...],
    market: str = "",
) -> RawItems[Subscription]:
    """A customer's instances in the fast form."""
    decode: Callable[[bytes], Subscription] = partial(
        decode_instance,
        customer_id=customer_id,
        quantity_keys=quantity_keys,
        market=market,
    )
    return RawItems(
        items=items,
        decode=decode,
        content_hash=ContentHash.PROJECTION,
        mapping_version=f"{MAPPING_VERSION}/{','.join(quantity_keys)}/{market}",
        project=project_instance,
    )
