"""What the vendor and the hub say: the left-hand side of a reconciliation.

Plain frozen records without a database or plugin behind them. Days are dates in the
billing zone; `starts` is the first day, `ends` the first day that no longer counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from entrepot.sdk.model import BillingCycle, SubscriptionStatus

ZERO = Decimal(0)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What a subscription is from one day on, until its next phase.

    Attributes:
        starts: First day.
        quantity: Units bought.
        unit_cost: Cost per vendor unit and billing cycle; None = unknown.
        list_price: The vendor's recommended price per unit; None = unknown.
        sku: The vendor's SKU.
        term: ISO 8601 length of commitment; empty = none.
        billing_cycle: How often the vendor charges.
        estimated: The day was derived from snapshots, not given by the vendor.
        scheduled: The vendor will do it; it hasn't happened yet.
    """

    starts: date
    quantity: Decimal
    sku: str
    unit_cost: Decimal | None = None
    list_price: Decimal | None = None
    term: str = ""
    billing_cycle: BillingCycle = BillingCycle.MONTHLY
    estimated: bool = False
    scheduled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityChange:
    """One change of a subscription's quantity as it was seen.

    Attributes:
        at: When.
        quantity: The value after it.
        foreign: Not caused by an order of this hub.
    """

    at: datetime
    quantity: Decimal
    foreign: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorSubscription:
    """A subscription as the vendor last reported it, with its history.

    Attributes:
        phases: Ascending by `starts`; never empty.
        ends: First day without service, past or future; None = open.
        free: The vendor charges nothing (a trial, for example).
        charged_when_suspended: The vendor keeps charging while suspended.
        renews: Day of the next renewal; None = unknown or none.
        absent_syncs: Complete syncs in a row that didn't list it any more.
        absence_confirmed: A direct read said that it doesn't exist.
        decrease_blocked_until: Day until which the vendor refuses fewer units.
        assigned: Seats in use; informational.
        changes: Changes of the quantity, ascending, for the flapping rule.
        sequence: Orders snapshots; part of a plan's preconditions.
    """

    id: str
    connection: str
    customer: str
    phases: tuple[Phase, ...]
    name: str = ""
    product: str = ""
    segment: str = ""
    market: str = ""
    currency: str = "USD"
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE
    ends: date | None = None
    free: bool = False
    charged_when_suspended: bool = True
    renews: date | None = None
    absent_syncs: int = 0
    absence_confirmed: bool = False
    decrease_blocked_until: date | None = None
    assigned: Decimal | None = None
    changes: tuple[QuantityChange, ...] = ()
    sequence: str = ""

    def phase_on(self, day: date) -> Phase | None:
        """The phase in force on `day`; None before the first and after the end."""
        if self.ends is not None and day >= self.ends:
            return None
        found = None
        for phase in self.phases:
            if phase.starts > day:
                break
            found = phase
        return found

    @property
    def billable(self) -> bool:
        """Whether the vendor charges for it at all."""
        if self.free or self.status is SubscriptionStatus.PENDING:
            return False
        suspended = self.status is SubscriptionStatus.SUSPENDED
        return self.charged_when_suspended or not suspended

    def quantity_on(self, day: date) -> Decimal:
        """Units in force on `day`; zero when none are."""
        phase = self.phase_on(day)
        return phase.quantity if phase else ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class HubMirror:
    """What the hub's own books say about a subscription.

    Attributes:
        quantity: Units; None = not compared.
        status: State; None = not compared.
    """

    subscription: str
    quantity: Decimal | None = None
    status: SubscriptionStatus | None = None


class OrderState(StrEnum):
    """How far an order of ours got."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """An order of ours that changes a subscription's quantity.

    Attributes:
        target: Absolute quantity asked for.
        expected: The quantity it was based on.
    """

    id: str
    subscription: str
    target: Decimal
    sent_at: datetime
    state: OrderState = OrderState.OPEN
    expected: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorInvoiceLine:
    """What the vendor invoiced for a subscription in one period.

    Attributes:
        unit_cost: Cost per unit; None = only the quantity is known.
        refund: The line gives money back; it is evidence, not a charge.
    """

    subscription: str
    quantity: Decimal
    unit_cost: Decimal | None = None
    refund: bool = False
    starts: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCharge:
    """Rated usage of one customer for one vendor period.

    Attributes:
        period: The vendor's period as ``YYYY-MM``.
        amount: Cost, unrounded.
        final: False for an estimate of a running period.
    """

    connection: str
    customer: str
    sku: str
    period: str
    amount: Decimal
    currency: str = "USD"
    final: bool = True


class Decided(StrEnum):
    """What people decided about a vendor customer or SKU."""

    UNDECIDED = "undecided"
    MAPPED = "mapped"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorCustomer:
    """A customer of one vendor connection.

    Attributes:
        decided: Whether people mapped or excluded it.
        complete: Its data was read completely and lately.
        incomplete_because: Why not, for people.
        internal: The reseller's own use; never charged.
    """

    id: str
    connection: str
    name: str = ""
    decided: Decided = Decided.UNDECIDED
    complete: bool = True
    incomplete_because: str = ""
    internal: bool = False


class ShareMode(StrEnum):
    """How much of a vendor customer one company gets."""

    ALL = "all"
    FIXED = "fixed"
    PERCENT = "percent"
    REMAINDER = "remainder"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerShare:
    """A confirmed mapping of a vendor customer to a PSA company."""

    connection: str
    customer: str
    company: str
    mode: ShareMode = ShareMode.ALL
    value: Decimal = ZERO
    confirmed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorSide:
    """Everything the vendors and the hub say.

    Attributes:
        hub: Mirrors by subscription; a subscription without one is unknown here.
    """

    customers: tuple[VendorCustomer, ...] = ()
    subscriptions: tuple[VendorSubscription, ...] = ()
    hub: tuple[HubMirror, ...] = ()
    orders: tuple[OrderIntent, ...] = ()
    invoices: tuple[VendorInvoiceLine, ...] = ()
    usage: tuple[UsageCharge, ...] = ()
