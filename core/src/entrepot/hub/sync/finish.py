"""Ending a stream: what vanished, what to remember, how complete it was.

An object that one complete listing lacks is suspect; a second one, or a direct read
that does not find it, ends it. Scopes that could not be read end nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from entrepot.hub.sync.checkpoints import (
    Checkpoint,
    close_checkpoint,
    hashes_in_books,
    load_memory,
    memory_row,
)
from entrepot.hub.sync.endings import (
    adopt_accounts,
    chunks,
    end_objects,
    end_subscriptions_of,
    mark_missing,
    rows_by_hash,
)
from entrepot.hub.sync.intake import RunInfo
from entrepot.hub.sync.memory import HashMemory
from entrepot.hub.sync.source import Source, Stream
from entrepot.hub.sync.tables import SyncScope
from entrepot.hub.sync.targets import TARGETS, Target
from entrepot.sdk.errors import EntrepotError, NotFound, Unsupported
from entrepot.store.unit import Store

DIRECT_READS = 100


@dataclass(frozen=True, slots=True)
class Ending:
    """What ending a stream found.

    Attributes:
        complete: Nothing of the stream is missing, as far as anybody can tell.
        reasons: Why not.
        scopes: How many customers or agreements could not be read.
        example: Why one of them could not.
    """

    complete: bool
    reasons: tuple[str, ...]
    scopes: int
    counts: Counter[str]
    example: str = ""


@dataclass(slots=True)
class Finisher:
    """Ends one stream of one run."""

    store: Store
    source: Source
    stream: Stream
    run: RunInfo

    @property
    def target(self) -> Target:
        """The stream's target."""
        return TARGETS[self.stream.name]

    def finish(self) -> Ending:
        """Find what vanished, write it, remember the listing, forget the checkpoint."""
        with self.store.read(self.run.scope) as session:
            point, memory, version = load_memory(session, self.run, self.stream.name)
            if point.closed:
                return Ending(True, (), 0, Counter(point.counts))
            unseen = rows_by_hash(session, self.target, self.run, memory.unseen())
            suspects = [row for row in unseen if row.owner not in point.incomplete]
            returned = self._returned(session, memory)
        reasons = reasons_of(point)
        gone, still_there = self._confirm(suspects)
        if still_there:
            reasons.append(_not_listed(len(still_there)))
        now = self.source.ctx.clock.now()
        with self.store.unit(self.run.scope) as session:
            # A scope that was not read this time (its owner vanished) ends nothing.
            if not reasons:
                named = {row.id for row in [*gone, *still_there]}
                open_ones = [row for row in suspects if row.id not in named]
                gone += [row for row in open_ones if row.missing_runs >= 1]
                first = [row for row in open_ones if row.missing_runs == 0]
                mark_missing(session, self.target.table, self.run, first, now)
                reasons += self._doubt_missing(point, first)
            self._clear_missing(session, returned)
            end_objects(session, self.target, self.run, gone, now)
            if self.stream.name == "customers":
                end_subscriptions_of(session, self.run, gone, now)
            if self.stream.name == "subscriptions":
                adopt_accounts(session, self.run)
            self._remember(session, point, memory, version, unseen, gone)
            if not reasons:
                memory_row(session, self.run, self.stream.name).complete_at = now
            self._scopes(session, point, now, reasons)
            close_checkpoint(session, self.run, self.stream.name)
        counts = Counter(point.counts)
        counts["gone"] = len(gone)
        counts["missing"] = len(suspects) - len(gone) - len(still_there)
        example = next(iter(point.incomplete.values()), "")
        scopes = len(point.incomplete)
        return Ending(not reasons, tuple(reasons), scopes, counts, example)

    def _doubt_missing(self, point: Checkpoint, rows: list[Any]) -> list[str]:
        """What lacks for the first time is over, or was left out: say so till then.

        What belongs to a customer or company makes that one incomplete only.
        """
        if rows and self.target.owner_column:
            for row in rows:
                point.incomplete.setdefault(row.owner, _missing(1))
            return []
        return [_missing(len(rows))] if rows else []

    def _returned(self, session: Session, memory: HashMemory) -> list[str]:
        table = self.target.table
        rows = session.execute(
            select(table.c.id, table.c.row_hash).where(
                table.c.tenant_id == self.run.tenant_id,
                table.c.connection_id == self.run.connection_id,
                table.c.missing_since.is_not(None),
                table.c.gone_at.is_(None),
            )
        )
        return [row.id for row in rows if memory.has_seen(row.row_hash)]

    def _confirm(self, suspects: list[Any]) -> tuple[list[Any], list[Any]]:
        """Read suspects directly: those not found are over, at once."""
        read = self._direct_reader()
        gone: list[Any] = []
        there: list[Any] = []
        if read is None or len(suspects) > DIRECT_READS:
            return gone, there
        for row in suspects:
            try:
                read(row)
            except NotFound:
                gone.append(row)
            except Unsupported:
                return gone, there
            except EntrepotError:
                continue  # it stays a suspect; the next listing decides
            else:
                there.append(row)
        return gone, there

    def _direct_reader(self) -> Callable[[Any], object] | None:
        source = self.source
        readers: dict[str, Callable[[Any], object]] = {
            "subscriptions": lambda row: source.subscription(row.owner, row.vendor_id),
            "customers": lambda row: source.customer(row.vendor_id),
            "lines": lambda row: source.line(row.owner, row.vendor_id),
        }
        return readers.get(self.stream.name)

    def _clear_missing(self, session: Session, ids: list[str]) -> None:
        table = self.target.table
        for chunk in chunks(ids):
            session.execute(
                update(table)
                .where(table.c.tenant_id == self.run.tenant_id, table.c.id.in_(chunk))
                .values(missing_since=None, missing_runs=0)
            )

    def _remember(
        self,
        session: Session,
        point: Checkpoint,
        memory: HashMemory,
        version: str,
        unseen: list[Any],
        gone: list[Any],
    ) -> None:
        row = memory_row(session, self.run, self.stream.name)
        row.mapping_version = version
        over = {item.id for item in gone}
        live = {item.row_hash for item in unseen if item.id not in over}
        # Hashes that no live row has belong to content that was replaced meanwhile.
        stray = [value for value in memory.unseen() if value not in live]
        counts = point.counts
        written = counts["new"] + counts["changed"] + counts["back"]
        if memory.overflown or len(memory.added) < written:
            row.hashes = hashes_in_books(session, self.run, self.stream.name)
        elif memory.added or memory.replaced or stray or not row.hashes:
            row.hashes = memory.following(stray)

    def _scopes(
        self, session: Session, point: Checkpoint, now: datetime, reasons: list[str]
    ) -> None:
        note_scope(
            session,
            self.run,
            self.stream.name,
            "",
            now,
            reason="; ".join(reasons),
            items=point.counts["read"],
        )
        session.execute(
            delete(SyncScope).where(
                SyncScope.tenant_id == self.run.tenant_id,
                SyncScope.connection_id == self.run.connection_id,
                SyncScope.stream == self.stream.name,
                SyncScope.scope != "",
                SyncScope.scope.not_in(list(point.incomplete)),
            )
        )
        for scope, reason in point.incomplete.items():
            note_scope(session, self.run, self.stream.name, scope, now, reason=reason)


