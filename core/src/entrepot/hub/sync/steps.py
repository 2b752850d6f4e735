"""What a sync run does, step by step. Each step may be cut off and start again."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from entrepot.hub.connections.rules import suspended
from entrepot.hub.sync.advance import advance
from entrepot.hub.sync.checkpoints import drop_checkpoints, drop_others, memory_row
from entrepot.hub.sync.crawl import Crawl
from entrepot.hub.sync.finish import Finisher, note_scope
from entrepot.hub.sync.intake import RunInfo
from entrepot.hub.sync.refresh import Refresher, Snapshot, read_subject
from entrepot.hub.sync.source import Source, Stream, leaves_out, streams_of
from entrepot.hub.sync.tables import SyncMemory, SyncRun
from entrepot.hub.sync.unread import (
    joined,
    parts,
    reasons_in,
    since_before,
    to_read_again,
)
from entrepot.plugins.dispatch import Plugins
from entrepot.sdk.errors import EntrepotError, Rejected, Retryable
from entrepot.sdk.model import ChangedKind, ChangeEvent
from entrepot.store.actor import Actor, system_actor
from entrepot.store.audit_log import audit
from entrepot.store.unit import Store

if TYPE_CHECKING:
    from entrepot.hub.connections.service import ConnectionService

SLICE_SECONDS = 20.0
OWED = timedelta(days=2)  # so far back a feed is asked for what was left out
MANY = 2_000  # changed customers above which a whole crawl is cheaper
FEED = "feed"
SKIPPED = "skipped"  # of a suspended reseller nothing is read

AfterSync = Callable[[Session, RunInfo, SyncRun], None]


class SyncSteps:
    """The steps of `sync_connection`.

    Args:
        store: The hub's database.
        plugins: The typed facade.
        connections: Opens contexts, knows states, parks.
        after: Called in the unit that closes a run that changed anything.
    """

    def __init__(
        self,
        store: Store,
        plugins: Plugins,
        connections: ConnectionService,
        after: Sequence[AfterSync] = (),
    ) -> None:
        self._store = store
        self._plugins = plugins
        self._connections = connections
        self.after: list[AfterSync] = list(after)

    # May it be read?

    def require_readable(self, actor: Actor, connection_id: str) -> None:
        """Return if the connection is active.

        Raises:
            NotFound: There is none of that id.
            Rejected: It is parked, paused or removed; says what to do.
            Conflict: The reseller is suspended.
        """
        connection = self._connections.get(actor, connection_id)
        if not self._connections.is_served(actor.tenant_id):
            raise suspended()
        if connection.state != "active":
            raise Rejected(
                f"connection_{connection.state}",
                f"The connection {connection.name} is {connection.state}.",
                remedy=(connection.parked and connection.parked.remedy)
                or "Resume the connection first.",
            )

    def is_readable(self, actor: Actor, connection_id: str) -> bool:
        """Whether the connection is active."""
        return self._connections.get(actor, connection_id).state == "active"

    def may_read(self, actor: Actor, run: RunInfo) -> bool:
        """Whether the connection is active and its reseller is not suspended."""
        served = self._connections.is_served(run.tenant_id)
        return served and self.is_readable(actor, run.connection_id)

    # Steps

    def open_run(
        self, run: RunInfo, mode: str, subject: str, stream: str, cause: str
    ) -> dict[str, Any]:
        """Mark the run as running and decide what it reads.

        Returns:
            ``mode`` as decided, ``streams`` to read and ``all_streams`` as pairs of
            name and scope, ``at``: when reading began. Of a suspended reseller nothing
            is read, then ``mode`` is ``skipped``.
        """
        if not self._connections.is_served(run.tenant_id):
            self._skip(run)
            return {"mode": SKIPPED, "streams": [], "all_streams": [], "at": ""}
        with self._store.unit(run.scope) as session:
            insert_run(
                session,
                run_id=run.run_id,
                tenant_id=run.tenant_id,
                connection_id=run.connection_id,
                stream=stream,
                mode=mode,
                subject=subject,
                cause=cause,
                requested_by="schedule",
                at=self._store.clock.now(),
            )
        # A connection that cannot be opened fails a run that is on record by now.
        source = self.source(run)
        now = source.ctx.clock.now()
        with self._store.unit(run.scope) as session:
            row = session.get_one(SyncRun, run.run_id)
            row.state = "running"
            row.started_at = row.started_at or now
            if mode != "customer":
                drop_others(session, run)
            decided = self._decide(session, source, run, mode)
        everything = [[one.name, one.per] for one in streams_of(source.info)]
        return {
            "mode": decided,
            "streams": everything if decided == "full" else [],
            "all_streams": everything,
            "at": now.isoformat(),
        }

    def _skip(self, run: RunInfo) -> None:
        """Close a run that was asked for before its reseller was suspended."""
        error = suspended()
        with self._store.unit(run.scope) as session:
            row = session.get(SyncRun, run.run_id)
            if row is not None:
                row.state, row.ended_at = "cancelled", self._store.clock.now()
                row.error_code, row.error_text = error.code, error.user_message
                row.remedy = error.info.remedy or ""

    def _decide(self, session: Session, source: Source, run: RunInfo, mode: str) -> str:
        if mode != "incremental":
            return mode
        feed = session.get(SyncMemory, (run.connection_id, FEED))
        if source.info.capabilities.change_feed and feed and feed.feed_at:
            return "feed"
        return "full"

    def crawl(
        self,
        run: RunInfo,
        name: str,
        per: str,
        tell: Callable[[int, int | None], None],
        stop: Callable[[], bool],
    ) -> bool:
        """Read on in one stream for a while; True when its end was reached."""
        crawl = Crawl(
            store=self._store,
            source=self.source(run),
            stream=Stream(name, per),
            run=run,
            tell=tell,
            stop=stop,
        )
        return crawl.run_slice(SLICE_SECONDS)

    def finish_stream(self, run: RunInfo, name: str, per: str) -> dict[str, Any]:
        """End one stream; returns its counts and why it is incomplete."""
        source = self.source(run)
        ending = Finisher(self._store, source, Stream(name, per), run).finish()
        with self._store.unit(run.scope) as session:
            row = session.get_one(SyncRun, run.run_id)
            row.counts = {**row.counts, name: dict(ending.counts)}
            earlier = parts(row.incomplete_reason)  # the last reading counts
            kept = [text for text in earlier if not text.startswith(f"{name}: ")]
            row.incomplete_reason = joined([*kept, *reasons_in(name, ending)])
        return {"counts": dict(ending.counts)}

    def read_feed(self, run: RunInfo) -> dict[str, Any]:
        """Ask the change feed what changed since the last time.

        Returns:
            ``subjects``: customers or companies to read again, those that earlier runs
            could not read included; ``streams``: whole streams to read again;
            ``whole``: everything must be read; ``at``: where
            the next question starts.
        """
        source = self.source(run)
        with self._store.read(run.scope) as session:
            feed = session.get_one(SyncMemory, (run.connection_id, FEED))
            last = feed.feed_at or source.ctx.clock.now()
            unread, doubtful = to_read_again(session, run, streams_of(source.info))
        started = source.ctx.clock.now()
        found = self._since(source, last)
        found["subjects"] = list(dict.fromkeys([*found["subjects"], *unread]))
        found["streams"] = list(dict.fromkeys([*found["streams"], *doubtful]))
        return {**found, "at": started.isoformat()}

    def _since(self, source: Source, moment: datetime) -> dict[str, Any]:
        overlap = source.info.capabilities.change_feed_overlap_seconds
        events: list[ChangeEvent] = []
        cursor: str | None = None
        met: set[str] = set()
        while True:
            page = source.changes(moment - timedelta(seconds=overlap), cursor)
            events.extend(page.records())
            cursor = page.next_cursor
            if not page.complete or cursor in met:
                return {"subjects": [], "streams": [], "whole": True}
            if cursor is None:
                return concerned(events)
            met.add(cursor)

    def read_changes_or_all(self, run: RunInfo, full: bool) -> dict[str, Any]:
        """What a whole-connection trigger that joined a running run asks for.

        With a change feed: what changed since this run began. Without, or when a
        full reading is asked for: every stream, forgetting how far this run had read
        them.
        """
        source = self.source(run)
        names = [one.name for one in streams_of(source.info)]
        with self._store.unit(run.scope) as session:
            row = session.get_one(SyncRun, run.run_id)
            began = row.started_at or source.ctx.clock.now()
            drop_checkpoints(session, run)
        if full or not source.info.capabilities.change_feed:
            return {"streams": names, "subjects": []}
        found = self._since(source, began)
        return {
            "streams": names if found["whole"] else found["streams"],
            "subjects": [] if found["whole"] else found["subjects"],
        }

    def refresh(
        self, run: RunInfo, subjects: list[str], *, soon: bool = False
    ) -> dict[str, Any]:
        """Read some customers or companies again; returns counts.

        Args:
            run: On whose behalf.
            subjects: Vendor ids.
            soon: Somebody waits: use the reserved share of the request budget.
        """
        source = self.source(run, soon=soon)
        refresher = Refresher(self._store, source, run)
        counts: Counter[str] = Counter()
        with ThreadPoolExecutor(source.width, "refresh") as pool:
            futures = [
                pool.submit(copy_context().run, self._try_read, source, subject)
                for subject in subjects
            ]
            for subject, future in zip(subjects, futures, strict=True):
                found = future.result()
                if isinstance(found, Snapshot):
                    counts.update(refresher.write(found))
                else:
                    counts["failed"] += 1
                    self._note_failure(run, source, subject, found)
        return {"counts": dict(counts)}

    def _try_read(self, source: Source, subject: str) -> Snapshot | Rejected:
        try:
            return read_subject(source, subject)
        except Rejected as error:
            return error

    def _note_failure(
        self, run: RunInfo, source: Source, subject: str, error: EntrepotError
    ) -> None:
        owner, owned = (
            ("company", "agreements")
            if source.is_psa
            else ("customer", "subscriptions")
        )
        why, now = error.user_message, source.ctx.clock.now()
        with self._store.unit(run.scope) as session:
            row = session.get_one(SyncRun, run.run_id)
            text = f"{owner} {subject}: {why.replace('; ', ', ')}"
            row.incomplete_reason = joined([*parts(row.incomplete_reason), text])
            note_scope(session, run, owned, subject, now, reason=why)

    def add_counts(self, run: RunInfo, name: str, counts: dict[str, int]) -> None:
        """Add counts under a name to the run's."""
        with self._store.unit(run.scope) as session:
            row = session.get_one(SyncRun, run.run_id)
            total = Counter(row.counts.get(name, {}))
            total.update(counts)
            row.counts = {**row.counts, name: dict(total)}

    def close_run(
        self, run: RunInfo, feed_at: str, *, followed: bool = False
    ) -> dict[str, Any]:
        """Close the run: completeness, digest, one audit entry, what comes after.

        Args:
            run: Which.
            feed_at: Where the change feed goes on, ISO 8601; empty = unchanged.
            followed: The run read what the feed named, and nothing else had changed.
        """
        source = self.source(run)
        now = source.ctx.clock.now()
        with self._store.unit(run.scope) as session:
            row = session.get_one(SyncRun, run.run_id)
            if row.ended_at is None:
                if row.mode != "customer":
                    earlier = since_before(session, run)
                    reasons = [*parts(row.incomplete_reason), *earlier]
                    row.incomplete_reason = joined(reasons)
                row.complete = not row.incomplete_reason
                row.state = "complete" if row.complete else "incomplete"
                row.as_of = row.started_at
                row.ended_at = now
                row.digest = digest_of(row)
                if feed_at:
                    asked = datetime.fromisoformat(feed_at)
                    self._feed(session, run, row, source, asked)
                    if followed:
                        advance(session, run, source.info, asked)
                drop_checkpoints(session, run)
                self._audit(session, run, row, source)
                for follow in self.after:
                    follow(session, run, row)
            closed = {"state": row.state, "counts": row.counts}
        self._connections.note_success(run.connection_id)
        return closed

    def _feed(
        self, session: Session, run: RunInfo, row: SyncRun, source: Source, at: datetime
    ) -> None:
        if not source.info.capabilities.change_feed:
            return
        memory = memory_row(session, run, FEED)
        # A full reading leaves out what is listed customer by customer: what the feed
        # told of that since the last time is still to be read.
        owed = row.mode == "full" and bool(leaves_out(source.info))
        if not owed or memory.feed_at is None or at - memory.feed_at > OWED:
            memory.feed_at = at

    def _audit(
        self, session: Session, run: RunInfo, row: SyncRun, source: Source
    ) -> None:
        audit(
            session,
            system_actor("sync", run.tenant_id),
            action="sync.run",
            subject=("connection", run.connection_id),
            why=row.cause,
            after={"run": row.id, "counts": row.counts, "digest": row.digest},
            plugin=f"{source.info.name} {source.info.version}",
        )

    def fail_run(self, run: RunInfo, error: EntrepotError) -> None:
        """Note why the run ended early; parks the connection where that is due."""
        self._connections.authorize_failure(run.connection_id, error)
        now = self._store.clock.now()
        with self._store.unit(run.scope) as session:
            row = session.get(SyncRun, run.run_id)
            if row is None:
                return
            row.state = "failed"
            row.ended_at = now
            row.error_code = error.code
            row.error_text = error.user_message
            row.remedy = error.info.remedy or _default_remedy(error)
            row.incomplete_reason = row.incomplete_reason or error.user_message
            drop_checkpoints(session, run)

    def source(self, run: RunInfo, *, soon: bool = False) -> Source:
        """The run's connection, opened; `soon` for what a person waits for."""
        ctx = self._connections.open(run.connection_id, reserved=soon)
        return Source(self._plugins, ctx)


