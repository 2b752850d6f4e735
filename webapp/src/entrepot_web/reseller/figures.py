"""What the dashboard counts: every figure by one statement over an index or a sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from entrepot.hub.customers.tables import Customer
from entrepot.hub.reconciliation.rules.kinds import CATALOGUE, Kind
from entrepot.hub.reconciliation.rules.lifecycle import SILENT
from entrepot.hub.reconciliation.tables import ReconIssue, ReconRun
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.hub.sync.tables import SyncRun
from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from entrepot_web.charts import Line, Part, lines, stack

SOON = timedelta(days=30)
TREND = timedelta(days=30)
WEEKS = 8
_SILENT = sorted(str(state) for state in SILENT)


@dataclass(frozen=True, slots=True)
class Books:
    """What is in the books."""

    customers: int
    active: int
    renewing: int
    expiring: int


def books(session: Session, now: datetime) -> Books:
    """Return how much is in the books, and what ends within thirty days."""
    customers = session.scalar(
        select(func.count()).select_from(Customer).where(Customer.state == "active")
    )
    row = SubscriptionRow
    soon = and_(row.term_end >= now, row.term_end < now + SOON)
    found = session.execute(
        select(
            func.count(),
            func.count().filter(soon, row.auto_renew.is_(True)),
            func.count().filter(soon, row.auto_renew.is_(False)),
        ).where(row.status == "active")
    ).one()
    return Books(customers or 0, *found)


@dataclass(frozen=True, slots=True)
class Amountless:
    """Open differences of one kind that no sum of money holds."""

    kind: str
    title: str
    count: int


def amountless(session: Session) -> Sequence[Amountless]:
    """Return the open differences without any amount, by kind, most first.

    Customers that are mapped to nobody are among them: what they cost can't be said,
    which is no reason to leave them out.
    """
    row = ReconIssue
    without = and_(
        *(
            or_(amount.is_(None), amount == Decimal(0))
            for amount in (row.impact_recurring, row.impact_once, row.cost_impact)
        )
    )
    query = (
        select(row.kind, func.count().label("issues"))
        .where(row.is_open.is_(True), row.state.not_in(_SILENT), without)
        .group_by(row.kind)
        .order_by(func.count().desc(), row.kind)
    )
    return [
        Amountless(one.kind, CATALOGUE[Kind(one.kind)].title, one.issues)
        for one in session.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class Week:
    """What ends in one week.

    Attributes:
        first: Its first day.
        last: Its last day.
        parts: The bar: what renews, then what expires.
    """

    first: date
    last: date
    renewing: int
    expiring: int
    parts: Sequence[Part]


def weeks_ahead(session: Session, today: date, start: datetime) -> Sequence[Week]:
    """Return the terms that end in each of the next eight weeks.

    Args:
        session: The unit's.
        today: The first day of the first week, in the reader's zone.
        start: Where that day begins.
    """
    row = SubscriptionRow
    bounds = [start + timedelta(weeks=at) for at in range(WEEKS + 1)]
    at = case(
        *((row.term_end < bound, index) for index, bound in enumerate(bounds[1:])),
        else_=WEEKS,
    ).label("week")
    query = (
        select(
            at,
            func.count().filter(row.auto_renew.is_(True)).label("renewing"),
            func.count().filter(row.auto_renew.is_not(True)).label("expiring"),
        )
        .where(
            row.status == "active",
            row.term_end >= bounds[0],
            row.term_end < bounds[-1],
        )
        .group_by(at)
    )
    found = {one.week: one for one in session.execute(query)}
    counted = [
        (one.renewing, one.expiring) if (one := found.get(index)) else (0, 0)
        for index in range(WEEKS)
    ]
    top = max(map(sum, counted))
    return [
        Week(
            first=today + timedelta(weeks=index),
            last=today + timedelta(weeks=index, days=6),
            renewing=renewing,
            expiring=expiring,
            parts=stack((renewing, expiring), top),
        )
        for index, (renewing, expiring) in enumerate(counted)
    ]


@dataclass(frozen=True, slots=True)
class Moment:
    """Open money at the end of one comparison."""

    run_id: str
    at: datetime
    under: Decimal
    over: Decimal


@dataclass(frozen=True, slots=True)
class Trend:
    """How open money of one currency developed; the two are never netted."""

    currency: str
    moments: Sequence[Moment]
    lines: Sequence[Line]
    top: Decimal


def trends(session: Session, now: datetime) -> Sequence[Trend]:
    """Return a trend per currency: the last full comparison of each day of a month.

    Several PSA connections are added day by day; one that wasn't compared on a day
    keeps its last known amount.
    """
    row = ReconRun
    query = (
        select(row.id, row.psa_connection_id, row.ended_at, row.totals)
        .where(
            row.scope == "all",
            row.ended_at > now - TREND,
            row.state.in_(("ok", "partial")),
        )
        .order_by(row.ended_at)
    )
    by_day: dict[date, tuple[str, datetime, dict[str, tuple[Decimal, Decimal]]]] = {}
    standing: dict[str, Mapping[str, tuple[Decimal, Decimal]]] = {}
    for run in session.execute(query):
        standing[run.psa_connection_id] = _amounts(run.totals)
        by_day[run.ended_at.date()] = (run.id, run.ended_at, _added(standing))
    currencies = sorted({one for *_, sums in by_day.values() for one in sums if one})
    return [_trend(currency, list(by_day.values())) for currency in currencies]


def _amounts(totals: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Decimal, Decimal]]:
    return {
        one["currency"]: (Decimal(one["under"]), Decimal(one["over"])) for one in totals
    }


def _added(
    standing: Mapping[str, Mapping[str, tuple[Decimal, Decimal]]],
) -> dict[str, tuple[Decimal, Decimal]]:
    zero, sums = Decimal(0), dict[str, tuple[Decimal, Decimal]]()
    for amounts in standing.values():
        for currency, (under, over) in amounts.items():
            first, second = sums.get(currency, (zero, zero))
            sums[currency] = (first + under, second + over)
    return sums


def _trend(currency: str, days: Sequence[tuple[str, datetime, Any]]) -> Trend:
    zero = (Decimal(0), Decimal(0))
    moments = [
        Moment(run_id, at, *sums.get(currency, zero)) for run_id, at, sums in days
    ]
    drawn = lines(
        [
            ("under", [one.under for one in moments]),
            ("over", [one.over for one in moments]),
        ]
    )
    top = max(max(one.under, one.over) for one in moments)
    return Trend(currency, moments, drawn, top)


@dataclass(frozen=True, slots=True)
class Health:
    """How the readings of one connection went in the last week."""

    connection_id: str
    complete: int
    troubled: int
    last_at: datetime | None


def health(session: Session, now: datetime) -> Mapping[str, Health]:
    """Return by connection how its readings of the last seven days went."""
    row = SyncRun
    query = (
        select(
            row.connection_id,
            func.count().filter(row.state == "complete").label("complete"),
            func.count().filter(row.state.in_(("failed", "incomplete"))).label("bad"),
            func.max(case((row.state == "complete", row.ended_at))).label("at"),
        )
        .where(row.created_at > now - timedelta(days=7), row.ended_at.is_not(None))
        .group_by(row.connection_id)
    )
    return {
        one.connection_id: Health(one.connection_id, one.complete, one.bad, one.at)
        for one in session.execute(query)
    }
