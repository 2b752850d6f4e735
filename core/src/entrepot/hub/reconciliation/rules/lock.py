"""The period lock: what is invoiced, and what the next invoice covers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from entrepot.hub.reconciliation.rules.psa_records import Agreement
from entrepot.sdk.model import BillingCycle, BillingMode, Period, PeriodAnchor
from entrepot.sdk.model.time import add_months

_DAY = timedelta(days=1)
_WEEKS = {BillingCycle.WEEKLY: 7, BillingCycle.BIWEEKLY: 14}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Where an agreement stands between invoiced and not invoiced.

    Attributes:
        known: False = read-only; the other days then only place `horizon`.
        through: Last invoiced day (L); None = nothing invoiced or not known.
        first_open: First un-invoiced day (H0).
        open_last: Last day of the period that contains `first_open` (E0).
        horizon: Day on which recurring comparison takes place.
        mode: Whether periods are invoiced before or after they run.
    """

    known: bool
    through: date | None
    first_open: date
    open_last: date
    horizon: date
    mode: BillingMode


def period_of(agreement: Agreement, day: date) -> Period:
    """The billing period that contains `day`.

    Counted from the agreement's start (contract) or from calendar months. A cycle
    that isn't recurring counts as monthly, so that a day always has a period.
    """
    width = _WEEKS.get(agreement.billing_cycle)
    if width is not None:
        gone = (day - agreement.starts).days // width
        start = agreement.starts + timedelta(days=gone * width)
        return Period(start, start + timedelta(days=width))
    months = agreement.billing_cycle.months or 1
    if agreement.anchor is PeriodAnchor.CONTRACT:
        return _contract_period(agreement.starts, months, day)
    first = (day.month - 1) // months * months + 1 if months <= 12 else 1
    start = date(day.year - (day.year - 2000) % max(months // 12, 1), first, 1)
    return Period(start, add_months(start, months))


def _contract_period(anchor: date, months: int, day: date) -> Period:
    gone = (day.year - anchor.year) * 12 + day.month - anchor.month
    count = gone // months
    # A short month may pull the boundary in front of or behind the guess.
    while add_months(anchor, count * months) > day:
        count -= 1
    while add_months(anchor, (count + 1) * months) <= day:
        count += 1
    start = add_months(anchor, count * months)
    return Period(start, add_months(anchor, (count + 1) * months))


def is_recurring(agreement: Agreement) -> bool:
    """Whether its cycle repeats, so that a lock can exist at all."""
    cycle = agreement.billing_cycle
    return cycle.months is not None or cycle in _WEEKS


def lock_of(agreement: Agreement, mode: BillingMode, as_of: date) -> Lock:
    """The lock of an agreement.

    Args:
        agreement: With what the PSA says about invoiced periods.
        mode: The user's rule; UNKNOWN = as the agreement says. An agreement that is
            invoiced beyond `as_of` evidently bills in advance.
        as_of: The day of the comparison.
    """
    known = agreement.lock_known and is_recurring(agreement)
    if not known:
        here = period_of(agreement, as_of)
        return Lock(
            known=False,
            through=None,
            first_open=here.start,
            open_last=here.last_day,
            horizon=as_of,
            mode=mode,
        )
    through = agreement.locked_through
    first_open = agreement.starts if through is None else through + _DAY
    return Lock(
        known=True,
        through=through,
        first_open=first_open,
        open_last=period_of(agreement, first_open).last_day,
        horizon=max(as_of, first_open),
        mode=_mode(agreement, mode, as_of),
    )


def _mode(agreement: Agreement, ruled: BillingMode, as_of: date) -> BillingMode:
    if ruled is not BillingMode.UNKNOWN:
        return ruled
    if agreement.billing_mode is not BillingMode.UNKNOWN:
        return agreement.billing_mode
    through = agreement.locked_through
    ahead = through is not None and through >= as_of
    return BillingMode.ADVANCE if ahead else BillingMode.UNKNOWN


def is_period_end(agreement: Agreement, day: date) -> bool:
    """Whether `day` is the last day of one of the agreement's periods."""
    return period_of(agreement, day).last_day == day


def is_one_time(agreement: Agreement | None, starts: date, ends: date | None) -> bool:
    """Whether inclusive dates lie inside one period: a charge that never recurs."""
    if agreement is None or ends is None:
        return False
    return ends < period_of(agreement, starts).end
