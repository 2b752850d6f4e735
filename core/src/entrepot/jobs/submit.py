"""Submitting: the caller's rows, the run and the engine's row commit together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from entrepot.jobs.engine import EngineClient
from entrepot.jobs.errors import JobsError
from entrepot.jobs.plain import JsonDict, as_json
from entrepot.jobs.queues import BY_NAME, SCHEDULED
from entrepot.jobs.registry import JobKind, JobRegistry
from entrepot.jobs.tables import JobReread, JobRun
from entrepot.sdk.context import Clock
from entrepot.store.base import SYSTEM_TENANT
from entrepot.store.scope import TenantScope
from entrepot.store.unit import scope_of

_TRIES = 5


@dataclass(frozen=True, slots=True)
class RunRef:
    """A submitted run.

    Attributes:
        run_id: Id of the run that does the work.
        joined: Whether it was there already.
    """

    run_id: str
    joined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Everything about a run that is to be.

    Attributes:
        job: Registered name.
        run_id: Derived from the business fact: the same id is accepted once.
        args: Plain JSON, no secrets, no records.
        tenant_id: Reseller; None takes the scope's.
        partition: Runs of one partition follow each other; None takes the
            connection, where the queue has partitions.
        priority: 1 is served first; see `entrepot.jobs.queues`.
        delay: Seconds before it may start, or None.
        connection_id: Connection it works on, or None.
        stream: With the connection: at most one active run of both together.
        exclusive: Another key of which only one active run may exist, or None.
        subject: What it is about, for lists.
        requested_by: Actor, for lists.
        cause: Button, tick, webhook, API; for lists.
        concern: What a run that is joined shall read again; None: nothing.
        outages: How many runs before this one ended with a passing error.
    """

    job: str
    run_id: str
    args: JsonDict
    tenant_id: str | None = None
    partition: str | None = None
    priority: int = SCHEDULED
    delay: float | None = None
    connection_id: str | None = None
    stream: str | None = None
    exclusive: str | None = None
    subject: str | None = None
    requested_by: str | None = None
    cause: str | None = None
    concern: JsonDict | None = None
    outages: int = 0


def exclusive_key(wanted: Submission) -> str | None:
    """Return the key of which one active run may exist, or None."""
    if wanted.exclusive is not None:
        return wanted.exclusive
    if wanted.connection_id is None or wanted.stream is None:
        return None
    return f"{wanted.connection_id}/{wanted.stream}"


