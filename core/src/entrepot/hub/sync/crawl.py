"""Reading a whole stream, page by page, so that it can be resumed after a kill.

Cursor and seen-set are saved in the same unit of work as the rows they stand for:
what was not saved is read again, and pages that were never read are never mistaken
for vanished objects.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from entrepot.hub.sync.bulkstore import bulk_store
from entrepot.hub.sync.checkpoints import (
    Checkpoint,
    ensure_memory,
    load_memory,
    save_checkpoint,
)
from entrepot.hub.sync.intake import Intake, RunInfo
from entrepot.hub.sync.source import Read, Source, Stream
from entrepot.hub.sync.tables import SyncMemory
from entrepot.hub.sync.targets import TARGETS
from entrepot.sdk.errors import NotFound, RateLimited, Rejected, Retryable
from entrepot.sdk.http import prefetch
from entrepot.sdk.model import BillingLock, VendorCustomer
from entrepot.store.unit import Store

BATCH = {"sqlite": 3_000, "postgresql": 20_000}
CHECKPOINT_SECONDS = 5.0
SCOPE_FAILURES = 10  # in a row; then the other side is taken to be down
REPEATED = "the other side sent a page of its list twice"
INCOMPLETE = "the list came incomplete"
_SCOPES = 2_000


@dataclass(frozen=True, slots=True)
class ScopeRead:
    """What one customer or agreement listed, or why it could not be read.

    Attributes:
        unanswered: Nobody answered, however often it was tried.
    """

    scope: str
    reads: tuple[Read, ...] = ()
    lock: BillingLock | None = None
    lock_at: datetime | None = None
    reason: str = ""
    unanswered: bool = False


@dataclass(slots=True)
class Crawl:
    """One stream's reading within one run.

    Attributes:
        store: The hub's database.
        source: The connection.
        stream: What is read.
        run: On whose behalf.
        tell: Called with the number of objects read so far and the total if known.
        stop: True when the run shall stop early (cancelled, worker ends).
    """

    store: Store
    source: Source
    stream: Stream
    run: RunInfo
    tell: Callable[[int, int | None], None]
    stop: Callable[[], bool]
    point: Checkpoint = field(init=False)
    intake: Intake = field(init=False)
    _saved: float = field(init=False, default=0.0)
    _over: bool = field(init=False, default=False)
    _ended: bool = field(init=False, default=False)

    def run_slice(self, seconds: float) -> bool:
        """Read on for about `seconds`; True when the stream was read to its end.

        What is under way when the time is over is waited for and kept: whoever lists
        by large customers and few requests a second would else ask most of them twice.
        """
        with _rare_collections(), bulk_store(self.store) as bulk:
            return self._run_slice(bulk, seconds)

    def _run_slice(self, bulk: Store, seconds: float) -> bool:
        self._load(bulk)
        if self.point.finished:
            return True
        until = self._now() + seconds
        self._saved = self._now()
        pages = self._scoped() if self.stream.per else self._flat()
        with closing(pages):
            for _ in pages:
                self.tell(self.intake.counts["read"], self.point.total)
                if self._is_due():
                    self._save()
                self._over = self._over or self._now() > until or self.stop()
        self.point.finished = self._ended
        self._save()
        return self.point.finished

    def _load(self, bulk: Store) -> None:
        target = TARGETS[self.stream.name]
        known = None
        with self.store.read(self.run.scope) as session:
            self.point, memory, version = load_memory(
                session, self.run, self.stream.name
            )
            if self.point.fresh:
                self.point.empty = not _has_rows(session, target.table, self.run)
                known = session.get(
                    SyncMemory, (self.run.connection_id, self.stream.name)
                )
        if self.point.fresh and known is None:
            with self.store.unit(self.run.scope) as session:
                ensure_memory(session, self.run, self.stream.name)
                _, memory, version = load_memory(session, self.run, self.stream.name)
        self.intake = Intake(
            store=bulk,
            run=self.run,
            stream=self.stream.name,
            memory=memory,
            memory_version=version,
            empty=self.point.empty,
            counts=self.point.counts,
            detail=self._details if self._has_details() else None,
        )

    def _now(self) -> float:
        return self.source.ctx.clock.monotonic()

    def _is_due(self) -> bool:
        full = self.intake.waiting >= BATCH[self.store.dialect]
        return full or self._now() - self._saved >= CHECKPOINT_SECONDS

    def _save(self) -> None:
        def also(session: Session) -> None:
            save_checkpoint(
                session,
                self.run,
                self.stream.name,
                self.point,
                self.intake,
                self.source.ctx.clock.now(),
            )

        self.intake.flush(also)
        self.point.empty = self.intake.empty
        self._saved = self._now()

    # One listing over the whole connection

    def _flat(self) -> Generator[None]:
        with prefetch(self._pages(), depth=4) as reads:
            for read in reads:
                self.intake.take(read.page, read.read_at)
                self._note_page(read)
                yield

    def _pages(self) -> Iterator[Read]:
        cursor = self.point.cursor
        met = {cursor}
        while True:
            read = self.source.page(self.stream.name, "", cursor)
            yield read
            cursor = read.page.next_cursor
            if cursor in met and cursor is not None:
                self.point.doubt(REPEATED)
            if cursor is None or cursor in met:
                self._ended = True
                return
            if self._over:
                return
            met.add(cursor)

    def _note_page(self, read: Read) -> None:
        page = read.page
        self.point.cursor = page.next_cursor or self.point.cursor
        self.point.total = page.total if page.total is not None else self.point.total
        if not page.complete:
            self.point.doubt(page.incomplete_reason or INCOMPLETE)

    # One listing per customer or agreement

    def _scoped(self) -> Generator[None]:
        with ThreadPoolExecutor(self.source.width, "sync") as pool:
            waiting: deque[Future[ScopeRead]] = deque()
            try:
                for scope in self._scopes():
                    if self._over:
                        break
                    waiting.append(
                        pool.submit(copy_context().run, self._read_scope, scope)
                    )
                    if len(waiting) >= 2 * self.source.width:
                        self._take_scope(waiting.popleft().result())
                        yield
                else:
                    self._ended = True
                while self._left(waiting):
                    self._take_scope(waiting.popleft().result())
                    yield
            finally:
                for future in waiting:
                    future.cancel()

    def _left(self, waiting: deque[Future[ScopeRead]]) -> int:
        """How many are to be taken; when the time is over, only those that began."""
        while self._over and waiting and waiting[-1].cancel():
            waiting.pop()
            self._ended = False
        return len(waiting)

    def _scopes(self) -> Iterator[str]:
        table = TARGETS[self.stream.per].table
        after = self.point.after_scope
        while True:
            with self.store.read(self.run.scope) as session:
                found = _next_scopes(session, table, self.run, after)
            yield from found
            if len(found) < _SCOPES:
                return
            after = found[-1]

    def _read_scope(self, scope: str) -> ScopeRead:
        try:
            return self._all_of(scope)
        except NotFound as error:
            return ScopeRead(scope, reason=error.user_message)
        except Rejected as error:
            return ScopeRead(scope, reason=error.user_message)
        except RateLimited:
            raise
        except Retryable as error:
            return ScopeRead(scope, reason=error.user_message, unanswered=True)

    def _all_of(self, scope: str) -> ScopeRead:
        reads: list[Read] = []
        cursor: str | None = None
        while True:
            read = self.source.page(self.stream.name, scope, cursor)
            reads.append(read)
            following = read.page.next_cursor
            if following is None:
                break
            if following == cursor:
                return ScopeRead(scope, tuple(reads), reason=REPEATED)
            cursor = following
        if self.stream.name != "lines":
            return ScopeRead(scope, tuple(reads))
        asked_at = self.source.ctx.clock.now()
        return ScopeRead(scope, tuple(reads), self.source.lock(scope), asked_at)

    def _take_scope(self, got: ScopeRead) -> None:
        for read in got.reads:
            self.intake.take(read.page, read.read_at)
            if not read.page.complete:
                reason = read.page.incomplete_reason or INCOMPLETE
                self.point.incomplete[got.scope] = reason
        if got.lock is not None and got.lock_at is not None:
            self.intake.take_lock(got.lock, got.lock_at)
        if got.reason:
            self.point.incomplete[got.scope] = got.reason
        self.point.after_scope = got.scope
        self.point.scopes += 1
        self._watch_failures(got.reason if got.unanswered else "")

    def _watch_failures(self, reason: str) -> None:
        self.point.failures = self.point.failures + 1 if reason else 0
        if self.point.failures >= SCOPE_FAILURES:
            self.point.failures = 0
            raise Retryable(
                "other_side_down",
                "The other side did not answer several requests in a row.",
                detail=reason,
                remedy="Wait; the sync goes on by itself.",
            )

    # Details of customers whose listing carries a part only

    def _has_details(self) -> bool:
        return (
            self.stream.name == "customers"
            and self.source.info.capabilities.customer_details
        )

    def _details(self, records: Any) -> list[VendorCustomer]:  # noqa: ANN401 - a sequence of customers
        with ThreadPoolExecutor(self.source.width, "details") as pool:
            futures = [
                pool.submit(copy_context().run, self._full_record, record)
                for record in records
            ]
            return [self._take_details(future.result()) for future in futures]

    def _take_details(self, got: tuple[VendorCustomer, str, bool]) -> VendorCustomer:
        record, reason, unanswered = got
        if reason:
            self.point.incomplete[record.vendor_id] = reason
        self._watch_failures(reason if unanswered else "")
        return record

    def _full_record(self, record: VendorCustomer) -> tuple[VendorCustomer, str, bool]:
        """The customer, why it is a part only, and whether nobody answered."""
        if record.detail_complete:
            return record, "", False
        try:
            return self.source.customer(record.vendor_id), "", False
        except (NotFound, Rejected) as error:
            return record, error.user_message, False
        except RateLimited:
            raise
        except Retryable as error:
            return record, error.user_message, True


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for garbage in cycles less often: records of a load hold none.

    Looking for it as often as usual costs a fifth of a load's time.
    """
    gc.set_threshold(max(_USUAL[0], 100_000), *_USUAL[1:])
    try:
        yield
    finally:
        gc.set_threshold(*_USUAL)


_USUAL = gc.get_threshold()


def _has_rows(session: Session, table: Table, run: RunInfo) -> bool:
    query = (
        select(table.c.id)
        .where(
            table.c.tenant_id == run.tenant_id,
            table.c.connection_id == run.connection_id,
        )
        .limit(1)
    )
    return session.execute(query).first() is not None


def _next_scopes(session: Session, table: Table, run: RunInfo, after: str) -> list[str]:
    query = (
        select(table.c.vendor_id)
        .where(
            table.c.tenant_id == run.tenant_id,
            table.c.connection_id == run.connection_id,
            table.c.gone_at.is_(None),
            table.c.vendor_id > after,
        )
        .order_by(table.c.vendor_id)
        .limit(_SCOPES)
    )
    return list(session.execute(query).scalars())
