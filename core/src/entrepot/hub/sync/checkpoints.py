"""Where an unfinished run stands, and what a stream remembers between runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from entrepot.hub.sync.memory import HashMemory, pack
from entrepot.hub.sync.tables import SyncCheckpoint, SyncMemory
from entrepot.hub.sync.targets import TARGETS

if TYPE_CHECKING:
    from entrepot.hub.sync.intake import Intake, RunInfo

_ROWS = 10_000  # of hashes read at once: a million rows of Python take 130 MB


@dataclass(slots=True)
class Checkpoint:
    """How far a stream was read.

    Attributes:
        cursor: Of the next page; None at the start.
        after_scope: Last scope that was read, in order of ids.
        scopes: How many scopes were read.
        failures: Scopes that failed in a row.
        incomplete: Scopes that could not be read wholly, with the reason.
        doubts: Reasons why the whole listing may miss something.
        total: Number of objects the other side promised, or None.
        empty: The connection held no such object when the run began.
        fresh: Nothing was saved yet.
        finished: The end was reached.
        closed: What vanished was found; the memory is the next run's already.
        counts: See `Intake`.
    """

    cursor: str | None = None
    after_scope: str = ""
    scopes: int = 0
    failures: int = 0
    incomplete: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    total: int | None = None
    empty: bool = False
    fresh: bool = True
    finished: bool = False
    closed: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    def doubt(self, reason: str) -> None:
        """Note why the listing may miss something; once per reason."""
        if reason not in self.doubts:
            self.doubts.append(reason)

    def as_json(self) -> dict[str, Any]:
        """The part that is stored as JSON."""
        return {
            "cursor": self.cursor,
            "after_scope": self.after_scope,
            "scopes": self.scopes,
            "failures": self.failures,
            "incomplete": self.incomplete,
            "doubts": self.doubts,
            "total": self.total,
            "empty": self.empty,
            "finished": self.finished,
            "closed": self.closed,
        }


def load_memory(
    session: Session, run: RunInfo, stream: str
) -> tuple[Checkpoint, HashMemory, str]:
    """Checkpoint, memory and the mapping version of the memory.

    A run that has saved nothing yet gets a fresh checkpoint. The memory is frozen
    for the run: it is replaced only when a stream is finished.
    """
    saved = session.get(SyncCheckpoint, (run.run_id, stream))
    remembered = session.get(SyncMemory, (run.connection_id, stream))
    known = b"" if remembered is None else remembered.hashes
    version = "" if remembered is None else remembered.mapping_version
    if saved is None:
        return Checkpoint(), HashMemory(known), version
    state = dict(saved.cursor)
    version = state.pop("version")
    point = Checkpoint(**state, fresh=False, counts=Counter(saved.counts))
    if point.closed:
        return point, HashMemory(), version
    memory = HashMemory(known, saved.seen, saved.added, saved.replaced)
    return point, memory, version


def ensure_memory(session: Session, run: RunInfo, stream: str) -> None:
    """Make the memory of a stream from the books when it was lost or never there.

    It must not happen later in a run: what the run wrote would look vanished.
    """
    if session.get(SyncMemory, (run.connection_id, stream)) is None:
        row = memory_row(session, run, stream)
        row.hashes = hashes_in_books(session, run, stream)


def hashes_in_books(session: Session, run: RunInfo, stream: str) -> bytes:
    """The packed hashes of everything the books hold of a stream and is not over."""
    table = TARGETS[stream].table
    found = session.execute(
        select(table.c.row_hash)
        .where(
            table.c.tenant_id == run.tenant_id,
            table.c.connection_id == run.connection_id,
            table.c.gone_at.is_(None),
        )
        .execution_options(yield_per=_ROWS)
    )
    return pack(found.scalars())


def save_checkpoint(
    session: Session,
    run: RunInfo,
    stream: str,
    point: Checkpoint,
    intake: Intake,
    at: datetime,
) -> None:
    """Store how far the stream was read, with the seen-set."""
    row = session.get(SyncCheckpoint, (run.run_id, stream))
    if row is None:
        row = SyncCheckpoint(
            run_id=run.run_id,
            stream=stream,
            tenant_id=run.tenant_id,
            connection_id=run.connection_id,
        )
        session.add(row)
    row.cursor = {**point.as_json(), "version": intake.memory_version}
    row.seen = intake.memory.packed_seen()
    row.added = intake.memory.packed_added()
    row.replaced = intake.memory.packed_replaced()
    row.counts = dict(intake.counts)
    row.saved_at = at


def close_checkpoint(session: Session, run: RunInfo, stream: str) -> None:
    """Note that the stream is ended, so that ending it again does nothing."""
    row = session.get_one(SyncCheckpoint, (run.run_id, stream))
    row.cursor = {**row.cursor, "closed": True}
    row.seen, row.added, row.replaced = b"", b"", b""


def drop_checkpoints(session: Session, run: RunInfo) -> None:
    """Forget the checkpoints of a run that is closed."""
    session.execute(
        delete(SyncCheckpoint).where(
            SyncCheckpoint.tenant_id == run.tenant_id,
            SyncCheckpoint.run_id == run.run_id,
        )
    )


def drop_others(session: Session, run: RunInfo) -> None:
    """Forget the checkpoints of earlier runs of the connection that never closed.

    Of the runs that read a whole connection one is active at a time.
    """
    session.execute(
        delete(SyncCheckpoint).where(
            SyncCheckpoint.tenant_id == run.tenant_id,
            SyncCheckpoint.connection_id == run.connection_id,
            SyncCheckpoint.run_id != run.run_id,
        )
    )


def remember(
    session: Session, run: RunInfo, stream: str, *, version: str, hashes: bytes
) -> SyncMemory:
    """Replace what a stream remembers; returns the row for further fields."""
    row = memory_row(session, run, stream)
    row.mapping_version = version
    row.hashes = hashes
    return row


def memory_row(session: Session, run: RunInfo, stream: str) -> SyncMemory:
    """The memory of a stream, made when there is none."""
    row = session.execute(
        select(SyncMemory).where(
            SyncMemory.connection_id == run.connection_id,
            SyncMemory.stream == stream,
        )
    ).scalar_one_or_none()
    if row is None:
        row = SyncMemory(
            connection_id=run.connection_id,
            stream=stream,
            tenant_id=run.tenant_id,
            mapping_version="",
            hashes=b"",
            feed_cursor="",
        )
        session.add(row)
    return row
