"""Starting, watching and scheduling sync runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from entrepot.hub.connections.views import ConnectionView
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.sync.ahead import ReadAhead
from entrepot.hub.sync.hints import rides_along
from entrepot.hub.sync.steps import SyncSteps, insert_run
from entrepot.hub.sync.tables import SyncMemory, SyncRun, SyncScope
from entrepot.jobs.facade import Jobs
from entrepot.jobs.queues import INTERACTIVE, REQUESTED
from entrepot.jobs.schedules import Schedule
from entrepot.jobs.submit import RunRef, Submission, exclusive_key
from entrepot.jobs.tables import JobRun
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import NotFound, Rejected
from entrepot.store.actor import Actor
from entrepot.store.audit_log import audit
from entrepot.store.ids import new_id
from entrepot.store.scope import TenantScope
from entrepot.store.unit import Store

JOB = "sync_connection"
CRAWL = "crawl"
NOTIFICATION = "notification"
MODES = ("full", "incremental")
HOURLY = 3_600
DAILY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRunView:
    """A sync run as people and the API see it.

    Attributes:
        state: ``queued``, ``running``, ``complete``, ``incomplete``, ``failed`` or
            ``cancelled``.
        counts: Per stream: read, new, changed, gone, missing, duplicates ….
        progress: done, total, unit, phase and message of the run's job; empty once
            it ended.
    """

    id: str
    connection_id: str
    stream: str
    mode: str
    subject: str
    state: str
    cause: str
    requested_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    as_of: datetime | None
    counts: dict[str, Any]
    complete: bool
    incomplete_reason: str
    error_code: str
    error_text: str
    remedy: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How complete the books are for one listing scope.

    Attributes:
        complete: Nothing is known to be missing.
        as_of: Of the last complete reading, or None when there was none.
        reason: Why it is not complete; empty when it is.
    """

    complete: bool
    as_of: datetime | None
    reason: str


