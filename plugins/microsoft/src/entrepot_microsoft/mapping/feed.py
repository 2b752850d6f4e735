"""Activity records and notifications as hints what to read again (§6.3, §6.4; pure)."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

from entrepot.sdk.model import ChangedKind, ChangeEvent

import entrepot_microsoft.wire as wire
from entrepot_microsoft.mapping.spelling import moment, word

_KINDS = {
    "customer": ChangedKind.CUSTOMER,
    "partnercustomerrelationship": ChangedKind.CUSTOMER,
    "partnercustomerdap": ChangedKind.CUSTOMER,
    "granularadminrelationship": ChangedKind.CUSTOMER,
    "agreement": ChangedKind.CUSTOMER,
    "subscription": ChangedKind.SUBSCRIPTION,
    "license": ChangedKind.SUBSCRIPTION,
    "transfer": ChangedKind.SUBSCRIPTION,
    "mpnassociation": ChangedKind.SUBSCRIPTION,
    "thirdpartyaddon": ChangedKind.SUBSCRIPTION,
    "order": ChangedKind.ORDER,
}
_DID_NOTHING = ("failed", "decline")
_CUSTOMER = re.compile(r"/customers/([0-9a-fA-F-]{36})(?:/|$)")
_SUBSCRIPTION = re.compile(r"/subscriptions/([0-9a-fA-F-]{36})(?:/|$)")


def changes(records: list[wire.AuditWire]) -> list[ChangeEvent]:
    """Hints of these records, oldest first; what failed at the vendor is left out."""
    made = [_change(r) for r in records if word(r.operation_status) not in _DID_NOTHING]
    return sorted(made, key=lambda e: (e.at is not None, e.at, e.event_id))


def _change(record: wire.AuditWire) -> ChangeEvent:
    kind = _KINDS.get(word(record.resource_type), ChangedKind.OTHER)
    details = {pair.key: pair.value or "" for pair in record.customized_data or ()}
    customer = _bare(record.customer_id)
    object_id = {
        ChangedKind.CUSTOMER: customer,
        ChangedKind.SUBSCRIPTION: details.get("SubscriptionId-0", "").lower(),
        ChangedKind.ORDER: details.get("OrderId", ""),
    }.get(kind, "")
    return ChangeEvent(
        event_id=record.id,
        kind=kind,
        object_id=object_id,
        customer_id=customer,
        at=moment(record.operation_date),
        action=record.operation_type or "",
        actor=record.user_principal_name or "",
    )


def _bare(customer_id: str | None) -> str:
    return (customer_id or "").lower().removeprefix("org:")


def hints(found: wire.NotificationWire) -> tuple[ChangeEvent, ...]:
    """What a notification asks to read again; empty for test events.

    The resource address may carry ``/webhooks`` or the scheme http (§6.4); only the
    ids in its path are used.
    """
    path = urlsplit(found.resource_uri).path
    customer, sub = _CUSTOMER.search(path), _SUBSCRIPTION.search(path)
    if customer is None:
        return ()
    kind = ChangedKind.SUBSCRIPTION if sub else ChangedKind.CUSTOMER
    chosen = sub or customer
    event = ChangeEvent(
        event_id=replay_key(found),
        kind=kind,
        object_id=chosen[1].lower(),
        customer_id=customer[1].lower(),
        at=moment(found.resource_change_utc_date),
        action=found.event_name,
    )
    return (event,)


def replay_key(found: wire.NotificationWire) -> str:
    """Equal for repeated deliveries of one notification (T21)."""
    parts = (found.event_name, found.resource_uri, found.resource_change_utc_date or "")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
