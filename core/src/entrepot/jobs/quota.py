"""Request budgets, held in the database and taken in small leases.

A bucket is one row and a lease is one statement, so any number of processes on
either database share one budget. The row stores a single moment: when everything
handed out so far will have been earned at the steady rate. What is not used of a
lease is lost; that is the price of asking seldom.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import case, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from entrepot.jobs.outlast import outlast
from entrepot.jobs.tables import QuotaBucket
from entrepot.sdk.context import Clock
from entrepot.store.scope import SystemScope
from entrepot.store.unit import Store

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCOPE = SystemScope("quota")
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a vendor allows.

    Attributes:
        requests: So many requests …
        seconds: … in so many seconds.
        burst: How many may be sent at once after a quiet time; at least 1.
    """

    requests: int
    seconds: float
    burst: int = 1

    def __post_init__(self) -> None:
        """Refuse budgets that allow nothing."""
        if self.requests < 1 or self.seconds <= 0 or self.burst < 1:
            raise ValueError("A budget needs requests, seconds and burst above zero.")

    @property
    def interval(self) -> int:
        """Microseconds in which one request is earned, rounded up."""
        return max(1, math.ceil(self.seconds * 1_000_000 / self.requests))

    def share(self, part: float) -> Allowance:
        """Return a part of this budget, for a kind of work that must never wait."""
        return Allowance(
            requests=self.requests,
            seconds=self.seconds / part,
            burst=max(1, int(self.burst * part)),
        )


@dataclass(frozen=True, slots=True)
class Lease:
    """Permission for some requests.

    Attributes:
        count: How many, by their cost.
        wait_until: Not before this moment.
    """

    count: float
    wait_until: datetime


class QuotaStore:
    """The buckets of one database.

    Args:
        store: The hub's database.
        clock: Time; all processes' clocks must agree within a second or so.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def take(self, key: str, count: float, budget: Allowance) -> Lease:
        """Take permission for `count` requests.

        Args:
            key: The quota key, made unique by reseller and connection.
            count: How many, by their cost; more than the burst wait longer.
            budget: What the vendor allows for this key.

        Returns:
            The lease; sleep until its moment before the first request.
        """
        now = _micro(self._clock.now())
        cost = math.ceil(count * budget.interval)

        def write(session: Session) -> Any:  # noqa: ANN401  # a row
            bucket = QuotaBucket
            later = case((bucket.owed_until > now, bucket.owed_until), else_=now)
            return session.execute(
                update(bucket)
                .where(bucket.key == key)
                .values(owed_until=later + cost, taken=bucket.taken + math.ceil(count))
                .returning(bucket.owed_until, bucket.paused_until)
                .execution_options(synchronize_session=False)
            ).first()

        row = self._unit(write)
        if row is None:
            self._create(key)
            row = self._unit(write)
        earliest = row.owed_until - budget.burst * budget.interval
        return Lease(count, _moment(max(earliest, row.paused_until, now)))

    def pause(self, key: str, until: datetime) -> None:
        """Hold the key back for everybody, as the vendor asked; never shortens."""
        end = _micro(until)

        def write(session: Session) -> bool:
            bucket = QuotaBucket
            return (
                session.execute(
                    update(bucket)
                    .where(bucket.key == key)
                    .values(
                        paused_until=_later(bucket.paused_until, end),
                        # Earned anew from there on: no burst right after a pause.
                        owed_until=_later(bucket.owed_until, end),
                    )
                    .returning(bucket.key)
                    .execution_options(synchronize_session=False)
                ).first()
                is not None
            )

        if not self._unit(write):
            self._create(key)
            self._unit(write)

    def paused_until(self, key: str) -> datetime | None:
        """Return until when the key is held back, or None when it is not."""
        with self._store.read(_SCOPE) as session:
            end = session.execute(
                select(QuotaBucket.paused_until).where(QuotaBucket.key == key)
            ).scalar_one_or_none()
        if end is None or end <= _micro(self._clock.now()):
            return None
        return _moment(end)

    def taken(self, key: str) -> int:
        """Return how many requests were ever granted; 0 for an unknown key."""
        with self._store.read(_SCOPE) as session:
            found = session.execute(
                select(QuotaBucket.taken).where(QuotaBucket.key == key)
            ).scalar_one_or_none()
        return found or 0

    def owed_seconds(self, key: str) -> float:
        """Return for how long what was granted is still being earned; 0 when idle."""
        with self._store.read(_SCOPE) as session:
            owed = session.execute(
                select(QuotaBucket.owed_until).where(QuotaBucket.key == key)
            ).scalar_one_or_none()
        ahead = (owed or 0) - _micro(self._clock.now())
        return max(0, ahead) / 1_000_000

    def _create(self, key: str) -> None:
        def write(session: Session) -> None:
            dialect = session.get_bind().dialect.name
            build = postgresql_insert if dialect == "postgresql" else sqlite_insert
            session.execute(
                build(QuotaBucket.__table__)  # type: ignore[arg-type]  # a Table
                .values(key=key, owed_until=0, paused_until=0, taken=0)
                .on_conflict_do_nothing()
            )

        self._unit(write)

    def _unit(self, work: Callable[[Session], T]) -> T:
        def once() -> T:
            with self._store.unit(_SCOPE) as session:
                return work(session)

        return outlast(once)


def _later(column: Any, moment: int) -> Any:  # noqa: ANN401  # SQL expressions
    return case((column > moment, column), else_=moment)


def _micro(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(micro: int) -> datetime:
    return _EPOCH + micro * _MICROSECOND
