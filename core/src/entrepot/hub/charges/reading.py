"""Reading one month of usage or charges, page by page, resumable after a kill.

Cursor and the ids met so far are saved in the unit of work of the rows they stand
for, so pages that were never read are never mistaken for withdrawn lines.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.charges import rules
from entrepot.hub.charges.tables import ChargeCheckpoint
from entrepot.hub.charges.targets import TARGETS
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.sync.bulk import BulkWriter, Incoming, Origin
from entrepot.hub.sync.intake import RunInfo
from entrepot.plugins.dispatch import Plugins
from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import NotFound, Rejected
from entrepot.sdk.http import prefetch
from entrepot.sdk.model import Listing, Page, Period
from entrepot.store.unit import Store

log = logging.getLogger(__name__)

BATCH = 5_000
CHECKPOINT_SECONDS = 5.0
REPEATED = "the other side sent a page of its list twice"
INCOMPLETE = "the list came incomplete"
_SCOPES = 500


@dataclass(frozen=True, slots=True)
class Month:
    """What one reading reads: ``charges`` or ``usage`` of one month."""

    kind: str
    name: str

    @property
    def period(self) -> Period:
        """Its days."""
        return rules.period_of(self.name)


@dataclass(frozen=True, slots=True)
class Books:
    """Where a reading reads from and writes to.

    Attributes:
        store: The hub's database.
        plugins: The typed facade.
        ctx: The connection's context.
        run: On whose behalf.
    """

    store: Store
    plugins: Plugins
    ctx: PluginContext
    run: RunInfo

    def listing(self, kind: str) -> Listing:
        """How the connection's plugin lists a kind."""
        can = self.plugins.info(self.ctx.plugin).capabilities
        return can.charges if kind == rules.CHARGES else can.usage

    @property
    def width(self) -> int:
        """How many requests may be under way at once."""
        quotas = self.plugins.info(self.ctx.plugin).quotas
        return max((quota.concurrency for quota in quotas), default=4)

    def page(self, month: Month, customer: str | None, cursor: str | None) -> Page[Any]:
        """One page of a month."""
        if month.kind == rules.CHARGES:
            return self.plugins.list_charges(
                self.ctx,
                ask.ListCharges(
                    period=month.period, customer_id=customer, cursor=cursor
                ),
            )
        return self.plugins.list_usage(
            self.ctx,
            ask.ListUsage(period=month.period, customer_id=customer, cursor=cursor),
        )


@dataclass(slots=True)
class Point:
    """How far a month was read.

    Attributes:
        cursor: Of the next page; None at the start.
        after: Last customer that was read, in the order of ids.
        doubts: Reasons why the whole listing may miss something.
        customers: Customers that could not be read, with the reason; empty where the
            vendor does not know the customer any more.
        finished: The end was reached.
        seen: `id_hash` of every line met.
        counts: Read, new, changed, back, same, duplicates, unkept.
    """

    cursor: str | None = None
    after: str = ""
    doubts: list[str] = field(default_factory=list)
    customers: dict[str, str] = field(default_factory=dict)
    finished: bool = False
    seen: set[int] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    def doubt(self, reason: str) -> None:
        """Note why the listing may miss something; once per reason."""
        if reason not in self.doubts:
            self.doubts.append(reason)

    @property
    def reason(self) -> str:
        """Why the reading is incomplete; empty when it is not."""
        found = list(self.doubts)
        if self.counts["duplicates"]:
            found.append(
                f"the list repeated {self.counts['duplicates']} lines; others may be "
                "missing"
            )
        reasons = [reason for reason in self.customers.values() if reason]
        if reasons:
            example = reasons[0].rstrip(".")
            found.append(f"{len(reasons)} customers incomplete ({example})")
        return "; ".join(found)

    @property
    def whole(self) -> bool:
        """Whether what was not met is withdrawn, but for customers not read."""
        return self.finished and not self.doubts and not self.counts["duplicates"]


