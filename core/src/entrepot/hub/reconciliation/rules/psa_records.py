"""What the PSA says: the right-hand side of a reconciliation.

Dates of PSA fields are inclusive on both ends, as the PSA stores them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from entrepot.hub.reconciliation.rules.records import ZERO
from entrepot.sdk.model import (
    AgreementStatus,
    BillCustomer,
    BillingCycle,
    BillingMode,
    PeriodAnchor,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PsaCompany:
    """A company of the PSA.

    Attributes:
        usable: False when deleted, merged, inactive or no longer a customer.
        complete: Its agreements and lines were read completely and lately.
    """

    id: str
    name: str = ""
    usable: bool = True
    complete: bool = True
    incomplete_because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """An agreement under which lines are invoiced.

    Attributes:
        starts: First day that is billed; anchors contract periods.
        ends: Last day, inclusive; None = open.
        locked_through: Last invoiced day, inclusive; None with `lock_known` = nothing
            has been invoiced.
        lock_known: False = read-only for pushes.
        family: Id of the root of its tree; own id when it has none.
        version: Differs after a change; part of a plan's preconditions.
    """

    id: str
    company: str
    name: str = ""
    type: str = ""
    family: str = ""
    status: AgreementStatus = AgreementStatus.ACTIVE
    starts: date = date(2000, 1, 1)
    ends: date | None = None
    billing_cycle: BillingCycle = BillingCycle.MONTHLY
    anchor: PeriodAnchor = PeriodAnchor.CALENDAR
    billing_mode: BillingMode = BillingMode.UNKNOWN
    currency: str = "USD"
    prorates: bool | None = None
    locked_through: date | None = None
    lock_known: bool = True
    next_invoice: date | None = None
    version: str = ""

    def active_on(self, day: date) -> bool:
        """Whether lines under it are invoiced for `day`."""
        open_then = self.ends is None or self.ends >= day
        return self.status is AgreementStatus.ACTIVE and open_then


class LinkRole(StrEnum):
    """What a line is for the hub."""

    MAIN = "main"
    DELTA = "delta"
    ONE_TIME = "one_time"
    COMPONENT = "component"


class LinkState(StrEnum):
    """Whether a link counts now."""

    ACTIVE = "active"
    DETACHED = "detached"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineLink:
    """Ties a PSA line to the subscriptions it stands for; survives unmapping."""

    line: str
    subscriptions: tuple[str, ...]
    company: str = ""
    agreement: str = ""
    product: str = ""
    role: LinkRole = LinkRole.MAIN
    state: LinkState = LinkState.ACTIVE
    verified_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityUntil:
    """A quantity that a line carried up to and including a day."""

    until: date
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PsaLine:
    """A line of an agreement.

    Attributes:
        less_included: Units of `quantity` that are not charged.
        effective: First billed day; None = from the agreement's start.
        ends: Last billed day, inclusive; None = open.
        earlier: Quantities before edits in place, ascending; for replaying periods.
        unmanaged: People took it out of scope.
        usage_period: The vendor period a usage line stands for, as ``YYYY-MM``.
        invoiced: A one-time line that an invoice already carries.
        version: Differs after a change; part of a plan's preconditions.
    """

    id: str
    agreement: str
    company: str
    product: str
    quantity: Decimal
    less_included: Decimal = ZERO
    unit_price: Decimal | None = None
    unit_cost: Decimal | None = None
    bill: BillCustomer = BillCustomer.BILLABLE
    taxable: bool | None = True
    effective: date | None = None
    ends: date | None = None
    earlier: tuple[QuantityUntil, ...] = ()
    updated_by: str = ""
    updated_at: datetime | None = None
    unmanaged: bool = False
    usage_period: str = ""
    invoiced: bool = False
    version: str = ""

    @property
    def net(self) -> Decimal:
        """Charged units, never below zero."""
        return max(self.quantity - self.less_included, ZERO)

    def active_on(self, day: date) -> bool:
        """Whether it is billed for `day`."""
        begun = self.effective is None or self.effective <= day
        return begun and (self.ends is None or self.ends >= day)

    def net_on(self, day: date) -> Decimal:
        """Charged units on a day, as they were then; zero when not active."""
        if not self.active_on(day):
            return ZERO
        for past in self.earlier:
            if day <= past.until:
                return max(past.quantity - self.less_included, ZERO)
        return self.net


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueItem:
    """A product of the PSA's catalogue."""

    id: str
    name: str = ""
    active: bool = True
    price: Decimal | None = None
    cost: Decimal | None = None
    currency: str = ""
    taxable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedEnd:
    """An end date that one of our plans wrote before it was cut off."""

    line: str
    plan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a catch-up already settled of a key's closed period (gap ledger)."""

    agreement: str
    product: str
    period_start: date
    unit_days: Decimal
    amount: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class PsaSide:
    """Everything the PSA says, and what the hub wrote down about it.

    Attributes:
        our_members: Names under which the hub itself writes to the PSA.
    """

    companies: tuple[PsaCompany, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    lines: tuple[PsaLine, ...] = ()
    links: tuple[LineLink, ...] = ()
    catalogue: tuple[CatalogueItem, ...] = ()
    unfinished: tuple[UnfinishedEnd, ...] = ()
    settled: tuple[Settled, ...] = ()
    our_members: frozenset[str] = frozenset()
