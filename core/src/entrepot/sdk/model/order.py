"""Orders as the vendor reports them, and its change feed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from entrepot.sdk.model.time import BillingCycle, Term, require_aware


class OrderStatus(StrEnum):
    """Our reading of an order's state at the vendor."""

    PENDING = "pending"
    COMPLETED = "completed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorOrderLine:
    """One line of a vendor's order.

    Attributes:
        status: The line's own state; None where the vendor tells only the order's.
    """

    sku: str
    name: str
    quantity: Decimal
    term: Term | None = None
    billing_cycle: BillingCycle = BillingCycle.UNKNOWN
    unit_price: Decimal | None = None
    currency: str = ""
    subscription_id: str = ""
    status: OrderStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorOrder:
    """An order as the vendor reports it.

    Attributes:
        reference: The orderer's own reference, when the vendor stores one.
        attributes: The vendor's own; ``operator`` is who placed the order.
    """

    vendor_id: str
    customer_id: str
    status: OrderStatus
    vendor_status: str = ""
    reference: str = ""
    created_at: datetime | None = None
    lines: tuple[VendorOrderLine, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_aware(self.created_at, "created_at")


class ChangedKind(StrEnum):
    """What kind of object a change feed or notification speaks of."""

    CUSTOMER = "customer"
    SUBSCRIPTION = "subscription"
    ORDER = "order"
    OFFER = "offer"
    COMPANY = "company"
    AGREEMENT = "agreement"
    LINE = "line"
    PRODUCT = "product"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEvent:
    """A hint that an object changed; it triggers a read and is never a fact.

    Attributes:
        event_id: The feed's own id, for de-duplication.
        kind: What changed.
        object_id: Vendor id of it; empty when the feed does not say.
        customer_id: Vendor id of the customer or company concerned; may be empty.
        at: When, by the vendor's clock.
        action: The vendor's word for what happened.
        actor: Who did it, as the vendor says; empty when unknown.
    """

    event_id: str
    kind: ChangedKind
    object_id: str = ""
    customer_id: str = ""
    at: datetime | None = None
    action: str = ""
    actor: str = ""

    def __post_init__(self) -> None:
        require_aware(self.at, "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A verified inbound notification.

    Attributes:
        events: What to read again; may be empty (a ping).
        reply_status: HTTP status the sender expects.
        reply_body: Body the sender expects (a challenge's answer, say).
        replay_key: Text that is equal for a repeated delivery; empty = no such thing.
    """

    events: tuple[ChangeEvent, ...] = ()
    reply_status: int = 200
    reply_body: bytes = b""
    reply_content_type: str = "text/plain"
    replay_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRegistration:
    """State of our registration for notifications at the other side.

    Attributes:
        registered: Whether notifications will arrive.
        renew_before: When it must be renewed at the latest; None = never.
        detail: What was registered, for people.
    """

    registered: bool
    renew_before: datetime | None = None
    detail: str = ""

    def __post_init__(self) -> None:
        require_aware(self.renew_before, "renew_before")
