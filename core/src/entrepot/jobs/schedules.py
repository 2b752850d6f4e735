"""Rules that submit runs again and again. A tick's run id is its rule and its time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger  # type: ignore[import-untyped]  # ships no types
from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]  # ships no types
from apscheduler.triggers.interval import IntervalTrigger  # type: ignore[import-untyped]  # ships no types
from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from entrepot.jobs.plain import JsonDict, as_json
from entrepot.jobs.queues import SCHEDULED
from entrepot.jobs.submit import RunRef
from entrepot.jobs.tables import ScheduleRow, ScheduleVersion
from entrepot.sdk.context import Clock
from entrepot.store.base import SYSTEM_TENANT
from entrepot.store.scope import SystemScope, TenantScope
from entrepot.store.unit import Store

if TYPE_CHECKING:
    from entrepot.jobs.facade import Jobs

ANCHOR = datetime(2020, 1, 1, tzinfo=UTC)
LOOK_BACK = timedelta(days=32)
_SCOPE = SystemScope("clock")


class ScheduleInvalid(ValueError):
    """A schedule that can never fire as meant; the text names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One rule.

    Attributes:
        id: Stable; part of every run id it makes.
        job: Registered name.
        tenant_id: Reseller; the system's own for upkeep.
        args: Plain JSON.
        connection_id: Connection, or None.
        stream: With the connection: one active run of both at a time.
        partition: As in `Submission`.
        every_seconds: Period, or None when `cron` is given.
        cron: Five fields, or None when `every_seconds` is given.
        zone: Time zone of `cron`.
        priority: See `entrepot.jobs.queues`.
        enabled: Whether it fires.
        last_tick: Time of the latest tick that was submitted, or None.
        last_run: Run that the latest tick started or joined, or None.
        created_at: Ticks before this are never caught up; None: now.
    """

    id: str
    job: str
    tenant_id: str = SYSTEM_TENANT
    args: JsonDict = field(default_factory=dict)
    connection_id: str | None = None
    stream: str | None = None
    partition: str | None = None
    every_seconds: int | None = None
    cron: str | None = None
    zone: str = "UTC"
    priority: int = SCHEDULED
    enabled: bool = True
    last_tick: datetime | None = None
    last_run: str | None = None
    created_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a rule with no period, with two, or with one that cannot be read."""
        if (self.every_seconds is None) == (self.cron is None):
            raise ScheduleInvalid("Give either every_seconds or cron.")
        if self.every_seconds is not None and self.every_seconds < 1:
            raise ScheduleInvalid("every_seconds: must be at least 1.")
        if self.cron is not None:
            try:
                CronTrigger.from_crontab(self.cron, timezone=ZoneInfo(self.zone))
            except (ValueError, KeyError) as error:
                raise ScheduleInvalid(f"cron, zone: {error}.") from error

    def offset(self) -> int:
        """Return the seconds by which an interval is shifted, stable per rule.

        Spreads load without jitter: every replica computes the same ticks.
        """
        if self.every_seconds is None:
            return 0
        digest = hashlib.sha256(self.id.encode()).digest()
        return int.from_bytes(digest[:8]) % self.every_seconds

    def trigger(self) -> BaseTrigger:
        """Return the rule as the clock wants it."""
        if self.every_seconds is None:
            return CronTrigger.from_crontab(self.cron, timezone=ZoneInfo(self.zone))
        return IntervalTrigger(
            seconds=self.every_seconds,
            start_date=ANCHOR + timedelta(seconds=self.offset()),
            timezone=UTC,
        )

    def latest_tick(self, now: datetime) -> datetime | None:
        """Return the latest moment up to `now` at which it fires.

        Returns:
            The moment in UTC, or None when there is none in the last 32 days.
        """
        if self.every_seconds is not None:
            start = ANCHOR + timedelta(seconds=self.offset())
            periods = (now - start) // timedelta(seconds=self.every_seconds)
            return start + periods * timedelta(seconds=self.every_seconds)
        trigger, latest = self.trigger(), None
        moment = max(self.last_tick or now - LOOK_BACK, now - LOOK_BACK)
        due: datetime | None = trigger.get_next_fire_time(None, moment)
        while due is not None and due <= now:
            latest = due.astimezone(UTC)
            due = trigger.get_next_fire_time(due, due + timedelta(microseconds=1))
        return latest


def tick_id(schedule_id: str, due: datetime) -> str:
    """Return the id of the run of one tick."""
    return f"tick:{schedule_id}:{due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


