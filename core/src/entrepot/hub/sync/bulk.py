"""Writing many changed objects at once: one fact and one projection row each.

The caller is the only writer of the connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, select
from sqlalchemy.orm import Session

from entrepot.hub.sync.driver import Encoded, insert_rows, update_rows
from entrepot.hub.sync.targets import Target
from entrepot.store.ids import new_ids

_LOOK_UP = 5_000
_TICK = timedelta(microseconds=1)  # two states are never learnt at one moment


@dataclass(frozen=True, slots=True)
class Incoming:
    """One object that may have changed.

    Attributes:
        record: The model record.
        row_hash: Signed content hash of the listing's item.
    """

    record: Any
    row_hash: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the books hold of an object."""

    id: str
    row_hash: int
    known_at: datetime
    gone_at: datetime | None
    missing_since: datetime | None


@dataclass(slots=True)
class Merged:
    """What a merge did.

    Attributes:
        new, changed, back, same, stale, repeated: How many objects were new, changed,
            known as gone and back, unchanged after all, older than what we know, or
            listed twice.
        old_hashes: Hashes that changed objects had before.
        new_hashes: Hashes of what was written.
        created: Vendor id and our id of new objects.
    """

    new: int = 0
    changed: int = 0
    back: int = 0
    same: int = 0
    stale: int = 0
    repeated: int = 0
    old_hashes: list[int] = field(default_factory=list)
    new_hashes: list[int] = field(default_factory=list)
    created: list[tuple[str, str]] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a batch comes from.

    Attributes:
        read_at: When the request was sent whose answer the batch holds.
    """

    tenant_id: str
    connection_id: str
    run_id: str
    read_at: datetime


class BulkWriter:
    """Merges batches of one target into the books.

    Args:
        target: What is written.
        extra: Further projection columns for new rows, computed from a record
            (account ids, say), by name.
        extra_always: Like `extra`, but also refreshed when a row changes.
    """

    def __init__(
        self,
        target: Target,
        *,
        extra: Sequence[tuple[str, Callable[[Any], Any]]] = (),
        extra_always: Sequence[tuple[str, Callable[[Any], Any]]] = (),
    ) -> None:
        self.target = target
        self._extra = tuple(extra)
        self._always = tuple(extra_always)

    def merge(
        self,
        session: Session,
        batch: Sequence[Incoming],
        origin: Origin,
        *,
        empty: bool = False,
        force: bool = False,
    ) -> Merged:
        """Write what is new or changed in `batch`.

        Args:
            session: Of a write unit.
            batch: In the order read; of two versions of one object the later wins.
            origin: Where the batch comes from.
            empty: The connection is known to hold no such object yet.
            force: Write known objects whatever their hash; the caller compared.
        """
        session.flush()
        done = Merged()
        wanted = self._unique(batch, done)
        known = {} if empty else self.known(session, origin.connection_id, wanted)
        fresh: list[tuple[str, Incoming]] = []
        stale_or_changed: list[tuple[Known, Incoming]] = []
        for vendor_id, item in wanted.items():
            row = known.get(vendor_id)
            if row is None:
                fresh.append((vendor_id, item))
            elif self._is_newer(row, item, origin, done, force=force):
                stale_or_changed.append((row, item))
        connection = session.connection()
        self._insert(connection, fresh, origin, done)
        self._update(connection, stale_or_changed, origin, done)
        return done

    def known(
        self, session: Session, connection_id: str, vendor_ids: Iterable[str]
    ) -> dict[str, Known]:
        """What the books hold of these objects, by vendor id."""
        table = self.target.table
        columns = (
            table.c.vendor_id,
            table.c.id,
            table.c.row_hash,
            table.c.known_at,
            table.c.gone_at,
            table.c.missing_since,
        )
        tenant = session.info["state"].scope.tenant_id
        found: dict[str, Known] = {}
        for chunk in _chunks(list(vendor_ids), _LOOK_UP):
            rows = session.execute(
                select(*columns).where(
                    table.c.tenant_id == tenant,
                    table.c.connection_id == connection_id,
                    table.c.vendor_id.in_(chunk),
                )
            )
            found.update({row[0]: Known(*row[1:]) for row in rows})
        return found

    def _unique(self, batch: Sequence[Incoming], done: Merged) -> dict[str, Incoming]:
        by_id = {self.target.vendor_id(item.record): item for item in batch}
        done.repeated = len(batch) - len(by_id)
        return by_id

    def _is_newer(
        self, row: Known, item: Incoming, origin: Origin, done: Merged, *, force: bool
    ) -> bool:
        if row.known_at > origin.read_at:
            done.stale += 1
            return False
        if row.row_hash == item.row_hash and row.gone_at is None and not force:
            done.same += 1
            done.new_hashes.append(item.row_hash)
            return False
        done.old_hashes.append(row.row_hash)
        return True

    def _insert(
        self,
        connection: Connection,
        fresh: list[tuple[str, Incoming]],
        origin: Origin,
        done: Merged,
    ) -> None:
        if not fresh:
            return
        ids = new_ids(self.target.prefix, len(fresh))
        extras = (*self._extra, *self._always)
        columns = (*_SYSTEM, *self.target.columns, *(name for name, _ in extras))
        others = _defaults(self.target.table, columns)
        rows = [
            (
                row_id,
                origin.tenant_id,
                origin.connection_id,
                vendor_id,
                item.row_hash,
                origin.read_at,
                0,
                *self.target.values(item.record),
                *(fill(item.record) for _, fill in extras),
                *(value for _, value in others),
            )
            for row_id, (vendor_id, item) in zip(ids, fresh, strict=True)
        ]
        columns = (*columns, *(name for name, _ in others))
        insert_rows(connection, self.target.table, columns, rows)
        facts = zip(ids, (item for _, item in fresh), strict=True)
        self._facts(
            connection, [(i, item, "new", origin.read_at) for i, item in facts], origin
        )
        done.new += len(rows)
        done.new_hashes.extend(item.row_hash for _, item in fresh)
        done.created.extend(
            (vendor_id, row_id)
            for row_id, (vendor_id, _) in zip(ids, fresh, strict=True)
        )
        done.touched.extend(ids)

    def _update(
        self,
        connection: Connection,
        changed: list[tuple[Known, Incoming]],
        origin: Origin,
        done: Merged,
    ) -> None:
        if not changed:
            return
        columns = (
            "row_hash",
            "known_at",
            "missing_since",
            "missing_runs",
            "gone_at",
            *self.target.columns,
            *(name for name, _ in self._always),
        )
        learnt = [max(origin.read_at, row.known_at + _TICK) for row, _ in changed]
        rows = [
            (
                row.id,
                item.row_hash,
                at,
                None,
                0,
                None,
                *self.target.values(item.record),
                *(fill(item.record) for _, fill in self._always),
            )
            for (row, item), at in zip(changed, learnt, strict=True)
        ]
        update_rows(connection, self.target.table, columns, rows)
        kinds = ["back" if row.gone_at else "changed" for row, _ in changed]
        self._facts(
            connection,
            [
                (row.id, item, kind, at)
                for (row, item), kind, at in zip(changed, kinds, learnt, strict=True)
            ],
            origin,
        )
        done.back += kinds.count("back")
        done.new_hashes.extend(item.row_hash for _, item in changed)
        done.changed += kinds.count("changed")
        done.touched.extend(row.id for row, _ in changed)

    def _facts(
        self,
        connection: Connection,
        items: list[tuple[str, Incoming, str, datetime]],
        origin: Origin,
    ) -> None:
        target = self.target
        if target.fact is None:
            return
        dated = "date_estimated" in target.fact.c
        further = target.fact_columns
        columns = (
            *_FACT,
            *(("date_estimated",) if dated else ()),
            *(name for name, _ in further),
        )
        rows = []
        for row_id, item, change, at in items:
            since = target.since(item.record)
            if since is None and change == "new":
                since = target.began(item.record)
            rows.append(
                (
                    row_id,
                    at,
                    origin.tenant_id,
                    origin.connection_id,
                    since or at,
                    origin.run_id,
                    change,
                    Encoded(msgspec.json.encode(item.record).decode()),
                    *((since is None,) if dated else ()),
                    *(fill(item.record) for _, fill in further),
                )
            )
        insert_rows(connection, target.fact, columns, rows)


_SYSTEM = (
    "id",
    "tenant_id",
    "connection_id",
    "vendor_id",
    "row_hash",
    "known_at",
    "missing_runs",
)
_FACT = (
    "object_id",
    "known_at",
    "tenant_id",
    "connection_id",
    "valid_from",
    "run_id",
    "change",
    "payload",
)


def _defaults(table: Table, given: Sequence[str]) -> list[tuple[str, Any]]:
    """The defaults of columns that a new row does not fill, as the ORM would."""
    found: list[tuple[str, Any]] = []
    for column in table.columns:
        default = column.default
        if column.name in given or default is None:
            continue
        value = default.arg(None) if default.is_callable else default.arg  # type: ignore[attr-defined]  # scalar or callable, we use no other
        found.append((column.name, value))
    return found


def _chunks(items: list[str], size: int) -> Iterable[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