class Submitter:
    """Writes runs in the caller's unit of work.

    Args:
        registry: The known jobs.
        client: The engine's writing half.
        clock: Time of `created_at`.
    """

    def __init__(
        self, registry: JobRegistry, client: EngineClient, clock: Clock
    ) -> None:
        self._registry = registry
        self._client = client
        self._clock = clock

    def submit(self, session: Session, wanted: Submission) -> RunRef:
        """Submit a run, or join the one that does the same already.

        A run that is joined while it waits for its delay is replaced, so that a
        person's click never waits for a schedule of retries.

        Raises:
            UnknownJob: No such job.
            NotJson: The arguments are not plain JSON.
            JobsError: The queue needs a partition and none was given.
        """
        kind = self._registry.get(wanted.job)
        row = self._row(session, kind, wanted)
        for _ in range(_TRIES):
            if _insert_ignore(session, row):
                self._client.enqueue(
                    session,
                    kind,
                    wanted.run_id,
                    {
                        "tenant": row["tenant_id"],
                        "args": row["args"],
                        "outages": wanted.outages,
                    },
                    partition=row["partition"],
                    priority=wanted.priority,
                    delay=wanted.delay,
                )
                return RunRef(wanted.run_id)
            joined = self._join(session, row, wanted)
            if joined is not None:
                return RunRef(joined, joined=True)
        raise JobsError(f"Run {wanted.run_id} could be neither created nor joined.")

    def _row(
        self, session: Session, kind: JobKind, wanted: Submission
    ) -> dict[str, Any]:
        now = self._clock.now()
        return {
            "id": wanted.run_id,
            "tenant_id": wanted.tenant_id or _tenant_of(session),
            "kind": kind.name,
            "queue": kind.queue,
            "partition": _partition(kind, wanted),
            "connection_id": wanted.connection_id,
            "stream": wanted.stream,
            "exclusive_key": exclusive_key(wanted),
            "subject": wanted.subject,
            "requested_by": wanted.requested_by,
            "cause": wanted.cause,
            "priority": wanted.priority,
            "args": as_json(wanted.args, f"arguments of {kind.name}"),
            "state": "queued",
            "attempt": 1,
            "recovered": 0,
            "created_at": now,
            "touched_at": now,
            "not_before": _not_before(now, wanted.delay),
            "retryable": False,
            "cancel_requested": False,
            "has_effects": False,
            "phase_done": 0,
            "done": 0,
        }

    def _join(
        self, session: Session, row: dict[str, Any], wanted: Submission
    ) -> str | None:
        same = session.execute(
            select(JobRun.id).where(
                JobRun.tenant_id == row["tenant_id"], JobRun.id == row["id"]
            )
        ).scalar_one_or_none()
        if same is not None:
            return same
        # The lock keeps the run from closing before the concern is written.
        active = session.execute(
            select(JobRun.id, JobRun.state, JobRun.not_before)
            .where(
                JobRun.tenant_id == row["tenant_id"],
                JobRun.exclusive_key == row["exclusive_key"],
                JobRun.ended_at.is_(None),
            )
            .with_for_update()
        ).one_or_none()
        if active is None:
            return None
        if _still_delayed(active, row["created_at"]) and wanted.delay is None:
            self._supersede(session, row["tenant_id"], active.id)
            return None
        if wanted.concern is not None:
            self._ask_again(session, active.id, row["tenant_id"], wanted)
        return str(active.id)

    def _supersede(self, session: Session, tenant_id: str, run_id: str) -> None:
        now = self._clock.now()
        session.execute(
            update(JobRun)
            .where(JobRun.tenant_id == tenant_id, JobRun.id == run_id)
            .values(state="superseded", ended_at=now, touched_at=now)
            .execution_options(synchronize_session=False)
        )

    def _ask_again(
        self, session: Session, run_id: str, tenant_id: str, wanted: Submission
    ) -> None:
        session.add(
            JobReread(
                run_id=run_id,
                tenant_id=tenant_id,
                concern=as_json(wanted.concern, "concern"),
                requested_by=wanted.requested_by,
                created_at=self._clock.now(),
            )
        )
        session.flush()


def _insert_ignore(session: Session, row: dict[str, Any]) -> bool:
    """Insert unless it is there; an exception would abort the caller's work."""
    dialect = session.get_bind().dialect.name
    insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    statement = (
        insert(JobRun.__table__)  # type: ignore[arg-type]  # a Table at run time
        .values(row)
        .on_conflict_do_nothing()
        .returning(JobRun.__table__.c.id)
    )
    return session.execute(statement).first() is not None


def _tenant_of(session: Session) -> str:
    scope = scope_of(session)
    return scope.tenant_id if isinstance(scope, TenantScope) else SYSTEM_TENANT


def _partition(kind: JobKind, wanted: Submission) -> str | None:
    if BY_NAME[kind.queue].per_partition is None:
        return None
    partition = wanted.partition or wanted.connection_id
    if partition is None:
        raise JobsError(
            f"Job {kind.name} runs on queue {kind.queue}, which is partitioned: "
            "pass partition or connection_id."
        )
    return partition


def _not_before(now: datetime, delay: float | None) -> datetime | None:
    return None if delay is None else now + timedelta(seconds=delay)


def _still_delayed(active: Any, now: datetime) -> bool:  # noqa: ANN401  # a row
    if active.state != "queued" or active.not_before is None:
        return False
    return bool(active.not_before > now)
