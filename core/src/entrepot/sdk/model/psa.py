"""The PSA's side: companies, agreements, lines, products, and writes to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from entrepot.sdk.model.party import Address
from entrepot.sdk.model.quick import quick
from entrepot.sdk.model.time import BillingCycle, require_aware


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A company in the PSA.

    Attributes:
        active: False when inactive or deleted there.
        is_customer: False for prospects, vendors and the like.
        merged_into: Id of the company this one was merged into; else empty.
        domains: Domains from web site and contacts' addresses, without free-mail.
        external_ids: References stored in the PSA, as (system, id).
    """

    vendor_id: str
    name: str
    identifier: str = ""
    active: bool = True
    is_customer: bool = True
    deleted: bool = False
    merged_into: str = ""
    domains: tuple[str, ...] = ()
    tax_id: str = ""
    phone: str = ""
    email: str = ""
    address: Address = field(default_factory=Address)
    external_ids: tuple[tuple[str, str], ...] = ()
    parent_id: str = ""
    status: str = ""
    vendor_version: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


class AgreementStatus(StrEnum):
    """State of an agreement."""

    ACTIVE = "active"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    INACTIVE = "inactive"
    UNKNOWN = "unknown"


class BillingMode(StrEnum):
    """Whether a period is invoiced before or after it runs."""

    ADVANCE = "advance"
    ARREARS = "arrears"
    UNKNOWN = "unknown"


class PeriodAnchor(StrEnum):
    """What an agreement's periods are counted from."""

    CONTRACT = "contract"
    CALENDAR = "calendar"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A recurring contract in the PSA under which lines are invoiced.

    Attributes:
        start: First day.
        end: Last day (inclusive, as PSA fields are); None = open.
        billing_start: First day that is billed; None = `start`.
        prorates: Whether the PSA prorates lines that begin in mid-period.
        next_invoice: Day of the next invoice as the PSA states it.
        family_id: Id of the root agreement of a parent/child tree; own id if none.
    """

    vendor_id: str
    company_id: str
    name: str
    type_id: str = ""
    type_name: str = ""
    status: AgreementStatus = AgreementStatus.UNKNOWN
    vendor_status: str = ""
    start: date | None = None
    end: date | None = None
    billing_start: date | None = None
    billing_cycle: BillingCycle = BillingCycle.UNKNOWN
    period_anchor: PeriodAnchor = PeriodAnchor.UNKNOWN
    billing_mode: BillingMode = BillingMode.UNKNOWN
    currency: str = ""
    prorates: bool | None = None
    next_invoice: date | None = None
    parent_id: str = ""
    family_id: str = ""
    vendor_version: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


class BillCustomer(StrEnum):
    """Whether a line appears on the invoice, and priced or not."""

    BILLABLE = "billable"
    DO_NOT_BILL = "do_not_bill"
    NO_CHARGE = "no_charge"
    UNKNOWN = "unknown"


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementLine:
    """A line of an agreement: what will be invoiced.

    Attributes:
        quantity: Total units.
        included_quantity: Units included at no charge.
        unit_price: Price per unit and billing cycle; None = hidden from us, never 0.
        unit_cost: Cost per unit and billing cycle; None = hidden from us, never 0.
        effective: First billed day; None = from the agreement's start.
        ends: Last billed day, inclusive as in the PSA; None = open.
        reference: Our reference where the PSA stores one; else empty.
        changed_at: When it was last changed there.
        changed_by: Who changed it last there.
        change_token: Text that differs after any change; used as precondition.
    """

    vendor_id: str
    agreement_id: str
    company_id: str
    product_id: str
    product_name: str = ""
    description: str = ""
    invoice_text: str = ""
    quantity: Decimal
    included_quantity: Decimal = Decimal(0)
    unit_price: Decimal | None = None
    unit_cost: Decimal | None = None
    currency: str = ""
    bill: BillCustomer = BillCustomer.UNKNOWN
    taxable: bool | None = None
    effective: date | None = None
    ends: date | None = None
    reference: str = ""
    created_at: datetime | None = None
    created_by: str = ""
    changed_at: datetime | None = None
    changed_by: str = ""
    change_token: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_aware(self.changed_at, "changed_at")
        require_aware(self.created_at, "created_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class PsaProduct:
    """A product of the PSA's catalogue.

    Attributes:
        usable_on_lines: False for kinds the PSA refuses on agreement lines.
    """

    vendor_id: str
    identifier: str
    name: str
    active: bool = True
    vendor_sku: str = ""
    part_number: str = ""
    cross_reference: str = ""
    price: Decimal | None = None
    cost: Decimal | None = None
    currency: str = ""
    taxable: bool | None = None
    category: str = ""
    usable_on_lines: bool = True
    vendor_version: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicedPeriod:
    """One period of an agreement that an invoice covers; both days inclusive."""

    invoice_id: str
    first_day: date | None
    last_day: date | None
    invoiced_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingLock:
    """How far an agreement is invoiced.

    Attributes:
        agreement_id: Which agreement.
        known: False when it cannot be told; the agreement is then read-only.
        locked_through: Last invoiced day, inclusive; None with `known` = nothing
            invoiced yet.
        next_invoice: Day of the next invoice.
        reason: Why it is not known.
    """

    agreement_id: str
    known: bool
    locked_through: date | None = None
    next_invoice: date | None = None
    billing_mode: BillingMode = BillingMode.UNKNOWN
    periods: tuple[InvoicedPeriod, ...] = ()
    reason: str = ""


class LineChangeKind(StrEnum):
    """What is done to an agreement's line."""

    CREATE = "create"
    SET_QUANTITY = "set_quantity"
    SET_END = "set_end"
    SET_FIELDS = "set_fields"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """One intended change of one line, in the PSA-neutral words.

    Attributes:
        kind: What to do.
        reference: Ours, unique per operation.
        line_id: The line to change; None to create.
        product_id: PSA product of a new line.
        expected_token: `AgreementLine.change_token` that must still hold; None = any.
        ends: New last billed day for `SET_END`; None clears the end.
    """

    kind: LineChangeKind
    reference: str
    agreement_id: str
    company_id: str = ""
    line_id: str | None = None
    product_id: str | None = None
    quantity: Decimal | None = None
    included_quantity: Decimal | None = None
    unit_price: Decimal | None = None
    unit_cost: Decimal | None = None
    bill: BillCustomer | None = None
    taxable: bool | None = None
    effective: date | None = None
    ends: date | None = None
    invoice_text: str | None = None
    expected_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """One exact call a change would make, for people to read before approval.

    Attributes:
        description: One sentence.
        method: The protocol's verb.
        target: Path or address without host and secrets.
        body: What would be sent, as text.
    """

    description: str
    method: str
    target: str
    body: str = ""


class OutcomeState(StrEnum):
    """How a write ended."""

    DONE = "done"
    PENDING = "pending"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOutcome:
    """How a line change ended.

    Attributes:
        line: The line as read back after the write; None when it is gone.
        vendor_request_id: The PSA's id of the call.
        message: What the PSA said, when it did not do it.
    """

    state: OutcomeState
    line: AgreementLine | None = None
    vendor_request_id: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketOutcome:
    """A service ticket created or updated at the PSA."""

    vendor_id: str
    url: str = ""
    created: bool = True