def concerned(events: list[ChangeEvent]) -> dict[str, Any]:
    """What change events ask to be read again. Pure."""
    subjects: dict[str, None] = {}
    streams: dict[str, None] = {}
    whole = False
    for event in events:
        own = event.object_id if event.kind in _OWN else ""
        subject = event.customer_id or own
        if event.kind in _STREAMS:
            streams[_STREAMS[event.kind]] = None
        elif subject:
            subjects[subject] = None
        elif event.kind is not ChangedKind.OTHER:
            whole = True
    return {
        "subjects": list(subjects),
        "streams": list(streams),
        "whole": whole or len(subjects) > MANY,
    }


_OWN = (ChangedKind.CUSTOMER, ChangedKind.COMPANY)
_STREAMS = {ChangedKind.OFFER: "offers", ChangedKind.PRODUCT: "products"}


def digest_of(row: SyncRun) -> str:
    """A digest over what a run counted, for the audit log."""
    content = [row.id, row.counts, row.complete, row.incomplete_reason]
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def insert_run(
    session: Session,
    *,
    run_id: str,
    tenant_id: str,
    connection_id: str,
    stream: str,
    mode: str,
    subject: str,
    cause: str,
    requested_by: str,
    at: datetime,
) -> None:
    """Make the run's row unless it is there."""
    dialect = session.get_bind().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    session.execute(
        insert(SyncRun.__table__)
        .values(
            id=run_id,
            tenant_id=tenant_id,
            connection_id=connection_id,
            stream=stream,
            mode=mode,
            subject=subject,
            state="queued",
            cause=cause,
            requested_by=requested_by,
            created_at=at,
            counts={},
            complete=False,
            incomplete_reason="",
            error_code="",
            error_text="",
            remedy="",
            digest="",
        )
        .on_conflict_do_nothing()
    )


def _default_remedy(error: EntrepotError) -> str:
    if isinstance(error, Retryable):
        return "Wait: the next scheduled run tries again. Or start it by hand."
    return "Check the connection, then start the sync again."
