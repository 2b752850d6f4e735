"""The expected timeline of a key: what should be billed, day by day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from entrepot.hub.reconciliation.rules.books import Books
from entrepot.hub.reconciliation.rules.lock import Lock
from entrepot.hub.reconciliation.rules.numbers import ceil, money, unit
from entrepot.hub.reconciliation.rules.policy import (
    AgreementRule,
    Override,
    OverrideField,
    ProductMapEntry,
    Rounding,
)
from entrepot.hub.reconciliation.rules.pricing import Contribution, Quote, quote
from entrepot.hub.reconciliation.rules.psa_records import Agreement, PsaLine
from entrepot.hub.reconciliation.rules.records import (
    ZERO,
    CustomerShare,
    Phase,
    VendorSubscription,
)
from entrepot.hub.reconciliation.rules.results import Key
from entrepot.hub.reconciliation.rules.shares import split
from entrepot.sdk.model import BillCustomer

_DAY = timedelta(days=1)
NO_QUOTE = Quote()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Days on which one entry bills one subscription phase; `ends` exclusive."""

    starts: date
    ends: date | None
    phase: Phase
    entry: ProductMapEntry

    def holds_on(self, day: date) -> bool:
        """Whether `day` lies in it."""
        return self.starts <= day and (self.ends is None or day < self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One subscription's contribution to a key over time."""

    subscription: VendorSubscription
    stretches: tuple[Stretch, ...]
    shares: tuple[CustomerShare, ...]

    def on(self, day: date, company: str) -> Contribution | None:
        """What it adds for `company` on a day; None when nothing is in force."""
        for stretch in self.stretches:
            if stretch.holds_on(day):
                return Contribution(
                    subscription=self.subscription,
                    phase=stretch.phase,
                    entry=stretch.entry,
                    quantity=self._quantity(stretch, company),
                )
        return None

    def _quantity(self, stretch: Stretch, company: str) -> Decimal:
        units = stretch.phase.quantity * stretch.entry.factor
        if stretch.entry.rounding is Rounding.CEIL:
            units = ceil(units)
        return split(units, self.shares).get(company, ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCase:
    """One key with all that bears on it.

    Attributes:
        target: Agreement new lines go to; None when there is none.
        lines: Recurring lines in the key's scope, ended ones included.
        outside: Lines of the same company and product on other agreements.
        one_time: One-time lines in scope.
        deleted: Linked lines that the PSA no longer has.
    """

    key: Key
    rule: AgreementRule
    target: Agreement | None
    lock: Lock
    parts: tuple[Part, ...] = ()
    lines: tuple[PsaLine, ...] = ()
    outside: tuple[PsaLine, ...] = ()
    one_time: tuple[PsaLine, ...] = ()
    deleted: tuple[str, ...] = ()
    internal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a key should look like on one day.

    Attributes:
        quantity: After included units, minimum and override.
        bought: After included units only: what the vendor's quantity asks for.
        minimum: The minimum in force; zero = none.
        ends: Last day that an override sets; None = as the subscriptions say.
    """

    quantity: Decimal
    bought: Decimal
    minimum: Decimal = ZERO
    quote: Quote = NO_QUOTE
    bill: BillCustomer = BillCustomer.BILLABLE
    taxable: bool | None = None
    flags_managed: bool = False
    parts: tuple[Contribution, ...] = ()
    ends: date | None = None

    @property
    def price(self) -> Decimal | None:
        """Unit price that will be invoiced; zero when it isn't charged."""
        if self.bill is not BillCustomer.BILLABLE:
            return ZERO
        return self.quote.price


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Equal expected days; `ends` is the first day after, None = open."""

    starts: date
    ends: date | None
    quantity: Decimal
    unit_price: Decimal | None
    unit_cost: Decimal | None


def expect(books: Books, case: KeyCase, day: date) -> Expectation:
    """What should be billed for a key on a day."""
    parts = tuple(
        found
        for part in case.parts
        if (found := part.on(day, case.key.company)) is not None
    )
    counted = tuple(part for part in parts if part.quantity != 0) or parts
    included = max((part.entry.included_quantity for part in parts), default=ZERO)
    total = sum((part.quantity for part in parts), ZERO)
    bought = max(total - included, ZERO)
    minimum = _minimum(books, case.key, day)
    agreed = max(bought, minimum)
    priced = quote(books, case.key.company, case.key.product, case.target, counted, day)
    base = Expectation(
        quantity=agreed,
        bought=bought,
        minimum=minimum,
        quote=priced,
        bill=_bill(case, parts),
        taxable=parts[0].entry.taxable if parts else None,
        flags_managed=bool(parts) and all(p.entry.manage_flags for p in parts),
        parts=parts,
    )
    return _overridden(base, overrides_on(books, case.key, day))


def _bill(case: KeyCase, parts: Sequence[Contribution]) -> BillCustomer:
    if case.internal:
        return BillCustomer.NO_CHARGE
    return parts[0].entry.bill if parts else BillCustomer.BILLABLE


def _minimum(books: Books, key: Key, day: date) -> Decimal:
    return max(
        (
            one.quantity
            for one in books.policy.minimums
            if one.company == key.company
            and one.product == key.product
            and one.agreement in ("", key.agreement)
            and one.holds_on(day)
        ),
        default=ZERO,
    )


def overrides_on(books: Books, key: Key, day: date) -> tuple[Override, ...]:
    """The key's overrides in force on a day."""
    return tuple(
        one
        for one in books.policy.overrides
        if one.company == key.company
        and one.product == key.product
        and one.agreement in ("", key.agreement)
        and (one.valid_until is None or day <= one.valid_until)
    )


def _overridden(base: Expectation, overrides: Iterable[Override]) -> Expectation:
    for one in overrides:
        if one.field is OverrideField.QUANTITY:
            base = replace(base, quantity=_decimal(one))
        elif one.field is OverrideField.UNIT_PRICE:
            fixed = replace(base.quote, price=money(_decimal(one)), price_managed=True)
            base = replace(base, quote=fixed)
        elif one.field is OverrideField.UNIT_COST:
            base = replace(base, quote=replace(base.quote, cost=unit(_decimal(one))))
        elif one.field is OverrideField.BILL:
            base = replace(base, bill=BillCustomer(one.value), flags_managed=True)
        elif one.field is OverrideField.TAXABLE:
            base = replace(base, taxable=one.value == "true", flags_managed=True)
        else:
            base = replace(base, ends=date.fromisoformat(one.value))
    return base


def _decimal(one: Override) -> Decimal:
    try:
        return Decimal(one.value)
    except InvalidOperation as error:
        msg = f"override of {one.field} for {one.product}: {one.value!r} is no number"
        raise ValueError(msg) from error


def timeline(books: Books, case: KeyCase) -> tuple[Segment, ...]:
    """The key's whole expected timeline, equal neighbours merged.

    Starts with the first day of any contribution; empty when there is none.
    """
    days = boundaries(books, case)
    segments = []
    for index, day in enumerate(days):
        expected = expect(books, case, day)
        segments.append(
            Segment(
                starts=day,
                ends=days[index + 1] if index + 1 < len(days) else None,
                quantity=expected.quantity,
                unit_price=expected.price,
                unit_cost=expected.quote.cost,
            )
        )
    return merge(segments)


def boundaries(books: Books, case: KeyCase) -> list[date]:
    """Days on which something about the key may change, ascending."""
    days: set[date] = set()
    for part in case.parts:
        for stretch in part.stretches:
            days.add(stretch.starts)
            if stretch.ends is not None:
                days.add(stretch.ends)
    if not days:
        return []
    first = min(days)
    days.update(day for day in _rule_days(books, case.key) if day > first)
    return sorted(days)


def _rule_days(books: Books, key: Key) -> Iterable[date]:
    for minimum in books.policy.minimums:
        if (minimum.company, minimum.product) == (key.company, key.product):
            if minimum.starts is not None:
                yield minimum.starts
            if minimum.ends is not None:
                yield minimum.ends + _DAY
    for one in books.policy.overrides:
        mine = (one.company, one.product) == (key.company, key.product)
        if mine and one.valid_until is not None:
            yield one.valid_until + _DAY
    for rate in books.policy.fx:
        yield rate.dated


def merge(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Join neighbours that are equal but for their days."""
    merged: list[Segment] = []
    for segment in segments:
        if merged and _same(merged[-1], segment):
            merged[-1] = replace(merged[-1], ends=segment.ends)
        else:
            merged.append(segment)
    return tuple(merged)


def _same(left: Segment, right: Segment) -> bool:
    def values(one: Segment) -> tuple[Decimal | None, ...]:
        return one.quantity, one.unit_price, one.unit_cost

    return left.ends == right.starts and values(left) == values(right)


def first_day(segments: Sequence[Segment]) -> date | None:
    """First day with anything to bill; None when there is none."""
    return next((s.starts for s in segments if s.quantity > 0), None)


def end_day(segments: Sequence[Segment]) -> date | None:
    """First day after which nothing is billed any more; None = open or never."""
    if not segments or segments[-1].quantity > 0:
        return None
    billed = [segment for segment in segments if segment.quantity > 0]
    return billed[-1].ends if billed else None


def quantity_since(segments: Sequence[Segment], day: date) -> date | None:
    """First day of the quantity that is in force on `day`; None when none is."""
    since: date | None = None
    last: Decimal | None = None
    for segment in segments:
        if segment.starts > day:
            break
        if segment.quantity != last:
            since, last = segment.starts, segment.quantity
    return since


def day_sum(first: date, last: date, quantity_on: Callable[[date], Decimal]) -> Decimal:
    """Unit-days of inclusive days."""
    days = (last - first).days + 1
    return sum((quantity_on(first + _DAY * n) for n in range(days)), ZERO)
