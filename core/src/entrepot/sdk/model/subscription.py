"""What a customer bought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from entrepot.sdk.model.quick import quick
from entrepot.sdk.model.time import BillingCycle, Term, require_aware


class SubscriptionStatus(StrEnum):
    """Our reading of a subscription's state."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"
    UNKNOWN = "unknown"


class ScheduledKind(StrEnum):
    """What will happen by itself."""

    NEXT_TERM = "next_term"  # quantity, offer, term or cycle at renewal
    END = "end"  # the subscription ends
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledChange:
    """A change the vendor has accepted for later.

    Attributes:
        kind: What will happen.
        effective_at: When; None when the vendor gives no date.
        quantity: New quantity, or None when it stays.
        sku: New SKU, or None when it stays.
    """

    kind: ScheduledKind
    effective_at: datetime | None = None
    quantity: Decimal | None = None
    sku: str | None = None
    term: Term | None = None
    billing_cycle: BillingCycle | None = None

    def __post_init__(self) -> None:
        require_aware(self.effective_at, "effective_at")


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription as the vendor reports it now.

    Attributes:
        vendor_id: The vendor's id.
        customer_id: Vendor id of the owning customer.
        sku: The vendor's SKU, same text as in `Offer.sku`.
        offer_key: `Offer.key` where it can be told, else empty.
        quantity: Seats or units bought, not seats in use.
        status: Our reading; `vendor_status` keeps the vendor's word.
        billed: Whether the vendor charges for it in this state.
        unit_cost: Cost per unit and billing cycle; None = take the price list's.
        assigned: Seats in use; None = unknown. Informational only.
        started_at: When the subscription began; never moves.
        term_start: Start of the current term.
        term_end: First moment after the current term; None = open-ended.
        ended_at: First moment without service, when it ended.
        auto_renew: None = the vendor does not say.
        cancellable_until: End of the vendor's cancellation window, when open.
        reducible_quantity: Units that may be given back now; None = unknown.
        parent_id: Vendor id of the base subscription of an add-on; else empty.
        changed_at: When the quantity or state last changed, if the vendor says so.
        vendor_version: Version, etag or last-modified text that orders snapshots.
    """

    vendor_id: str
    customer_id: str
    sku: str
    name: str
    quantity: Decimal
    status: SubscriptionStatus
    vendor_status: str = ""
    billed: bool = True
    product_id: str = ""
    offer_key: str = ""
    term: Term | None = None
    billing_cycle: BillingCycle = BillingCycle.UNKNOWN
    segment: str = ""
    currency: str = ""
    unit_cost: Decimal | None = None
    assigned: Decimal | None = None
    unit: str = ""
    friendly_name: str = ""
    is_trial: bool = False
    is_addon: bool = False
    parent_id: str = ""
    started_at: datetime | None = None
    term_start: datetime | None = None
    term_end: datetime | None = None
    ended_at: datetime | None = None
    auto_renew: bool | None = None
    cancellable_until: datetime | None = None
    reducible_quantity: Decimal | None = None
    scheduled: tuple[ScheduledChange, ...] = ()
    order_id: str = ""
    changed_at: datetime | None = None
    vendor_version: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.quantity, Decimal):
            msg = "quantity must be Decimal"
            raise TypeError(msg)
        if self.unit_cost is not None and not isinstance(self.unit_cost, Decimal):
            msg = "unit_cost must be Decimal"
            raise TypeError(msg)
        for moment in (
            self.started_at,
            self.term_start,
            self.term_end,
            self.ended_at,
            self.cancellable_until,
            self.changed_at,
        ):
            if moment is not None and moment.tzinfo is None:
                for name in _MOMENTS:
                    require_aware(getattr(self, name), name)


_MOMENTS = (
    "started_at",
    "term_start",
    "term_end",
    "ended_at",
    "cancellable_until",
    "changed_at",
)
