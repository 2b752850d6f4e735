"""Reading one customer or one PSA company now, without a full run.

Reads everything first, then writes in one unit of work: seconds, not minutes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.sync.bulk import BulkWriter, Incoming, Origin
from entrepot.hub.sync.crawl import INCOMPLETE, REPEATED
from entrepot.hub.sync.driver import comparable
from entrepot.hub.sync.endings import end_objects, end_subscriptions_of
from entrepot.hub.sync.finish import note_scope
from entrepot.hub.sync.intake import (
    NO_CONTENT,
    Intake,
    RunInfo,
    merge_accounts,
    store_lock,
)
from entrepot.hub.sync.memory import HashMemory
from entrepot.hub.sync.source import Read, Source, leaves_out
from entrepot.hub.sync.targets import TARGETS
from entrepot.sdk.errors import NotFound, Rejected, Unsupported
from entrepot.sdk.model import BillingLock, Listing, VendorCustomer
from entrepot.store.unit import Store


@dataclass(slots=True)
class Listed:
    """What one scope of one stream listed, and why something may be missing."""

    stream: str
    scope: str
    reads: list[Read]
    doubt: str = ""


@dataclass(slots=True)
class Snapshot:
    """Everything read about one customer or company.

    Attributes:
        subject: Vendor id.
        read_at: When reading began.
        customer: The customer's record, or None for a company.
        gone: The other side says that it does not exist.
        listings: Lists that were read wholly.
        locks: How far agreements are invoiced.
    """

    subject: str
    read_at: datetime
    customer: VendorCustomer | None = None
    gone: bool = False
    listings: list[Listed] = field(default_factory=list)
    locks: list[tuple[BillingLock, datetime]] = field(default_factory=list)


def read_subject(source: Source, subject: str) -> Snapshot:
    """Read one customer (vendor) or company (PSA) with all that belongs to it.

    Raises what the hooks raise, but not `NotFound` of the subject itself.
    """
    found = Snapshot(subject, source.ctx.clock.now())
    if source.is_psa:
        _read_company(source, found)
    else:
        _read_customer(source, found)
    return found


def _read_customer(source: Source, found: Snapshot) -> None:
    can = source.info.capabilities
    try:
        if can.customer_details:
            found.customer = source.customer(found.subject)
        if can.subscriptions is Listing.PER_CUSTOMER:
            found.listings.append(_list(source, "subscriptions", found.subject))
    except NotFound:
        found.gone = True
        return
    more = (read_list(source, one, found.subject) for one in leaves_out(source.info))
    found.listings += [listed for listed in more if listed is not None]


def read_list(source: Source, stream: str, subject: str) -> Listed | None:
    """Read a list of a customer that not everybody may see; None where it has none."""
    try:
        return _list(source, stream, subject)
    except NotFound:
        return None
    except Rejected as error:
        return Listed(stream, subject, [], error.user_message)


def _read_company(source: Source, found: Snapshot) -> None:
    agreements = _list(source, "agreements", found.subject)
    found.listings.append(agreements)
    for read in agreements.reads:
        for agreement in read.page.records():
            found.listings.append(_list(source, "lines", agreement.vendor_id))
            asked_at = source.ctx.clock.now()
            found.locks.append((source.lock(agreement.vendor_id), asked_at))


def _list(source: Source, stream: str, scope: str) -> Listed:
    reads: list[Read] = []
    cursor: str | None = None
    while True:
        read = source.page(stream, scope, cursor)
        reads.append(read)
        following = read.page.next_cursor
        if following is None or following == cursor:
            doubt = "" if following is None else REPEATED
            return Listed(stream, scope, reads, doubt or _doubt(reads))
        cursor = following


def _doubt(reads: list[Read]) -> str:
    parts = (read.page for read in reads if not read.page.complete)
    return next((page.incomplete_reason or INCOMPLETE for page in parts), "")


@dataclass(slots=True)
class Refresher:
    """Writes snapshots of single customers or companies."""

    store: Store
    source: Source
    run: RunInfo

    def refresh(self, subject: str) -> Counter[str]:
        """Read and write one customer or company; returns counts."""
        return self.write(read_subject(self.source, subject))

    def write(self, found: Snapshot) -> Counter[str]:
        """Write one snapshot; returns counts of new, changed and gone objects."""
        counts: Counter[str] = Counter()
        if found.gone:
            counts["gone"] += self._end_account(found)
            return counts
        if found.customer is not None:
            counts.update(self._account(found.customer, found.read_at))
        for listed in found.listings:
            counts.update(self._listing(listed))
            counts["doubtful"] += bool(listed.doubt)
        with self.store.unit(self.run.scope) as session:
            for lock, read_at in found.locks:
                store_lock(session, self.run, lock, read_at)
            self._note_subject(session, found)
        return counts

    def _note_subject(self, session: Session, found: Snapshot) -> None:
        stream = "companies" if self.source.is_psa else "customers"
        note_scope(session, self.run, stream, found.subject, found.read_at)

    def _listing(self, listed: Listed) -> Counter[str]:
        now = self.source.ctx.clock.now()
        vanished = [] if listed.doubt else self._vanished(listed)
        intake = Intake(
            store=self.store,
            run=self.run,
            stream=listed.stream,
            memory=HashMemory(),
            memory_version="",
        )
        for read in listed.reads:
            intake.take(read.page, read.read_at)

        def also(session: Session) -> None:
            end_objects(session, TARGETS[listed.stream], self.run, vanished, now)
            note_scope(
                session,
                self.run,
                listed.stream,
                listed.scope,
                listed.reads[0].read_at if listed.reads else now,
                reason=listed.doubt,
                items=intake.counts["read"],
            )

        intake.flush(also)
        intake.counts["gone"] = len(vanished)
        return intake.counts

    def _vanished(self, listed: Listed) -> list[Any]:
        """Objects in the books that the list lacks and that are not found directly."""
        target = TARGETS[listed.stream]
        there = {
            target.vendor_id(record)
            for read in listed.reads
            for record in read.page.records()
        }
        table = target.table
        with self.store.read(self.run.scope) as session:
            rows = session.execute(
                select(table.c.id, table.c.vendor_id).where(
                    table.c.tenant_id == self.run.tenant_id,
                    table.c.connection_id == self.run.connection_id,
                    table.c[target.owner_column] == listed.scope,
                    table.c.gone_at.is_(None),
                )
            ).all()
        lacking = [row for row in rows if row.vendor_id not in there]
        return [row for row in lacking if self._is_over(listed, row.vendor_id)]

    def _is_over(self, listed: Listed, vendor_id: str) -> bool:
        try:
            if listed.stream == "subscriptions":
                self.source.subscription(listed.scope, vendor_id)
            elif listed.stream == "lines":
                self.source.line(listed.scope, vendor_id)
            else:
                # No other way to ask: one whole list of one owner decides.
                return listed.stream == "contacts"
        except NotFound:
            return True
        except Unsupported:
            return False  # the next whole listings decide
        return False

    def _account(self, record: VendorCustomer, read_at: datetime) -> Counter[str]:
        target = TARGETS["customers"]
        counts: Counter[str] = Counter()
        with self.store.unit(self.run.scope) as session:
            writer = BulkWriter(target)
            known = writer.known(session, self.run.connection_id, [record.vendor_id])
            row = known.get(record.vendor_id)
            if row is not None and self._is_same(session, row.id, record):
                return counts
            row_hash = NO_CONTENT if row is None else row.row_hash
            done = merge_accounts(
                session,
                [Incoming(record, row_hash)],
                self._origin(read_at),
                force=True,
            )
        counts["new"], counts["changed"] = done.new, done.changed + done.back
        return counts

    def _is_same(self, session: Session, row_id: str, record: VendorCustomer) -> bool:
        target = TARGETS["customers"]
        table = target.table
        columns = [table.c[name] for name in target.columns]
        stored = session.execute(
            select(*columns, table.c.gone_at).where(
                table.c.tenant_id == self.run.tenant_id, table.c.id == row_id
            )
        ).one()
        connection = session.connection()
        wanted = comparable(connection, table, target.columns, target.values(record))
        kept = comparable(connection, table, target.columns, tuple(stored)[:-1])
        return stored.gone_at is None and wanted == kept

    def _origin(self, read_at: datetime) -> Origin:
        return Origin(
            tenant_id=self.run.tenant_id,
            connection_id=self.run.connection_id,
            run_id=self.run.run_id,
            read_at=read_at,
        )

    def _end_account(self, found: Snapshot) -> int:
        target = TARGETS["customers"]
        table = target.table
        now = self.source.ctx.clock.now()
        with self.store.unit(self.run.scope) as session:
            rows = session.execute(
                select(table.c.id, table.c.vendor_id).where(
                    table.c.tenant_id == self.run.tenant_id,
                    table.c.connection_id == self.run.connection_id,
                    table.c.vendor_id == found.subject,
                    table.c.gone_at.is_(None),
                )
            ).all()
            end_objects(session, target, self.run, rows, now)
            end_subscriptions_of(session, self.run, list(rows), now)
        return len(rows)
