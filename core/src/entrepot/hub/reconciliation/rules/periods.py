"""Level 2: what closed periods, and the open one, are or will be billed wrongly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from entrepot.hub.reconciliation.rules.issues import make, texts
from entrepot.hub.reconciliation.rules.kinds import Kind
from entrepot.hub.reconciliation.rules.lock import period_of
from entrepot.hub.reconciliation.rules.numbers import money
from entrepot.hub.reconciliation.rules.policy import Owner
from entrepot.hub.reconciliation.rules.records import ZERO
from entrepot.hub.reconciliation.rules.results import Issue
from entrepot.hub.reconciliation.rules.timeline import expect
from entrepot.hub.reconciliation.rules.view import View, average_price
from entrepot.sdk.model import Period

_DAY = timedelta(days=1)
_OLDEST = 36


@dataclass(frozen=True, slots=True)
class Gap:
    """Expected minus billed of one period.

    Attributes:
        largest: Largest difference of one day, for the tolerance of one day.
        amount: Unrounded money; None when no price is known.
    """

    period: Period
    unit_days: Decimal
    largest: Decimal
    amount: Decimal | None
    since: date | None


def closed_gaps(view: View) -> tuple[list[Issue], Decimal]:
    """Gaps of the eligible closed periods, and the money of older ones."""
    issues: list[Issue] = []
    older = ZERO
    for count, period in enumerate(_closed_periods(view)):
        gap = _gap(view, period, lambda day: _billed(view, day))
        settled = _settled(view, period)
        days = gap.unit_days - settled[0]
        if days == 0 or _within_a_day(gap, days):
            continue
        amount = None if gap.amount is None else gap.amount - settled[1]
        if count >= view.case.rule.max_backdate_periods:
            older += money(amount or ZERO)
        else:
            issues.append(_issue(view, Kind.PERIOD_GAP, gap, days, amount))
    return issues, older


def open_gap(view: View) -> Issue | None:
    """The open period would be billed for other unit-days than expected."""
    gap = _open(view)
    if gap is None or gap.unit_days == 0 or _within_a_day(gap, gap.unit_days):
        return None
    return _issue(view, Kind.OPEN_PERIOD_GAP, gap, gap.unit_days, gap.amount)


def open_amount(view: View) -> Decimal | None:
    """Money of the open period when a change inside it is not reflected yet."""
    lock, changed = view.case.lock, view.changed_from
    if not lock.known or changed is None:
        return None
    if not lock.first_open < changed <= lock.open_last:
        return None
    gap = _open(view)
    return None if gap is None or gap.amount is None else money(gap.amount)


def _open(view: View) -> Gap | None:
    lock, agreement = view.case.lock, view.case.target
    if not lock.known or agreement is None:
        return None
    period = Period(lock.first_open, lock.open_last + _DAY)
    return _gap(view, period, lambda day: _projected(view, day))


def _closed_periods(view: View) -> Iterator[Period]:
    lock, agreement = view.case.lock, view.case.target
    if not lock.known or lock.through is None or agreement is None:
        return
    start, last = view.starts, lock.through
    for _ in range(_OLDEST):
        if start is None or last < start or last < agreement.starts:
            return
        period = period_of(agreement, last)
        yield period
        last = period.start - _DAY


def _billed(view: View, day: date) -> Decimal:
    """Units billed on a closed day: a replay of the lines as they were then."""
    total = ZERO
    for line in (*view.case.lines, *view.case.outside):
        agreement = view.books.agreements.get(line.agreement)
        lived = agreement is None or agreement.ends is None or day <= agreement.ends
        if lived:
            total += line.net_on(day)
    return total


def _projected(view: View, day: date) -> Decimal:
    """Units the coming invoice would bill: the lines as they are now."""
    return view.net_on(day)


def _gap(view: View, period: Period, billed: Callable[[date], Decimal]) -> Gap:
    unit_days, largest, amount = ZERO, ZERO, ZERO
    known, since = True, None
    for offset in range(period.days):
        day = period.start + _DAY * offset
        expected = expect(view.books, view.case, day)
        delta = expected.quantity - billed(day)
        if delta == 0:
            continue
        since = since or day
        price = expected.price
        if price is None:
            price = average_price(view.active or view.case.lines)
        if price is None or expected.quote.problems:
            known, price = False, ZERO
        unit_days += delta
        largest = max(largest, abs(delta))
        amount += delta * price / period.days
    return Gap(period, unit_days, largest, amount if known else None, since)


def _within_a_day(gap: Gap, unit_days: Decimal) -> bool:
    """The tolerance of one day: vendors and PSA systems count days differently."""
    return abs(unit_days) <= gap.largest


def _settled(view: View, period: Period) -> tuple[Decimal, Decimal]:
    days, amount = ZERO, ZERO
    for one in view.books.inputs.psa.settled:
        same = (one.agreement, one.product) == (
            view.case.key.agreement,
            view.case.key.product,
        )
        if same and one.period_start == period.start:
            days, amount = days + one.unit_days, amount + one.amount
    return days, amount


def _issue(
    view: View, kind: Kind, gap: Gap, days: Decimal, amount: Decimal | None
) -> Issue:
    none = view.case.rule.proration_owner is Owner.NONE
    return make(
        kind,
        view.case.key,
        field="unit_days",
        subject=gap.period.start.isoformat(),
        expected=texts(period=f"{gap.period.start}…{gap.period.last_day}"),
        actual=texts(unit_days=days),
        unit_days=days,
        impact_recurring=ZERO,
        impact_once=amount,
        currency=view.currency,
        reason="not_charged_by_policy" if none else "",
        subscriptions=view.subscriptions,
        changes_from=gap.since,
    )