@dataclass(slots=True)
class Reading:
    """One slice of reading one month.

    Attributes:
        books: From where, whereto.
        month: What is read.
        tell: Called with the number of lines read so far.
        stop: True when the run shall stop early.
    """

    books: Books
    month: Month
    tell: Callable[[int], None]
    stop: Callable[[], bool]
    point: Point = field(init=False)
    _pending: list[Incoming] = field(init=False, default_factory=list)
    _read_at: datetime | None = field(init=False, default=None)
    _saved: float = field(init=False, default=0.0)

    def run_slice(self, seconds: float) -> bool:
        """Read on for about `seconds`; True when the month was read to its end."""
        run = self.books.run
        with self.books.store.read(run.scope) as session:
            self.point = load_point(session, run, self.month)
        if self.point.finished:
            return True
        self._saved = self._now()
        until = self._saved + seconds
        flat = self.books.listing(self.month.kind) is Listing.GLOBAL
        with closing(self._flat() if flat else self._scoped()) as pages:
            for _ in pages:
                self.tell(self.point.counts["read"])
                if self._is_due():
                    self._save()
                if self._now() > until or self.stop():
                    break
            else:
                self.point.finished = True
        self._save()
        return self.point.finished

    def _now(self) -> float:
        return self.books.ctx.clock.monotonic()

    def _is_due(self) -> bool:
        late = self._now() - self._saved >= CHECKPOINT_SECONDS
        return late or len(self._pending) >= BATCH

    # One listing over the whole connection

    def _flat(self) -> Generator[None]:
        with prefetch(self._pages(None, self.point.cursor), depth=2) as pages:
            for page, read_at in pages:
                self._take(page, read_at)
                self.point.cursor = page.next_cursor or self.point.cursor
                if not page.complete:
                    self.point.doubt(page.incomplete_reason or INCOMPLETE)
                yield

    def _pages(
        self, customer: str | None, cursor: str | None
    ) -> Iterator[tuple[Page[Any], datetime]]:
        met = {cursor}
        while True:
            read_at = self.books.ctx.clock.now()
            page = self.books.page(self.month, customer, cursor)
            yield page, read_at
            cursor = page.next_cursor
            if cursor is None:
                return
            if cursor in met:
                self._repeated(customer)
                return
            met.add(cursor)

    def _repeated(self, customer: str | None) -> None:
        if customer is None:
            self.point.doubt(REPEATED)
        else:
            self.point.customers[customer] = REPEATED

    # One listing per customer

    def _scoped(self) -> Generator[None]:
        width = self.books.width
        with ThreadPoolExecutor(width, "charges") as pool:
            for start in self._customers():
                futures = [
                    (name, pool.submit(copy_context().run, self._all_of, name))
                    for name in start
                ]
                for name, future in futures:
                    for page, read_at in future.result():
                        self._take(page, read_at)
                    self.point.after = name
                yield

    def _customers(self) -> Iterator[list[str]]:
        """Customers not read yet, as many at once as requests may be under way."""
        while True:
            with self.books.store.read(self.books.run.scope) as session:
                found = _next_customers(session, self.books.run, self.point.after)
            for at in range(0, len(found), self.books.width):
                yield found[at : at + self.books.width]
            if len(found) < _SCOPES:
                return

    def _all_of(self, customer: str) -> list[tuple[Page[Any], datetime]]:
        found = []
        try:
            for page, read_at in self._pages(customer, None):
                found.append((page, read_at))
                if not page.complete:
                    reason = page.incomplete_reason or INCOMPLETE
                    self.point.customers[customer] = reason
        except NotFound:
            self.point.customers[customer] = ""  # gone: what we know of it stays
        except Rejected as error:
            self.point.customers[customer] = error.user_message
        return found

    # Taking in

    def _take(self, page: Page[Any], read_at: datetime) -> None:
        for record in self._decoded(page):
            self.point.counts["read"] += 1
            problem = rules.unfit(record)
            if problem:
                self.point.counts["unkept"] += 1
                self.point.doubt(problem)
                continue
            met = rules.id_hash(record.vendor_id)
            self.point.counts["duplicates"] += met in self.point.seen
            self.point.seen.add(met)
            self._pending.append(Incoming(record, rules.content_hash(record)))
        if self._read_at is None or read_at < self._read_at:
            self._read_at = read_at

    def _decoded(self, page: Page[Any]) -> Iterator[Any]:
        if page.raw is None:
            yield from page.items
            return
        for item in page.raw.items:
            try:
                record = page.raw.decode(item)
            except Exception:
                # One line that the plugin cannot read must not hide all others.
                log.exception("%s: a line", self.books.run.connection_id)
                self.point.counts["unkept"] += 1
                self.point.doubt("a line could not be understood")
            else:
                yield record

    def _save(self) -> None:
        run = self.books.run
        with self.books.store.unit(run.scope) as session:
            if self._pending and self._read_at is not None:
                self._merge(session, self._read_at)
            save_point(session, run, self.month, self.point)
        self._pending, self._read_at, self._saved = [], None, self._now()

    def _merge(self, session: Session, read_at: datetime) -> None:
        run, month = self.books.run, self.month
        writer = BulkWriter(
            TARGETS[month.kind], extra_always=(("month", lambda _: month.name),)
        )
        origin = Origin(
            tenant_id=run.tenant_id,
            connection_id=run.connection_id,
            run_id=run.run_id,
            read_at=read_at,
        )
        done = writer.merge(session, self._pending, origin)
        for name in ("new", "changed", "back", "same"):
            self.point.counts[name] += getattr(done, name)


def load_point(session: Session, run: RunInfo, month: Month) -> Point:
    """Where the run left a month; a fresh point when it has not begun it."""
    row = session.get(ChargeCheckpoint, (run.run_id, month.kind, month.name))
    if row is None:
        return Point()
    seen = set(np.frombuffer(row.seen, dtype="<u8").tolist())
    return Point(**row.state, seen=seen, counts=Counter(row.counts))


def save_point(session: Session, run: RunInfo, month: Month, point: Point) -> None:
    """Store how far a month was read, with the ids met."""
    row = session.get(ChargeCheckpoint, (run.run_id, month.kind, month.name))
    if row is None:
        row = ChargeCheckpoint(
            run_id=run.run_id,
            kind=month.kind,
            month=month.name,
            tenant_id=run.tenant_id,
            connection_id=run.connection_id,
        )
        session.add(row)
    row.state = {
        "cursor": point.cursor,
        "after": point.after,
        "doubts": point.doubts,
        "customers": point.customers,
        "finished": point.finished,
    }
    row.seen = np.fromiter(point.seen, dtype="<u8", count=len(point.seen)).tobytes()
    row.counts = dict(point.counts)


def _next_customers(session: Session, run: RunInfo, after: str) -> list[str]:
    query = (
        select(CustomerAccount.vendor_id)
        .where(
            CustomerAccount.tenant_id == run.tenant_id,
            CustomerAccount.connection_id == run.connection_id,
            CustomerAccount.vendor_id > after,
        )
        .order_by(CustomerAccount.vendor_id)
        .limit(_SCOPES)
    )
    return list(session.execute(query).scalars())
