"""Reading ahead: contacts and orders that a vendor lists customer by customer.

A whole reading leaves them out: it would be some requests more for each customer. They
are read behind it, a piece at a time, for customers of whom they were never read; from
then on a change of the customer or a refresh brings them, as it brings all the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.records import CustomerDetail
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.sync.intake import Intake, RunInfo
from entrepot.hub.sync.memory import HashMemory
from entrepot.hub.sync.refresh import Listed, read_list
from entrepot.hub.sync.source import Source, leaves_out
from entrepot.hub.sync.steps import SyncSteps
from entrepot.hub.sync.tables import SyncAhead, SyncRun, SyncScope
from entrepot.jobs.facade import Jobs
from entrepot.jobs.plain import JsonDict
from entrepot.jobs.queues import BACKFILL
from entrepot.plugins.dispatch import Plugins
from entrepot.sdk.errors import ConfigInvalid
from entrepot.store.actor import system_actor
from entrepot.store.unit import Store

JOB = "read_ahead"
PIECE = 40
"""Customers of one step."""
MOST = 2_000
"""Customers of one job; a following one goes on, so that others get their turn."""
AGAIN = timedelta(days=7)
"""After this time a customer that the vendor refused is asked for once more."""

Derive = Callable[[Session, str, Sequence[str]], object]


class AfterRun:
    """Submits the job behind a run, where customers wait for it.

    Args:
        jobs: Durable work.
        plugins: Say how their contacts and orders are listed.
    """

    def __init__(self, jobs: Jobs, plugins: Plugins) -> None:
        self._jobs = jobs
        self._plugins = plugins

    def __call__(self, session: Session, run: RunInfo, row: SyncRun) -> None:
        """Submit it in the unit that closes a run that listed the customers."""
        if "customers" not in row.counts or not self._lists_ahead(session, run):
            return
        session.flush()
        if waiting(session, run, "", 1, self._jobs.store.clock.now()):
            begin(self._jobs, session, run, exclusive=f"{JOB}:{run.connection_id}")

    def _lists_ahead(self, session: Session, run: RunInfo) -> bool:
        connection = session.get_one(Connection, run.connection_id)
        try:
            info = self._plugins.info(connection.plugin)
        except ConfigInvalid:
            return False  # its plugin is not loaded any more
        return bool(leaves_out(info))


def begin(jobs: Jobs, session: Session, run: RunInfo, **options: str) -> None:
    """Submit a job that reads ahead, in the caller's unit."""
    jobs.submit(
        session,
        JOB,
        run_id=f"{JOB}:{run.connection_id}:{uuid4().hex}",
        args={"connection_id": run.connection_id, "after": options.pop("after", "")},
        partition=run.connection_id,
        priority=BACKFILL,
        connection_id=run.connection_id,
        requested_by="sync",
        cause="sync",
        **options,
    )


def waiting(
    session: Session, run: RunInfo, after: str, most: int, now: datetime
) -> list[tuple[str, str]]:
    """Return (vendor id, customer) of accounts that wait, by vendor id.

    Those whose people were erased don't: nobody asked for them to come back.

    Args:
        session: In the reseller's scope.
        run: Names the connection.
        after: Vendor id behind which to look, or empty.
        most: Where to stop.
        now: Those that were refused long before it wait again.
    """
    account, done, whole = CustomerAccount, SyncAhead, SyncScope
    erased = exists().where(
        CustomerDetail.tenant_id == run.tenant_id,
        CustomerDetail.customer_id == account.customer_id,
        CustomerDetail.erased_at.is_not(None),
    )
    read = exists().where(
        done.tenant_id == run.tenant_id,
        done.connection_id == run.connection_id,
        done.scope == account.vendor_id,
        or_(done.reason == "", done.read_at > now - AGAIN),
    )
    refreshed = exists().where(
        whole.tenant_id == run.tenant_id,
        whole.connection_id == run.connection_id,
        whole.stream == "customers",
        whole.scope == account.vendor_id,
    )
    found = session.execute(
        select(account.vendor_id, account.customer_id)
        .where(
            account.connection_id == run.connection_id,
            account.vendor_id > after,
            account.gone_at.is_(None),
            and_(~read, ~refreshed, ~erased),
        )
        .order_by(account.vendor_id)
        .limit(most)
    )
    return [(vendor_id, customer_id) for vendor_id, customer_id in found]