def reasons_of(point: Checkpoint) -> list[str]:
    """Why a listing as a whole may miss something; empty when nothing says so.

    Scopes that could not be read do not count here: they are kept one by one.
    """
    counts = point.counts
    reasons = list(point.doubts)
    if counts["undecodable"]:
        reasons.append(f"{counts['undecodable']} objects could not be understood")
    if counts["duplicates"]:
        reasons.append(
            f"the list repeated {counts['duplicates']} objects; others may be missing"
        )
    if point.total is not None and counts["read"] < point.total:
        reasons.append(f"the list held {counts['read']} of {point.total} objects")
    return reasons


def _not_listed(count: int) -> str:
    return f"{count} objects exist but were not listed"


def _missing(count: int) -> str:
    noun = "object that was" if count == 1 else "objects that were"
    return (
        f"{count} {noun} there before {'is' if count == 1 else 'are'} not listed any "
        "more, the next reading decides"
    )


def note_scope(
    session: Session,
    run: RunInfo,
    stream: str,
    scope: str,
    now: datetime,
    *,
    reason: str = "",
    items: int = 0,
) -> None:
    """Record how completely one scope was read now."""
    values = {
        "tenant_id": run.tenant_id,
        "run_id": run.run_id,
        "complete": not reason,
        "attempted_at": now,
        "items": items,
        "reason": reason,
        **({} if reason else {"complete_at": now}),
    }
    dialect = session.get_bind().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    keys = {"connection_id": run.connection_id, "stream": stream, "scope": scope}
    statement = insert(SyncScope.__table__).values(**keys, **values)
    session.execute(
        statement.on_conflict_do_update(index_elements=list(keys), set_=values)
    )