class SyncService:
    """Use cases of reading connections into the books.

    Args:
        store: The hub's database.
        clock: Time.
        jobs: Durable work.
        steps: What runs do.
        ahead: What is read behind them.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        jobs: Jobs,
        steps: SyncSteps,
        ahead: ReadAhead,
    ) -> None:
        self._store = store
        self._clock = clock
        self._jobs = jobs
        self.steps = steps
        self.ahead = ahead

    # Starting

    def start(
        self,
        actor: Actor,
        connection_id: str,
        *,
        mode: str = "incremental",
        cause: str = "button",
    ) -> RunRef:
        """Start reading a whole connection, or join the run that does it already.

        Raises:
            PermissionDenied: Without ``sync:write``.
            NotFound: There is no such connection.
            Rejected: Unknown mode; the connection is parked, paused or removed.
        """
        wanted = self.prepare(actor, connection_id, mode=mode, cause=cause)
        return self._start(actor, wanted)

    def start_subject(
        self, actor: Actor, connection_id: str, subject: str, *, cause: str = "button"
    ) -> RunRef:
        """Read one customer (vendor) or company (PSA) now.

        A notification joins a short crawl that is active, which then reads its
        customer before it closes; a person never waits behind a crawl.

        Args:
            actor: Who asks.
            connection_id: Which connection.
            subject: Vendor id of the customer or company.
            cause: Why; ``notification`` for a hint of the other side.

        Raises:
            PermissionDenied: Without ``sync:write``.
            NotFound: There is no such connection.
            Rejected: The connection is parked, paused or removed.
        """
        wanted = self.prepare(actor, connection_id, subject=subject, cause=cause)
        if cause != NOTIFICATION:
            return self._start(actor, wanted)
        crawl = replace(wanted, stream=CRAWL, partition=connection_id)
        key = exclusive_key(crawl) or ""
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            along = rides_along(session, actor.tenant_id, connection_id, key)
            return self.submit(session, actor, crawl if along else wanted)

    def start_customer(
        self, actor: Actor, customer_id: str, *, cause: str = "button"
    ) -> list[RunRef]:
        """Read all vendor accounts of one of the hub's customers now.

        Returns:
            One run per account whose connection can be read; empty when it has none.
        """
        actor.require("sync:write")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            rows = session.execute(
                select(CustomerAccount.connection_id, CustomerAccount.vendor_id)
                .where(CustomerAccount.customer_id == customer_id)
                .order_by(CustomerAccount.id)
            ).all()
        if not rows:
            raise NotFound(
                "no_account",
                "This customer has no account at any connected vendor.",
                remedy="Join an account to the customer first.",
            )
        readable = [row for row in rows if self.steps.is_readable(actor, row[0])]
        return [
            self.start_subject(actor, connection, vendor_id, cause=cause)
            for connection, vendor_id in readable
        ]

    def prepare(
        self,
        actor: Actor,
        connection_id: str,
        *,
        mode: str = "incremental",
        subject: str = "",
        cause: str = "button",
    ) -> Submission:
        """A run that is ready to be submitted; see `start` for what can go wrong.

        Args:
            actor: Who asks.
            connection_id: Which connection.
            mode: ``full`` or ``incremental``; without a subject only.
            subject: Vendor id of a customer or company to read alone, or empty.
            cause: Why.
        """
        actor.require("sync:write")
        if mode not in MODES:
            raise Rejected(
                "unknown_mode",
                f"A sync is {' or '.join(MODES)}, not {mode}.",
                field="mode",
                remedy="Choose one of them.",
            )
        self.steps.require_readable(actor, connection_id)
        stream = subject_stream(subject) if subject else CRAWL
        wanted_mode = "customer" if subject else mode
        return Submission(
            job=JOB,
            run_id=f"sync:{connection_id}:{stream[:40]}:{new_id('run')}",
            args={
                "connection_id": connection_id,
                "mode": wanted_mode,
                "subject": subject,
            },
            partition=f"{connection_id}/now" if subject else connection_id,
            priority=INTERACTIVE if subject else REQUESTED,
            connection_id=connection_id,
            stream=stream,
            subject=subject or None,
            requested_by=actor.name,
            cause=cause,
            concern={"mode": wanted_mode, "subject": subject},
        )

    def submit(self, session: Session, actor: Actor, wanted: Submission) -> RunRef:
        """Submit a prepared run in the caller's unit of work."""
        ref = self._jobs.submit_wanted(session, wanted)
        # A tick's run has no row before it begins; whoever joins it wants to look.
        job = session.get_one(JobRun, ref.run_id)
        insert_run(
            session,
            run_id=ref.run_id,
            tenant_id=actor.tenant_id,
            connection_id=wanted.args["connection_id"],
            stream=job.stream or CRAWL,
            mode=job.args["mode"],
            subject=job.args["subject"],
            cause=job.cause or "",
            requested_by=job.requested_by or "",
            at=self._clock.now(),
        )
        return ref

    def _start(self, actor: Actor, wanted: Submission) -> RunRef:
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            return self.submit(session, actor, wanted)

    # Schedules

    def added(self, session: Session, connection: ConnectionView) -> None:
        """Read a new connection regularly: changes hourly, everything daily."""
        for mode, seconds in (("incremental", HOURLY), ("full", DAILY)):
            self._jobs.schedules.put(
                session,
                _schedule(connection.tenant_id, connection.id, mode, seconds),
            )

    def removed(self, session: Session, connection: ConnectionView) -> None:
        """Stop reading a removed connection."""
        for mode in MODES:
            self._jobs.schedules.remove(
                session, connection.tenant_id, _schedule_id(connection.id, mode)
            )

    def schedule(
        self, actor: Actor, connection_id: str, every_seconds: int | None
    ) -> None:
        """Read a connection every so many seconds; None stops it.

        Runs of all connections are spread by an offset that stays the same.

        Raises:
            PermissionDenied: Without ``sync:write``.
        """
        actor.require("sync:write")
        tenant = actor.tenant_id
        with self._store.unit(TenantScope(tenant)) as session:
            if every_seconds is None:
                for mode in MODES:
                    self._jobs.schedules.remove(
                        session, tenant, _schedule_id(connection_id, mode)
                    )
            else:
                wanted = _schedule(tenant, connection_id, "incremental", every_seconds)
                self._jobs.schedules.put(session, wanted)
                daily = _schedule(tenant, connection_id, "full", DAILY)
                self._jobs.schedules.put(session, daily)
            audit(
                session,
                actor,
                action="sync.schedule",
                subject=("connection", connection_id),
                after={"every_seconds": every_seconds},
            )

    def schedule_of(self, actor: Actor, connection_id: str) -> Schedule | None:
        """The schedule of a connection, or None when it has none."""
        actor.require("sync:read")
        wanted = _schedule_id(connection_id, "incremental")
        found = self._jobs.schedules.rules(actor.tenant_id)
        return next((item for item in found if item.id == wanted), None)

    # Looking

    def run(self, actor: Actor, run_id: str) -> SyncRunView:
        """One run.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require("sync:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            found = session.execute(_runs().where(SyncRun.id == run_id)).first()
        if found is None:
            raise NotFound("no_such_run", "There is no such sync run.")
        return _view(found[0], found[1])

    def runs(
        self,
        actor: Actor,
        *,
        connection_id: str | None = None,
        before: tuple[datetime, str] | None = None,
        limit: int = 50,
    ) -> list[SyncRunView]:
        """Runs, newest first.

        Args:
            actor: Who looks.
            connection_id: Only this connection's; None = all.
            before: `created_at` and id of the last run of the page before.
            limit: At most so many.
        """
        actor.require("sync:read")
        query = _runs().order_by(SyncRun.created_at.desc(), SyncRun.id.desc())
        if connection_id is not None:
            query = query.where(SyncRun.connection_id == connection_id)
        if before is not None:
            at, run_id = before
            query = query.where(
                (SyncRun.created_at < at)
                | ((SyncRun.created_at == at) & (SyncRun.id < run_id))
            )
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            rows = session.execute(query.limit(limit)).all()
        return [_view(run, job) for run, job in rows]

    def last_complete(self, actor: Actor, connection_id: str) -> datetime | None:
        """When the connection was last read completely in all its main streams."""
        actor.require("sync:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return session.execute(
                select(func.min(SyncMemory.complete_at)).where(
                    SyncMemory.connection_id == connection_id,
                    SyncMemory.tenant_id == actor.tenant_id,
                )
            ).scalar_one()


def _schedule_id(connection_id: str, mode: str) -> str:
    return f"sync:{connection_id}" if mode == "incremental" else f"full:{connection_id}"


def _schedule(tenant_id: str, connection_id: str, mode: str, seconds: int) -> Schedule:
    return Schedule(
        id=_schedule_id(connection_id, mode),
        job=JOB,
        tenant_id=tenant_id,
        args={"connection_id": connection_id, "mode": mode, "subject": ""},
        connection_id=connection_id,
        stream=CRAWL,
        partition=connection_id,
        every_seconds=seconds,
    )


def subject_stream(subject: str) -> str:
    """The stream of one customer's or company's refresh; at most 120 characters."""
    return f"now:{subject}"[:120]


def coverage(
    session: Session, tenant_id: str, connection_id: str, stream: str, scope: str
) -> Coverage:
    """How complete the books are for one scope of one stream.

    A scope that was read by itself after the last whole listing counts by itself.
    """
    rows = session.execute(
        select(SyncScope).where(
            SyncScope.tenant_id == tenant_id,
            SyncScope.connection_id == connection_id,
            SyncScope.stream == stream,
            SyncScope.scope.in_(["", scope]),
        )
    ).scalars()
    by_scope = {row.scope: row for row in rows}
    own = by_scope.get(scope) if scope else None
    whole = by_scope.get("")
    if own is not None and (whole is None or own.attempted_at >= whole.attempted_at):
        return Coverage(complete=own.complete, as_of=own.complete_at, reason=own.reason)
    if whole is None:
        return Coverage(complete=False, as_of=None, reason="never read")
    if own is not None and not own.complete:
        return Coverage(complete=False, as_of=own.complete_at, reason=own.reason)
    return Coverage(
        complete=whole.complete, as_of=whole.complete_at, reason=whole.reason
    )


def _runs() -> Any:  # noqa: ANN401 - a select of two entities
    return select(SyncRun, JobRun).outerjoin(
        JobRun, (JobRun.id == SyncRun.id) & (JobRun.tenant_id == SyncRun.tenant_id)
    )


def _view(run: SyncRun, job: JobRun | None) -> SyncRunView:
    state, text = run.state, run.error_text
    if job is not None and job.ended_at is not None and state in ("queued", "running"):
        # The job ended without the run's last step: cancelled, or given up.
        state = "cancelled" if job.state == "cancelled" else "failed"
        text = job.error_text or text
    return SyncRunView(
        id=run.id,
        connection_id=run.connection_id,
        stream=run.stream,
        mode=run.mode,
        subject=run.subject,
        state=state,
        cause=run.cause,
        requested_by=run.requested_by,
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at or (job.ended_at if job is not None else None),
        as_of=run.as_of,
        counts=run.counts,
        complete=run.complete,
        incomplete_reason=run.incomplete_reason,
        error_code=run.error_code,
        error_text=text,
        remedy=run.remedy,
        digest=run.digest,
    )
