"""A key at its horizon: expected beside actual, ready to be compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from entrepot.hub.reconciliation.rules.books import Books
from entrepot.hub.reconciliation.rules.lock import period_of
from entrepot.hub.reconciliation.rules.policy import Owner
from entrepot.hub.reconciliation.rules.psa_records import LinkRole, LinkState, PsaLine
from entrepot.hub.reconciliation.rules.records import ZERO
from entrepot.hub.reconciliation.rules.timeline import (
    Expectation,
    KeyCase,
    Segment,
    end_day,
    expect,
    first_day,
    quantity_since,
    timeline,
)
from entrepot.sdk.model import BillCustomer

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class View:
    """Expected and actual state of one key.

    Args:
        books: The indexes.
        case: The key.
    """

    books: Books
    case: KeyCase

    @property
    def horizon(self) -> date:
        """The day of recurring comparison."""
        return self.case.lock.horizon

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The key's expected timeline."""
        return timeline(self.books, self.case)

    @cached_property
    def day(self) -> date:
        """The day compared.

        The horizon, or the next period start when a change inside the open period
        was already put right at that boundary.
        """
        boundary = self.case.lock.open_last + _DAY
        changed = self.changed_from
        inside = (
            changed is not None
            and self.case.lock.first_open < changed <= self.case.lock.open_last
        )
        if not inside or self.case.rule.proration_owner is Owner.PSA:
            return self.horizon
        later = expect(self.books, self.case, boundary).quantity
        moved = self.net_on(boundary) != self.net_on(self.horizon)
        return boundary if moved and later == self.net_on(boundary) else self.horizon

    @cached_property
    def changed_from(self) -> date | None:
        """First day of the quantity expected at the horizon."""
        return quantity_since(self.segments, self.horizon)

    @cached_property
    def expected(self) -> Expectation:
        """What should be billed on the compared day."""
        return expect(self.books, self.case, self.day)

    @cached_property
    def active(self) -> tuple[PsaLine, ...]:
        """Recurring lines in scope that are billed on the compared day."""
        return tuple(line for line in self.case.lines if line.active_on(self.day))

    @cached_property
    def quantity(self) -> Decimal:
        """The PSA's quantity of the key on the compared day."""
        return self.net_on(self.day)

    def net_on(self, day: date) -> Decimal:
        """Charged units of the recurring lines in scope on a day."""
        found = (line.net for line in self.case.lines if line.active_on(day))
        return sum(found, ZERO)

    @cached_property
    def elsewhere(self) -> tuple[PsaLine, ...]:
        """Active lines of the product on other agreements that are invoiced."""
        return tuple(
            line
            for line in self.case.outside
            if line.active_on(self.day)
            and line.agreement in self.books.active_agreements
        )

    @cached_property
    def dead(self) -> tuple[PsaLine, ...]:
        """Linked lines on agreements that are no longer invoiced."""
        return tuple(
            line
            for line in (*self.case.outside, *self.case.lines)
            if line.agreement not in self.books.active_agreements
            and self.is_linked(line)
        )

    @property
    def is_stranded(self) -> bool:
        """Whether its lines stand where nothing is invoiced, and nothing takes over."""
        target = self.case.target
        over = target is None or target.id not in self.books.active_agreements
        return over and bool(self.dead)

    def is_linked(self, line: PsaLine) -> bool:
        """Whether the hub knows the line as main or delta line of something."""
        link = self.books.links.get(line.id)
        if link is None or link.state is not LinkState.ACTIVE:
            return False
        return link.role in (LinkRole.MAIN, LinkRole.DELTA)

    def is_delta(self, line: PsaLine) -> bool:
        """Whether the line was added beside a main line."""
        link = self.books.links.get(line.id)
        return link is not None and link.role is LinkRole.DELTA

    @cached_property
    def unfinished(self) -> tuple[str, ...]:
        """Plans of ours that ended a line of the key and were cut off."""
        own = {line.id for line in (*self.case.lines, *self.case.outside)}
        for subscription in self.subscriptions:
            own |= {link.line for link in self.books.links_of.get(subscription, ())}
        return tuple(
            one.plan for one in self.books.inputs.psa.unfinished if one.line in own
        )

    @cached_property
    def starts(self) -> date | None:
        """First expected day of the key."""
        return first_day(self.segments)

    @cached_property
    def ends(self) -> date | None:
        """First day after which nothing is expected any more; None = open."""
        return end_day(self.segments)

    @property
    def has_price(self) -> bool:
        """Whether money may be said at all."""
        return not self.expected.quote.problems

    @cached_property
    def price(self) -> Decimal | None:
        """The unit price that money is told in; None when there is none.

        The expected price where prices are managed, else the lines' own, else the
        catalogue's, which a new line would get.
        """
        if not self.has_price:
            return None
        if self.expected.price is not None:
            return self.expected.price
        lines = self.active or self.case.lines
        return average_price(lines) if lines else self.list_price

    @cached_property
    def list_price(self) -> Decimal | None:
        """The catalogue's price in the agreement's currency; None = there is none."""
        item = self.books.catalogue.get(self.case.key.product)
        if item is None or item.currency not in ("", self.currency):
            return None
        return item.price

    def money(self, units: Decimal) -> Decimal | None:
        """Recurring money of some units; None when no price is known."""
        return None if self.price is None else units * self.price

    @property
    def currency(self) -> str:
        """Currency of the agreement."""
        return self.case.target.currency if self.case.target else ""

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """Subscriptions behind the key, in force or not."""
        return tuple(part.subscription.id for part in self.case.parts)

    def end_for(self, day: date) -> date:
        """Last billed day of a line whose service is gone from `day` on (S6)."""
        lock, agreement = self.case.lock, self.case.target
        last = day - _DAY
        if agreement is None or not lock.known:
            return last
        if day <= lock.first_open:
            return lock.first_open - _DAY
        if self.case.rule.proration_owner is Owner.PSA:
            return last
        return period_of(agreement, last).last_day


def average_price(lines: tuple[PsaLine, ...]) -> Decimal | None:
    """Weighted unit price of lines; None when one is hidden or there is none."""
    if not lines or any(line.unit_price is None for line in lines):
        return None
    total = sum((line.net for line in lines), ZERO)
    if total == 0:
        return lines[0].unit_price
    return sum((line.net * (line.unit_price or ZERO) for line in lines), ZERO) / total


def revenue(lines: tuple[PsaLine, ...]) -> Decimal | None:
    """What lines bring per cycle; None when a price is hidden."""
    billed = [line for line in lines if line.bill is BillCustomer.BILLABLE]
    if any(line.unit_price is None for line in billed):
        return None
    return sum((line.net * (line.unit_price or ZERO) for line in billed), ZERO)
