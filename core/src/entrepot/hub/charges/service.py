"""Use cases of usage and charges: read them, list them, hand them on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from entrepot.hub.charges import export, rules
from entrepot.hub.charges.files import ChargeFiles
from entrepot.hub.charges.jobs import JOB
from entrepot.hub.charges.steps import ChargeSteps
from entrepot.hub.charges.tables import ChargeReading, ChargeRow
from entrepot.hub.charges.views import (
    FACTS,
    ROWS,
    ChargeView,
    LineVersion,
    ReadingView,
    UsageView,
    columns,
    joined,
    view,
)
from entrepot.hub.connections.service import ConnectionService
from entrepot.hub.connections.views import ConnectionView
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.paging import Slice, after, cut, limited
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.jobs.facade import Jobs
from entrepot.jobs.queues import REQUESTED
from entrepot.jobs.schedules import Schedule
from entrepot.jobs.submit import RunRef, Submission
from entrepot.sdk.errors import NotFound, Rejected
from entrepot.store.actor import Actor
from entrepot.store.ids import new_id
from entrepot.store.scope import TenantScope
from entrepot.store.unit import Store

READ = "subscriptions:read"
DAILY = 86_400
_CHUNK = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LineQuery:
    """What a list of lines shall hold; None = any.

    Attributes:
        kind: Of charges only: ``recurring``, ``usage``, ``credit`` and so on.
        withdrawn: Also what the vendor has withdrawn.
        last: `Slice.last` of the page before.
    """

    connection_id: str | None = None
    customer_id: str | None = None
    subscription_id: str | None = None
    month: str | None = None
    kind: str | None = None
    withdrawn: bool = False
    last: tuple[Any, ...] | None = None
    limit: int = 50


class ChargeService:
    """Use cases of usage and charges.

    Args:
        store: The hub's database.
        jobs: Durable work.
        connections: The connections.
        steps: What runs do.
        files: Takes what people hand in.
    """

    def __init__(
        self,
        store: Store,
        jobs: Jobs,
        connections: ConnectionService,
        steps: ChargeSteps,
        files: ChargeFiles,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._connections = connections
        self.steps = steps
        self.files = files

    # Looking

    def charges(self, actor: Actor, query: LineQuery) -> Slice[ChargeView]:
        """Charges by connection and vendor id.

        Raises:
            PermissionDenied: Without ``subscriptions:read``.
            Rejected: `month` is none.
        """
        found = self._slice(actor, rules.CHARGES, query)
        items = tuple(item for item in found.items if isinstance(item, ChargeView))
        return Slice(items, found.has_more, found.last)

    def usage(self, actor: Actor, query: LineQuery) -> Slice[UsageView]:
        """Metered quantities by connection and vendor id; see `charges`."""
        found = self._slice(actor, rules.USAGE, query)
        items = tuple(item for item in found.items if isinstance(item, UsageView))
        return Slice(items, found.has_more, found.last)

    def history(self, actor: Actor, kind: str, line_id: str) -> tuple[LineVersion, ...]:
        """Every version of a line, newest knowledge first.

        Raises:
            NotFound: There is no such line.
        """
        actor.require(READ)
        fact = FACTS[kind]
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            rows: Sequence[Any] = session.scalars(
                select(fact)
                .where(fact.object_id == line_id)
                .order_by(fact.known_at.desc())
            ).all()
            found = tuple(
                LineVersion(
                    known_at=row.known_at,
                    valid_from=row.valid_from,
                    change=row.change,
                    run_id=row.run_id,
                    values=row.payload,
                )
                for row in rows
            )
        if not found:
            raise NotFound("no_such_line", "There is no such line.")
        return found

    def readings(
        self,
        actor: Actor,
        *,
        connection_id: str | None = None,
        kind: str | None = None,
        month: str | None = None,
    ) -> tuple[ReadingView, ...]:
        """How completely every month was read, newest month first."""
        actor.require(READ)
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return readings(session, connection_id, kind, month)

    def export(
        self, actor: Actor, kind: str, form: str, query: LineQuery
    ) -> Iterator[str]:
        """All lines that match, as the lines of a file with its trailer.

        Rows and trailer are of one moment.

        Args:
            actor: Who asks.
            kind: ``charges`` or ``usage``.
            form: ``csv`` or ``ndjson``.
            query: What; its page is ignored.

        Raises:
            Rejected: `month` is none.
        """
        actor.require(READ)
        wanted = _filtered(kind, query)
        return self._exported(actor, kind, form, query, wanted)

    def _exported(
        self,
        actor: Actor,
        kind: str,
        form: str,
        query: LineQuery,
        wanted: Select[Any],
    ) -> Iterator[str]:
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            known = readings(session, query.connection_id, kind, query.month)
            rows = session.execute(wanted.execution_options(yield_per=_CHUNK))
            items = (view(kind, row) for row in rows)
            yield from export.lines(form, columns(kind), items, known)

    def _slice(
        self, actor: Actor, kind: str, query: LineQuery
    ) -> Slice[ChargeView | UsageView]:
        actor.require(READ)
        row = ROWS[kind]
        wanted = _filtered(kind, query).where(row.tenant_id == actor.tenant_id)
        wanted = after(wanted, (row.connection_id, row.vendor_id), query.last)
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            found = session.execute(wanted.limit(limited(query.limit))).all()
        return cut(
            [view(kind, one) for one in found],
            query.limit,
            lambda item: (item.connection_id, item.vendor_id),
        )

    # Reading

    def start(
        self, actor: Actor, connection_id: str, period: str = "", *, cause: str
    ) -> RunRef:
        """Start reading a connection's usage and charges, or join who does already.

        Args:
            actor: Who asks.
            connection_id: Which connection.
            period: One month; empty for the open one and those still restated.
            cause: Why.

        Raises:
            PermissionDenied: Without ``sync:write``.
            NotFound: There is no such connection.
            Rejected: `period` is no month; the connection cannot be read now.
        """
        wanted = self.prepare(actor, connection_id, period, cause=cause)
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            return self._jobs.submit_wanted(session, wanted)

    def prepare(
        self, actor: Actor, connection_id: str, period: str = "", *, cause: str
    ) -> Submission:
        """A run that is ready to be submitted; see `start` for what can go wrong."""
        actor.require("sync:write")
        month = rules.checked_month(period) if period else ""
        connection = self._connections.get(actor, connection_id)
        if connection.state != "active":
            raise Rejected(
                f"connection_{connection.state}",
                f"The connection {connection.name} is {connection.state}.",
                remedy=(connection.parked and connection.parked.remedy)
                or "Resume the connection first.",
            )
        return Submission(
            job=JOB,
            run_id=f"charges:{connection_id}:{month}:{new_id('run')}",
            args={"connection_id": connection_id, "period": month},
            partition=_partition(connection_id),
            priority=REQUESTED,
            connection_id=connection_id,
            stream=f"charges:{month}",
            subject=connection.name,
            requested_by=actor.name,
            cause=cause,
        )

    def submit(self, session: Session, wanted: Submission) -> RunRef:
        """Submit a prepared run in the caller's unit of work."""
        return self._jobs.submit_wanted(session, wanted)

    def added(self, session: Session, connection: ConnectionView) -> None:
        """Read a new vendor connection's usage and charges daily."""
        if connection.kind != "vendor":
            return
        self._jobs.schedules.put(
            session,
            Schedule(
                id=_schedule_id(connection.id),
                job=JOB,
                tenant_id=connection.tenant_id,
                args={"connection_id": connection.id, "period": ""},
                connection_id=connection.id,
                stream="charges:",
                partition=_partition(connection.id),
                every_seconds=DAILY,
            ),
        )

    def removed(self, session: Session, connection: ConnectionView) -> None:
        """Stop reading a removed connection, and forget what was handed to it."""
        self.files.removed(session, connection)
        tenant = connection.tenant_id
        self._jobs.schedules.remove(session, tenant, _schedule_id(connection.id))


