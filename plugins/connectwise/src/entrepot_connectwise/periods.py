"""Billing periods of an agreement: cycle options, calendar or contract anchor.

Days are inclusive on both ends here, as in the vendor's fields.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = {
    "Monthly": 1,
    "BiMonthly": 2,
    "Quarterly": 3,
    "SemiAnnual": 6,
    "Yearly": 12,
}
DAYS = {"Weekly": 7, "BiWeekly": 14}
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BillingPeriod:
    """One period; both days belong to it."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    def overlap(self, first: date, last: date | None) -> int:
        """How many days of [first, last] lie in the period; None = open end."""
        end = self.last if last is None else min(self.last, last)
        return max((end - max(self.first, first)).days + 1, 0)


@dataclass(frozen=True, slots=True)
class Cycle:
    """How an agreement's periods follow each other.

    Attributes:
        option: `billingOptions` of the billing cycle, e.g. `Monthly`.
        calendar: True = periods are calendar months, quarters, years
            (`invoicingCycle` CalendarYear); False = counted from `anchor`.
        anchor: First billed day.
    """

    option: str
    calendar: bool
    anchor: date

    @property
    def recurring(self) -> bool:
        """False for `NotRecurring`: everything is one period."""
        return self.option in MONTHS or self.option in DAYS

    def containing(self, day: date) -> BillingPeriod:
        """The period that `day` falls into.

        A cycle that does not recur has one period of the anchor's day only.
        """
        if self.option in DAYS:
            return self._of_days(day, DAYS[self.option])
        if self.option in MONTHS:
            return self._of_months(day, MONTHS[self.option])
        return BillingPeriod(self.anchor, self.anchor)

    def after(self, period: BillingPeriod) -> BillingPeriod:
        """The following period."""
        return self.containing(period.last + ONE_DAY)

    def before(self, period: BillingPeriod) -> BillingPeriod:
        """The preceding period."""
        return self.containing(period.first - ONE_DAY)

    def _of_days(self, day: date, length: int) -> BillingPeriod:
        first = day - timedelta(days=(day - self.anchor).days % length)
        return BillingPeriod(first, first + timedelta(days=length - 1))

    def _of_months(self, day: date, months: int) -> BillingPeriod:
        anchor = date(self.anchor.year, 1, 1) if self.calendar else self.anchor
        steps = _months_between(anchor, day) // months
        first = add_months(anchor, steps * months)
        if first > day:
            steps -= 1
            first = add_months(anchor, steps * months)
        return BillingPeriod(first, add_months(anchor, (steps + 1) * months) - ONE_DAY)


def _months_between(first: date, second: date) -> int:
    return (second.year - first.year) * 12 + second.month - first.month


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day if it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
