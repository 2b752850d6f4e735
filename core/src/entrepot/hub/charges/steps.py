"""What a run of `sync_charges` does, step by step; each may be cut off and repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from entrepot.hub.charges import rules
from entrepot.hub.charges.reading import Books, Month, Point, Reading, load_point
from entrepot.hub.charges.tables import ChargeCheckpoint, ChargeReading
from entrepot.hub.charges.targets import TARGETS
from entrepot.hub.sync.endings import end_objects
from entrepot.hub.sync.intake import RunInfo
from entrepot.plugins.dispatch import Plugins
from entrepot.sdk.errors import EntrepotError
from entrepot.sdk.model import Listing
from entrepot.store.actor import system_actor
from entrepot.store.audit_log import audit
from entrepot.store.ids import new_id
from entrepot.store.unit import Store

if TYPE_CHECKING:
    from entrepot.hub.connections.service import ConnectionService

SLICE_SECONDS = 20.0
_CHUNK = 20_000


class ChargeSteps:
    """The steps of `sync_charges`.

    Args:
        store: The hub's database.
        plugins: The typed facade.
        connections: Opens contexts, parks.
        months: How many months a reading without a named one reads.
    """

    def __init__(
        self,
        store: Store,
        plugins: Plugins,
        connections: ConnectionService,
        months: int,
    ) -> None:
        self._store = store
        self._plugins = plugins
        self._connections = connections
        self._months = months

    def plan(self, run: RunInfo, month: str) -> list[list[str]]:
        """What the run reads: kind and month, oldest first.

        Empty when the connection's vendor lists neither usage nor charges, or the
        reseller is suspended.
        """
        if not self._connections.is_served(run.tenant_id):
            return []
        books = self._books(run)
        today = books.ctx.clock.now().astimezone(ZoneInfo(books.ctx.billing_zone))
        months = [month] if month else rules.months_to_read(today.date(), self._months)
        return [
            [kind, name]
            for kind in rules.KINDS
            if books.listing(kind) is not Listing.NONE
            for name in months
        ]

    def read(
        self,
        run: RunInfo,
        kind: str,
        month: str,
        tell: Callable[[int], None],
        stop: Callable[[], bool],
    ) -> bool:
        """Read on in one month for a while; True when its end was reached."""
        reading = Reading(self._books(run), Month(kind, month), tell, stop)
        return reading.run_slice(SLICE_SECONDS)

    def finish(self, run: RunInfo, kind: str, month: str) -> dict[str, Any]:
        """End one month: withdraw what is gone, record how complete it is."""
        which = Month(kind, month)
        now = self._store.clock.now()
        with self._store.unit(run.scope) as session:
            row = session.get(ChargeReading, (run.connection_id, kind, month))
            point = load_point(session, run, which)
            if row is not None and row.run_id == run.run_id and not point.finished:
                return {"counts": row.counts, "reason": row.reason}
            point.counts["gone"] += self._withdraw(session, run, which, point, now)
            self._record(session, run, which, point, point.reason, now)
            _drop(session, run, which)
        return {"counts": dict(point.counts), "reason": point.reason}

    def close(self, run: RunInfo, done: dict[str, Any]) -> dict[str, Any]:
        """Close the run: one audit entry with its counts."""
        reasons = {name: one["reason"] for name, one in done.items() if one["reason"]}
        total: Counter[str] = Counter()
        for one in done.values():
            total.update(one["counts"])
        with self._store.unit(run.scope) as session:
            if done:
                audit(
                    session,
                    system_actor("charges", run.tenant_id),
                    action="charges.read",
                    subject=("connection", run.connection_id),
                    after={"run": run.run_id, "months": done},
                )
        if done:
            self._connections.note_success(run.connection_id)
        state = "incomplete" if reasons else "complete" if done else "nothing_to_read"
        return {"state": state, "counts": dict(total), "incomplete": reasons}

    def fail(self, run: RunInfo, plan: list[list[str]], error: EntrepotError) -> None:
        """Note for the months that were not read why; parks where that is due."""
        self._connections.authorize_failure(run.connection_id, error)
        now = self._store.clock.now()
        with self._store.unit(run.scope) as session:
            for kind, month in plan:
                row = session.get(ChargeReading, (run.connection_id, kind, month))
                if row is not None and row.run_id == run.run_id:
                    continue
                which = Month(kind, month)
                point = load_point(session, run, which)
                self._record(session, run, which, point, error.user_message, now)
                _drop(session, run, which)

    def _books(self, run: RunInfo) -> Books:
        ctx = self._connections.open(run.connection_id)
        return Books(self._store, self._plugins, ctx, run)

    def _withdraw(
        self, session: Session, run: RunInfo, which: Month, point: Point, now: datetime
    ) -> int:
        """End the lines that a whole reading did not meet; returns how many."""
        if not point.whole:
            return 0
        target = TARGETS[which.kind]
        table = target.table
        rows = session.execute(
            select(table.c.id, table.c.vendor_id)
            .where(
                table.c.tenant_id == run.tenant_id,
                table.c.connection_id == run.connection_id,
                table.c.month == which.name,
                table.c.gone_at.is_(None),
                table.c.customer_vendor_id.not_in(list(point.customers)),
            )
            .execution_options(yield_per=_CHUNK)
        )
        gone = [row for row in rows if rules.id_hash(row.vendor_id) not in point.seen]
        end_objects(session, target, run, gone, now)
        return len(gone)

    def _record(
        self,
        session: Session,
        run: RunInfo,
        which: Month,
        point: Point,
        reason: str,
        now: datetime,
    ) -> None:
        key = (run.connection_id, which.kind, which.name)
        row = session.get(ChargeReading, key)
        if row is None:
            row = ChargeReading(
                connection_id=run.connection_id,
                kind=which.kind,
                month=which.name,
                id=new_id("crd"),
                tenant_id=run.tenant_id,
            )
            session.add(row)
        row.run_id, row.attempted_at = run.run_id, now
        row.complete, row.reason = not reason, reason
        row.complete_at = row.complete_at if reason else now
        row.counts = dict(point.counts)
        row.lines = _living(session, run, which)


def _living(session: Session, run: RunInfo, which: Month) -> int:
    table = TARGETS[which.kind].table
    found = session.execute(
        select(func.count())
        .select_from(table)
        .where(
            table.c.tenant_id == run.tenant_id,
            table.c.connection_id == run.connection_id,
            table.c.month == which.name,
            table.c.gone_at.is_(None),
        )
    )
    return int(found.scalar_one())


def _drop(session: Session, run: RunInfo, which: Month) -> None:
    """Forget where this run and earlier ones that never ended left a month."""
    session.execute(
        delete(ChargeCheckpoint).where(
            ChargeCheckpoint.tenant_id == run.tenant_id,
            ChargeCheckpoint.connection_id == run.connection_id,
            ChargeCheckpoint.kind == which.kind,
            ChargeCheckpoint.month == which.name,
        )
    )