Told = dict[str, list[Listed]]
"""What the vendor told of each customer, by vendor id."""


class ReadAhead:
    """The steps of the job.

    Args:
        store: The hub's database.
        jobs: Durable work.
        steps: Those of sync: they open connections.
        derive: Writes customers' rows anew.
    """

    def __init__(
        self, store: Store, jobs: Jobs, steps: SyncSteps, derive: Derive
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._steps = steps
        self._derive = derive

    def piece(self, run: RunInfo, after: str) -> JsonDict:
        """Read some customers that wait behind a vendor id.

        Returns:
            ``last``: where to go on, empty at the end; how many were ``read``, of how
            many the vendor ``refused`` everything, and how many objects were ``new``.
        """
        over: JsonDict = {"last": "", "read": 0, "refused": 0, "new": 0}
        if not self._steps.may_read(system_actor("sync", run.tenant_id), run):
            return over
        source = self._steps.source(run)
        names, now = leaves_out(source.info), source.ctx.clock.now()
        with self._store.read(run.scope) as session:
            wanted = waiting(session, run, after, PIECE, now)
        if not wanted or not names:
            return over
        ids = [vendor_id for vendor_id, _ in wanted]
        told = dict(zip(ids, self._ask(source, names, ids), strict=True))
        new = sum(self._write(run, name, told) for name in names)
        with self._store.unit(run.scope) as session:
            _note(session, run, told, now)
            self._derive(session, run.tenant_id, sorted({one for _, one in wanted}))
        return {
            "last": ids[-1] if len(ids) == PIECE else "",
            "read": len(ids),
            "refused": sum(_is_refused(listings) for listings in told.values()),
            "new": new,
        }

    def go_on(self, run: RunInfo, after: str) -> None:
        """Submit the job that follows this one."""
        with self._store.unit(run.scope) as session:
            begin(self._jobs, session, run, after=after)

    def _ask(
        self, source: Source, names: Sequence[str], ids: Sequence[str]
    ) -> list[list[Listed]]:
        with ThreadPoolExecutor(source.width, JOB) as pool:
            futures = [
                pool.submit(copy_context().run, _told_of, source, names, one)
                for one in ids
            ]
            return [future.result() for future in futures]

    def _write(self, run: RunInfo, name: str, told: Told) -> int:
        intake = Intake(self._store, run, name, HashMemory(), "")
        listings = [one for listed in told.values() for one in listed]
        for read in (it for one in listings if one.stream == name for it in one.reads):
            intake.take(read.page, read.read_at)
        if intake.waiting:
            intake.flush(lambda _session: None)
        return intake.counts["new"]


def _told_of(source: Source, names: Sequence[str], vendor_id: str) -> list[Listed]:
    """Ask for one customer; that it has no such list, or we no right, is an answer."""
    asked = (read_list(source, name, vendor_id) for name in names)
    return [listed for listed in asked if listed is not None]


def _is_refused(listings: Sequence[Listed]) -> bool:
    """Whether the vendor refused everything; that there is nothing is no refusal."""
    return bool(listings) and not any(one.reads for one in listings)


def _note(session: Session, run: RunInfo, told: Told, now: datetime) -> None:
    rows: list[dict[str, Any]] = [
        {
            "connection_id": run.connection_id,
            "scope": vendor_id,
            "tenant_id": run.tenant_id,
            "read_at": now,
            "reason": next((one.doubt for one in listings if one.doubt), ""),
        }
        for vendor_id, listings in told.items()
    ]
    dialect = session.get_bind().dialect.name
    added = (postgresql if dialect == "postgresql" else sqlite).insert(
        SyncAhead.__table__
    )
    session.connection().execute(
        added.on_conflict_do_update(
            index_elements=["connection_id", "scope"],
            set_={name: added.excluded[name] for name in ("read_at", "reason")},
        ),
        rows,
    )
