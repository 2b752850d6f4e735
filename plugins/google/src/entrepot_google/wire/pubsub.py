"""Pub/Sub and the events it carries (reference §9)."""

from __future__ import annotations

import msgspec

from entrepot_google.wire.base import Wire


class PubsubMessage(Wire):
    """A message; pushed ones carry both spellings of the id."""

    data: str = ""
    attributes: dict[str, str] | None = None
    message_id: str = ""
    publish_time: str = ""


class PushWire(Wire):
    """A pushed delivery."""

    message: PubsubMessage
    subscription: str = ""


class ReceivedMessage(Wire):
    """A pulled delivery."""

    ack_id: str = ""
    message: PubsubMessage | None = None


class PullWire(Wire):
    """Pulled deliveries."""

    received_messages: tuple[ReceivedMessage, ...] = ()


class PushConfig(Wire):
    """Where a subscription delivers to."""

    push_endpoint: str = ""


class PubsubSubscription(Wire):
    """A Pub/Sub subscription."""

    name: str = ""
    topic: str = ""
    push_config: PushConfig | None = None


class EntitlementEvent(msgspec.Struct, kw_only=True):
    """What happened to an entitlement; payloads are snake_case."""

    event_type: str = ""
    entitlement: str = ""


class CustomerEvent(msgspec.Struct, kw_only=True):
    """What happened to a customer."""

    event_type: str = ""
    customer: str = ""


class EventWire(msgspec.Struct, kw_only=True):
    """An event of either API; members nobody knows are skipped."""

    entitlement_event: EntitlementEvent | None = None
    customer_event: CustomerEvent | None = None
    event_type: str = ""
    customer_id: str = ""
    subscription_id: str = ""


PUSH = msgspec.json.Decoder(PushWire)
PULL = msgspec.json.Decoder(PullWire)
PUBSUB_SUBSCRIPTION = msgspec.json.Decoder(PubsubSubscription)
EVENT = msgspec.json.Decoder(EventWire)
