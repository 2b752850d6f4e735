"""What the PSA puts on an agreement invoice (connectwise.md §9.5, sandbox engine).

Pure: lines and rules in, invoice rows out. The unverified points are switches of
`BillingRules`, so that a reseller's real behaviour can be set once it is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from entrepot_connectwise.periods import ONE_DAY, BillingPeriod, Cycle

CENT = Decimal("0.01")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class BillingRules:
    """How this tenant's PSA bills.

    Attributes:
        prorate: The agreement's `prorateFlag`.
        credit_on_cancel: A line ended after its period was invoiced gets a credit row.
        nonprorated_rule: `active_on_period_start` or `active_any_day`.
        cancel_inclusive: `cancelledDate` is the last billed day (else the first
            unbilled one).
    """

    prorate: bool
    credit_on_cancel: bool = True
    nonprorated_rule: str = "active_on_period_start"
    cancel_inclusive: bool = True


@dataclass(frozen=True, slots=True)
class BilledLine:
    """An addition as the engine sees it.

    Attributes:
        billed_through: Last day already invoiced for this line; None = never.
        billed_amount: Amount of a whole period as it was last invoiced.
    """

    line_id: int
    description: str
    quantity: Decimal
    less_included: Decimal
    unit_price: Decimal
    bill_customer: str
    taxable: bool
    effective: date
    cancelled: date | None = None
    billed_through: date | None = None
    billed_amount: Decimal = ZERO

    @property
    def full_amount(self) -> Decimal:
        """Price of one whole period, unrounded; 0 for a line that is not charged."""
        if self.bill_customer != "Billable":
            return ZERO
        # A negative quantity is a credit line; only the included units are floored.
        units = self.quantity
        if self.less_included:
            units = max(units - self.less_included, ZERO)
        return self.unit_price * units


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One row of an agreement invoice; `kind` is recurring, catch_up or credit."""

    line_id: int
    kind: str
    description: str
    first: date
    last: date
    days: int
    quantity: Decimal
    amount: Decimal
    taxable: bool


@dataclass(frozen=True, slots=True)
class Billed:
    """Rows of one invoice, and the lines with their billing marks moved on."""

    rows: tuple[InvoiceRow, ...]
    lines: tuple[BilledLine, ...]

    @property
    def total(self) -> Decimal:
        """Sum of the rows."""
        return sum((row.amount for row in self.rows), ZERO)


def bill_period(
    lines: Iterable[BilledLine],
    period: BillingPeriod,
    cycle: Cycle,
    rules: BillingRules,
) -> Billed:
    """Invoice one period: recurring rows, and what earlier periods still owe."""
    rows: list[InvoiceRow] = []
    moved: list[BilledLine] = []
    for line in lines:
        if line.bill_customer != "DoNotBill":
            rows.extend(_rows(line, period, cycle, rules))
        moved.append(_moved(line, period, rules))
    return Billed(tuple(rows), tuple(moved))


def immediate_rows(
    line: BilledLine, invoiced: date, cycle: Cycle, rules: BillingRules
) -> tuple[InvoiceRow, ...]:
    """Catch-up rows of a line that reaches into periods up to `invoiced`.

    Used when `invoiceProratedAdditionsFlag` bills them at once.
    """
    if not rules.prorate or line.bill_customer == "DoNotBill":
        return ()
    return tuple(_catch_up(line, invoiced, cycle, rules))


def round_cents(amount: Decimal) -> Decimal:
    """Half-up to two places, as on the vendor's invoices."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def last_day(line: BilledLine, rules: BillingRules) -> date | None:
    """Last billed day of a line; None = open end."""
    if line.cancelled is None or rules.cancel_inclusive:
        return line.cancelled
    return line.cancelled - ONE_DAY


def _rows(
    line: BilledLine, period: BillingPeriod, cycle: Cycle, rules: BillingRules
) -> Iterator[InvoiceRow]:
    if not rules.prorate:
        yield from _whole(line, period, rules)
        return
    before = period.first - ONE_DAY
    yield from _catch_up(line, before, cycle, rules)
    if rules.credit_on_cancel:
        yield from _credits(line, cycle, rules)
    yield from _part(line, period, rules, "recurring")


def _whole(
    line: BilledLine, period: BillingPeriod, rules: BillingRules
) -> Iterator[InvoiceRow]:
    end = last_day(line, rules)
    any_day = rules.nonprorated_rule == "active_any_day"
    active = period.overlap(line.effective, end) > 0
    on_start = line.effective <= period.first and (end is None or end >= period.first)
    if active if any_day else on_start:
        yield _row(
            line, period, period.days, round_cents(line.full_amount), "recurring"
        )


def _part(
    line: BilledLine, period: BillingPeriod, rules: BillingRules, kind: str
) -> Iterator[InvoiceRow]:
    days = period.overlap(line.effective, last_day(line, rules))
    if days:
        amount = round_cents(line.full_amount * days / period.days)
        yield _row(line, period, days, amount, kind)


def _catch_up(
    line: BilledLine, through: date, cycle: Cycle, rules: BillingRules
) -> Iterator[InvoiceRow]:
    first = max(line.effective, cycle.anchor)
    if line.billed_through is not None:
        first = max(first, line.billed_through + ONE_DAY)
    while first <= through:
        period = cycle.containing(first)
        yield from _part(replace(line, effective=first), period, rules, "catch_up")
        first = period.last + ONE_DAY


def _credits(
    line: BilledLine, cycle: Cycle, rules: BillingRules
) -> Iterator[InvoiceRow]:
    end, billed = last_day(line, rules), line.billed_through
    if end is None or billed is None:
        return
    first = max(end + ONE_DAY, line.effective)
    while first <= billed:
        period = cycle.containing(first)
        days = period.overlap(first, billed)
        amount = -round_cents(line.billed_amount * days / period.days)
        if amount:
            yield _row(line, period, days, amount, "credit")
        first = period.last + ONE_DAY


def _moved(line: BilledLine, period: BillingPeriod, rules: BillingRules) -> BilledLine:
    end = last_day(line, rules)
    through = period.last if end is None else min(end, period.last)
    amount = line.billed_amount if through < period.first else line.full_amount
    return replace(line, billed_through=through, billed_amount=amount)


def _row(
    line: BilledLine, period: BillingPeriod, days: int, amount: Decimal, kind: str
) -> InvoiceRow:
    return InvoiceRow(
        line.line_id,
        kind,
        line.description,
        period.first,
        period.last,
        days,
        line.quantity,
        amount,
        line.taxable,
    )
