"""Usage and charges as people and the API see them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, select

from entrepot.hub.charges import rules
from entrepot.hub.charges.tables import ChargeFact, ChargeRow, UsageFact, UsageRow
from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.hub.subscriptions.tables import SubscriptionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """What usage and charges have in common.

    Attributes:
        vendor_id: The line's name at the vendor, the same in every version.
        month: The billing month in which it was listed last.
        customer_id: The hub's customer; None while it is not known.
        subscription_id: The hub's subscription; None when the line names none we know.
        source: Where the vendor states the line.
        known_at: When this version was learnt.
        gone_at: When the vendor had withdrawn the line, or None.
    """

    id: str
    connection_id: str
    vendor_id: str
    month: str
    customer_id: str | None
    customer_name: str | None
    customer_vendor_id: str
    subscription_id: str | None
    subscription_vendor_id: str
    sku: str
    name: str
    quantity: Decimal | None
    unit: str
    currency: str
    estimated: bool
    source: str
    attributes: dict[str, str]
    known_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeView(LineView):
    """A charge; amounts in `currency`, before tax."""

    kind: str
    vendor_kind: str
    period_start: date
    period_end: date
    amount: Decimal
    unit_price: Decimal | None
    list_amount: Decimal | None
    tax: Decimal | None
    invoice_id: str
    invoiced_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageView(LineView):
    """A metered quantity; `cost` is None while it is not rated."""

    resource_id: str
    starts_at: datetime
    ends_at: datetime
    cost: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineVersion:
    """One version of a line.

    Attributes:
        known_at: When the hub learnt it.
        change: ``new``, ``changed`` (restated), ``gone`` (withdrawn) or ``back``.
        values: The line as the plugin gave it, numbers as exact text; empty for
            ``gone``.
    """

    known_at: datetime
    valid_from: datetime
    change: str
    run_id: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingView:
    """How completely one month of one connection was last read.

    Attributes:
        kind: ``charges`` or ``usage``.
        complete_at: The last complete reading, or None.
        lines: Lines of the month that are not withdrawn.
        reason: Why it is incomplete; empty when it is not.
    """

    connection_id: str
    kind: str
    month: str
    complete: bool
    complete_at: datetime | None
    attempted_at: datetime
    lines: int
    counts: dict[str, int]
    reason: str


ROWS: dict[str, type[ChargeRow] | type[UsageRow]] = {
    rules.CHARGES: ChargeRow,
    rules.USAGE: UsageRow,
}
FACTS: dict[str, type[ChargeFact] | type[UsageFact]] = {
    rules.CHARGES: ChargeFact,
    rules.USAGE: UsageFact,
}
VIEWS: dict[str, type[ChargeView] | type[UsageView]] = {
    rules.CHARGES: ChargeView,
    rules.USAGE: UsageView,
}
_JOINED = ("customer_id", "customer_name", "subscription_id")


def columns(kind: str) -> tuple[str, ...]:
    """The columns of a list of a kind, in the order of exports."""
    return tuple(item.name for item in fields(VIEWS[kind]))


def joined(kind: str) -> Select[Any]:
    """All columns of a list of a kind, by the names of `columns`."""
    row = ROWS[kind]
    own = [getattr(row, name) for name in columns(kind) if name not in _JOINED]
    return (
        select(
            *own,
            CustomerAccount.customer_id.label("customer_id"),
            Customer.name.label("customer_name"),
            SubscriptionRow.id.label("subscription_id"),
        )
        .outerjoin(
            CustomerAccount,
            (CustomerAccount.connection_id == row.connection_id)
            & (CustomerAccount.vendor_id == row.customer_vendor_id)
            & (CustomerAccount.tenant_id == row.tenant_id),
        )
        .outerjoin(
            Customer,
            (Customer.id == CustomerAccount.customer_id)
            & (Customer.tenant_id == CustomerAccount.tenant_id),
        )
        .outerjoin(
            SubscriptionRow,
            (SubscriptionRow.connection_id == row.connection_id)
            & (SubscriptionRow.vendor_id == row.subscription_vendor_id)
            & (SubscriptionRow.tenant_id == row.tenant_id),
        )
    )


def view(kind: str, found: Any) -> ChargeView | UsageView:  # noqa: ANN401 - a row of `joined`
    """A row of `joined` as a view."""
    return VIEWS[kind](**{name: getattr(found, name) for name in columns(kind)})