_FIELDS = list(Schedule.__slots__)


class Schedules:
    """The rules of one database.

    Args:
        store: The hub's database.
        jobs: For submitting ticks.
        clock: Time.
    """

    def __init__(self, store: Store, jobs: Jobs, clock: Clock) -> None:
        self._store = store
        self._jobs = jobs
        self._clock = clock

    def put(self, session: Session, schedule: Schedule) -> None:
        """Create or replace a rule in the caller's unit; keeps when it last fired.

        Raises:
            UnknownJob: No such job.
        """
        self._jobs.registry.get(schedule.job)
        values = {name: getattr(schedule, name) for name in _FIELDS}
        values["args"] = as_json(schedule.args, f"arguments of {schedule.id}")
        row = session.execute(
            select(ScheduleRow).where(
                ScheduleRow.tenant_id == schedule.tenant_id,
                ScheduleRow.id == schedule.id,
            )
        ).scalar_one_or_none()
        if row is None:
            values["created_at"] = schedule.created_at or self._clock.now()
            session.add(ScheduleRow(**values))
        else:
            for name in set(values) - {"id", "created_at", "last_tick", "last_run"}:
                setattr(row, name, values[name])
        session.flush()
        _bump(session)

    def remove(self, session: Session, tenant_id: str, schedule_id: str) -> None:
        """Delete a rule in the caller's unit; does nothing when there is none."""
        session.execute(
            delete(ScheduleRow).where(
                ScheduleRow.tenant_id == tenant_id, ScheduleRow.id == schedule_id
            )
        )
        _bump(session)

    def rules(self, tenant_id: str | None = None) -> list[Schedule]:
        """Return the rules of one reseller, or of all, by id."""
        query = select(ScheduleRow).order_by(ScheduleRow.id)
        if tenant_id is not None:
            query = query.where(ScheduleRow.tenant_id == tenant_id)
        scope = TenantScope(tenant_id) if tenant_id else _SCOPE
        with self._store.read(scope) as session:
            rows = session.execute(query).scalars().all()
            return [
                Schedule(**{name: getattr(row, name) for name in _FIELDS})
                for row in rows
            ]

    def version(self) -> int:
        """Return a number that grows with every change of any rule."""
        with self._store.read(_SCOPE) as session:
            found = session.execute(
                select(ScheduleVersion.version).where(ScheduleVersion.id == 1)
            ).scalar_one_or_none()
        return found or 0

    def submit_tick(self, schedule: Schedule, due: datetime) -> RunRef:
        """Submit the run of one tick in a unit of its own.

        Returns:
            The run; joined when another replica was first or the connection is busy.
        """
        with self._store.unit(TenantScope(schedule.tenant_id)) as session:
            ref = self._jobs.submit(
                session,
                schedule.job,
                run_id=tick_id(schedule.id, due),
                args=schedule.args,
                partition=schedule.partition,
                priority=schedule.priority,
                connection_id=schedule.connection_id,
                stream=schedule.stream,
                requested_by="schedule",
                cause="tick",
            )
            session.execute(
                update(ScheduleRow)
                .where(
                    ScheduleRow.tenant_id == schedule.tenant_id,
                    ScheduleRow.id == schedule.id,
                    or_(ScheduleRow.last_tick.is_(None), ScheduleRow.last_tick < due),
                )
                .values(last_tick=due, last_run=ref.run_id)
                .execution_options(synchronize_session=False)
            )
        return ref

    def catch_up(self) -> list[RunRef]:
        """Submit the latest tick of each rule that was missed while all were down."""
        now = self._clock.now()
        return [
            self.submit_tick(schedule, due)
            for schedule in self.rules()
            if schedule.enabled and (due := _missed(schedule, now)) is not None
        ]


def _missed(schedule: Schedule, now: datetime) -> datetime | None:
    due = schedule.latest_tick(now)
    since = schedule.last_tick or schedule.created_at
    return due if due is not None and since is not None and due > since else None


def _bump(session: Session) -> None:
    dialect = session.get_bind().dialect.name
    build = postgresql_insert if dialect == "postgresql" else sqlite_insert
    session.execute(
        build(ScheduleVersion.__table__)  # type: ignore[arg-type]  # a Table
        .values(id=1, version=1)
        .on_conflict_do_update(
            index_elements=["id"], set_={"version": ScheduleVersion.version + 1}
        )
    )
