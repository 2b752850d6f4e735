"""Events as hints what to read again (reference §9)."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

import msgspec
from entrepot.sdk.model import ChangedKind, ChangeEvent

from entrepot_google.mapping.spelling import (
    customer_of,
    last_part,
    moment,
    subscription_id,
)
from entrepot_google.wire import pubsub


def event_of(message: pubsub.PubsubMessage) -> pubsub.EventWire | None:
    """What a message says; None when it cannot be read."""
    try:
        return pubsub.EVENT.decode(base64.b64decode(message.data, validate=True))
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None


def identity_of(message: pubsub.PubsubMessage) -> str:
    """The Cloud Identity id an event of the Reseller API speaks of; else empty."""
    found = event_of(message)
    return found.customer_id if found is not None else ""


def hints(
    message: pubsub.PubsubMessage, customer_by_identity: dict[str, str]
) -> tuple[ChangeEvent, ...]:
    """What to read again because of a message; empty when it concerns nothing.

    Args:
        message: Pushed or pulled, of either API.
        customer_by_identity: Our customer ids of the Cloud Identity ids it may name.
    """
    found = event_of(message)
    if found is None:
        return ()
    at = moment(message.publish_time)
    made = [
        _of_entitlement(message.message_id, found.entitlement_event, at),
        _of_customer(message.message_id, found.customer_event, at),
        _of_reseller(message.message_id, found, customer_by_identity, at),
    ]
    return tuple(event for event in made if event is not None)


def _of_entitlement(
    message_id: str, found: pubsub.EntitlementEvent | None, at: datetime | None
) -> ChangeEvent | None:
    if found is None or not customer_of(found.entitlement):
        return None
    return ChangeEvent(
        event_id=message_id,
        kind=ChangedKind.SUBSCRIPTION,
        object_id=subscription_id(found.entitlement),
        customer_id=customer_of(found.entitlement),
        at=at,
        action=found.event_type,
    )


def _of_customer(
    message_id: str, found: pubsub.CustomerEvent | None, at: datetime | None
) -> ChangeEvent | None:
    if found is None or not found.customer:
        return None
    customer = customer_of(found.customer) or last_part(found.customer)
    return ChangeEvent(
        event_id=message_id,
        kind=ChangedKind.CUSTOMER,
        object_id=customer,
        customer_id=customer,
        at=at,
        action=found.event_type,
    )


def _of_reseller(
    message_id: str,
    found: pubsub.EventWire,
    customer_by_identity: dict[str, str],
    at: datetime | None,
) -> ChangeEvent | None:
    customer = customer_by_identity.get(found.customer_id, "")
    if not customer:
        return None
    return ChangeEvent(
        event_id=message_id,
        kind=ChangedKind.CUSTOMER,
        object_id=customer,
        customer_id=customer,
        at=at,
        action=found.event_type,
    )


def stale(customer_id: str) -> ChangeEvent:
    """A customer that was not read for longest."""
    return ChangeEvent(
        event_id=f"stale:{customer_id}",
        kind=ChangedKind.CUSTOMER,
        object_id=customer_id,
        customer_id=customer_id,
        action="longest unread",
    )


def differs(customer_id: str) -> ChangeEvent:
    """A customer in whose estate the Reseller API shows a difference."""
    return ChangeEvent(
        event_id=f"estate:{customer_id}",
        kind=ChangedKind.CUSTOMER,
        object_id=customer_id,
        customer_id=customer_id,
        action="estate differs",
    )