def readings(
    session: Session,
    connection_id: str | None = None,
    kind: str | None = None,
    month: str | None = None,
) -> tuple[ReadingView, ...]:
    """The completeness records of the session's reseller, newest month first."""
    row = ChargeReading
    wanted = select(row).order_by(row.month.desc(), row.connection_id, row.kind)
    for column, value in (
        (row.connection_id, connection_id),
        (row.kind, kind),
        (row.month, month),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    return tuple(
        ReadingView(**{name: getattr(one, name) for name in ReadingView.__slots__})
        for one in session.scalars(wanted)
    )


def _filtered(kind: str, query: LineQuery) -> Select[Any]:
    row = ROWS[kind]
    month = None if query.month is None else rules.checked_month(query.month)
    wanted = joined(kind)
    equal: Sequence[tuple[Any, object]] = (
        (row.connection_id, query.connection_id),
        (CustomerAccount.customer_id, query.customer_id),
        (SubscriptionRow.id, query.subscription_id),
        (row.month, month),
    )
    for column, value in equal:
        if value is not None:
            wanted = wanted.where(column == value)
    if query.kind is not None and kind == rules.CHARGES:
        wanted = wanted.where(ChargeRow.kind == query.kind)
    if not query.withdrawn:
        wanted = wanted.where(row.gone_at.is_(None))
    return wanted


def _partition(connection_id: str) -> str:
    return f"{connection_id}/charges"


def _schedule_id(connection_id: str) -> str:
    return f"charges:{connection_id}"
