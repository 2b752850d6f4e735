"""Time: terms, billing cycles and half-open periods."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

_TERM = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?")


@dataclass(frozen=True, slots=True)
class Term:
    """A length of commitment as an ISO 8601 duration in years, months and days.

    Args:
        text: For example ``P1M``, ``P1Y`` or ``P3Y``; anything else raises
            `ValueError`.
    """

    text: str

    def __post_init__(self) -> None:
        match = _TERM.fullmatch(self.text)
        if match is None or not any(match.groups()):
            msg = f"not a term in years, months and days: {self.text!r}"
            raise ValueError(msg)

    @property
    def months(self) -> int:
        """Whole months of the term; days are not counted."""
        years, months, _ = self._parts()
        return years * 12 + months

    def _parts(self) -> tuple[int, int, int]:
        match = _TERM.fullmatch(self.text)
        groups = match.groups() if match else ("", "", "")
        years, months, days = (int(part or 0) for part in groups)
        return years, months, days

    def end_of(self, start: date) -> date:
        """The first day after a term that begins on `start`."""
        years, months, days = self._parts()
        return add_months(start, years * 12 + months) + timedelta(days=days)

    def __str__(self) -> str:
        return self.text


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or that month's last day when it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    last = calendar.monthrange(year, month)[1]
    return day.replace(year=year, month=month, day=min(day.day, last))


class BillingCycle(StrEnum):
    """How often a subscription is charged."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEMIANNUAL = "semiannual"
    ANNUAL = "annual"
    BIENNIAL = "biennial"
    TRIENNIAL = "triennial"
    WEEKLY = "weekly"
    BIWEEKLY = "biweekly"
    BIMONTHLY = "bimonthly"
    ONE_TIME = "one_time"
    USAGE = "usage"
    NONE = "none"
    UNKNOWN = "unknown"

    @property
    def months(self) -> int | None:
        """Months between two charges; None where the cycle is not of months."""
        return _CYCLE_MONTHS.get(self)


_CYCLE_MONTHS = {
    BillingCycle.MONTHLY: 1,
    BillingCycle.BIMONTHLY: 2,
    BillingCycle.QUARTERLY: 3,
    BillingCycle.SEMIANNUAL: 6,
    BillingCycle.ANNUAL: 12,
    BillingCycle.BIENNIAL: 24,
    BillingCycle.TRIENNIAL: 36,
}


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` up to, not including, `end`.

    Args:
        start: First day.
        end: First day after the period; must lie after `start`.
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        for value in (self.start, self.end):
            if isinstance(value, datetime):
                msg = "a period is made of dates, not of moments"
                raise TypeError(msg)
        if self.end <= self.start:
            msg = f"period ends on {self.end}, not after its start {self.start}"
            raise ValueError(msg)

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        """The last day that belongs to the period."""
        return self.end - timedelta(days=1)

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end


def require_aware(value: datetime | None, name: str) -> None:
    """Raise `ValueError` when `value` is a moment without a time zone."""
    if value is not None and value.tzinfo is None:
        msg = f"{name} must carry a time zone"
        raise ValueError(msg)
