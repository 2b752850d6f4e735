"""Writing many changed objects at once: one fact and one projection row each.

The caller is the only writer of the connection.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Table, select
from sqlalchemy.orm import Session

from entrepot.hub.subscriptions.skus import COUNTED, SkuTally
from entrepot.hub.sync.driver import among, insert_columns, update_columns
from entrepot.hub.sync.forms import Ready, Same, Values
from entrepot.hub.sync.targets import Target
from entrepot.store.ids import new_ids

_LOOK_UP = 5_000
_PIECE = 1_000  # records whose columns are made at once: they fit the cache
_UPDATES = 20_000  # more: for each piece PostgreSQL may read the whole table
Extra = tuple[str, Callable[[Any], Any]]
_TICK = timedelta(microseconds=1)  # two states are never learnt at one moment


@dataclass(slots=True)  # not frozen: one is made for every object of a load
class Incoming:
    """One object that may have changed.

    Attributes:
        record: The model record.
        row_hash: Signed content hash of the listing's item.
        values: The record's values for the target's columns; None = not made yet.
        payload: What a fact holds of it; None as above, or where there are no facts.
    """

    record: Any
    row_hash: int
    values: tuple[Any, ...] | None = None
    payload: str | None = None

    @classmethod
    def of(
        cls, target: Target, records: Iterable[Any], hashes: Sequence[int]
    ) -> list[Incoming]:
        """Objects with all that is written of them.

        To be called while records are being made: later each field must be fetched
        from memory again, which takes longer than the work on it.
        """
        values, kept = target.values, target.fact is not None
        return [
            cls(one, row_hash, values(one), _json(one).decode() if kept else None)
            for one, row_hash in zip(records, hashes, strict=True)
        ]


@dataclass(slots=True)  # not frozen either
class Known:
    """What the books hold of an object; `counted` is what it counts for."""

    id: str
    row_hash: int
    known_at: datetime
    gone_at: datetime | None
    missing_since: datetime | None
    counted: tuple[Any, ...] = ()


@dataclass(slots=True)
class Merged:
    """What a merge did.

    Attributes:
        new, changed, back, same, stale, repeated: How many objects were new, changed,
            known as gone and back, unchanged after all, older than what we know, or
            listed twice.
        old_hashes: Hashes that changed objects had before.
        new_hashes: Hashes of what was written.
    """

    new: int = 0
    changed: int = 0
    back: int = 0
    same: int = 0
    stale: int = 0
    repeated: int = 0
    old_hashes: list[int] = field(default_factory=list)
    new_hashes: list[int] = field(default_factory=list)


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


@dataclass(frozen=True, slots=True)
class States:
    """What facts are made of: which object, what it is now, since when we know.

    Attributes:
        ids, items, changes, moments: A column each.
    """

    ids: Sequence[str]
    items: Sequence[Incoming]
    changes: Values
    moments: Values


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
        extra: Sequence[Extra] = (),
        extra_always: Sequence[Extra] = (),
    ) -> None:
        self.target = target
        self._tally: SkuTally | None = None
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
        tallied = self.target.tallied
        self._tally = SkuTally(tallied) if tallied else None
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
        # In the order of the unique index: the load then walks through it once.
        fresh.sort(key=_first)
        for new in _chunks(fresh, _PIECE):
            self._insert(connection, new, origin, done)
        for changed in _chunks(stale_or_changed, _UPDATES):
            self._update(connection, changed, origin, done)
        if self._tally is not None:
            self._tally.write(connection, origin.tenant_id, origin.connection_id)
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
        kept = [table.c[name] for name in COUNTED] if self.target.tallied else []
        tenant = session.info["state"].scope.tenant_id
        found: dict[str, Known] = {}
        for chunk in _chunks(list(vendor_ids), _LOOK_UP):
            query = select(*columns, *kept).where(
                table.c.tenant_id == tenant,
                table.c.connection_id == connection_id,
                among(session.connection(), table.c.vendor_id, chunk),
            )
            # What is taken off a count must be what stands when the row is written.
            for row in session.execute(query.with_for_update() if kept else query):
                known = Known(row[1], row[2], row[3], row[4], row[5], row[6:])
                found[row[0]] = known
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
        ids = new_ids(self.target.prefix, len(fresh))
        columns: dict[str, Values] = {
            "id": ids,
            "tenant_id": Same(origin.tenant_id),
            "connection_id": Same(origin.connection_id),
            "vendor_id": [vendor_id for vendor_id, _ in fresh],
            "row_hash": [item.row_hash for _, item in fresh],
            "known_at": Same(origin.read_at),
            "missing_runs": Same(0),
        }
        items = [item for _, item in fresh]
        rows = self._fill(columns, items, (*self._extra, *self._always))
        if self._tally is not None:
            self._tally.add(rows)
        columns.update(_defaults(self.target.table, columns))
        insert_columns(connection, self.target.table, columns, len(ids))
        states = States(ids, items, Same("new"), Same(origin.read_at))
        self._facts(connection, states, origin)
        done.new += len(ids)
        done.new_hashes.extend(item.row_hash for _, item in fresh)

    def _fill(
        self, columns: _Columns, items: Sequence[Incoming], extras: Sequence[Extra]
    ) -> list[tuple[Any, ...]]:
        """Add the columns that the other side fills, and `extras`.

        Returns:
            What the other side fills, a row for each item.
        """
        values = self.target.values
        rows = [item.values or values(item.record) for item in items]
        columns.update(zip(self.target.columns, zip(*rows, strict=True), strict=True))
        for name, fill in extras:
            columns[name] = [fill(item.record) for item in items]
        return rows

    def _update(
        self,
        connection: Connection,
        changed: list[tuple[Known, Incoming]],
        origin: Origin,
        done: Merged,
    ) -> None:
        items = [item for _, item in changed]
        learnt = [max(origin.read_at, row.known_at + _TICK) for row, _ in changed]
        ids = [row.id for row, _ in changed]
        columns: dict[str, Values] = {
            "row_hash": [item.row_hash for item in items],
            "known_at": learnt,
            "missing_since": Same(None),
            "missing_runs": Same(0),
            "gone_at": Same(None),
        }
        rows = self._fill(columns, items, self._always)
        if self._tally is not None:
            stood = [row.counted for row, _ in changed if row.gone_at is None]
            self._tally.drop(stood)
            self._tally.add(rows)
        update_columns(connection, self.target.table, ids, columns)
        kinds = ["back" if row.gone_at else "changed" for row, _ in changed]
        states = States(ids, items, kinds, learnt)
        self._facts(connection, states, origin)
        done.back += kinds.count("back")
        done.new_hashes.extend(item.row_hash for item in items)
        done.changed += kinds.count("changed")

    def _facts(
        self,
        connection: Connection,
        states: States,
        origin: Origin,
    ) -> None:
        target, count = self.target, len(states.ids)
        if target.fact is None:
            return
        records = [item.record for item in states.items]
        kinds = _each(states.changes, count)
        known = _each(states.moments, count)
        since = [target.since(record) for record in records]
        for place, kind in enumerate(kinds):
            if since[place] is None and kind == "new":
                since[place] = target.began(records[place])
        columns: dict[str, Values] = {
            "object_id": states.ids,
            "known_at": states.moments,
            "tenant_id": Same(origin.tenant_id),
            "connection_id": Same(origin.connection_id),
            "valid_from": [one or at for one, at in zip(since, known, strict=True)],
            "run_id": Same(origin.run_id),
            "change": states.changes,
            "payload": Ready(
                item.payload or _json(item.record).decode() for item in states.items
            ),
        }
        if "date_estimated" in target.fact.c:
            columns["date_estimated"] = [one is None for one in since]
        for name, fill in target.fact_columns:
            columns[name] = [fill(record) for record in records]
        insert_columns(connection, target.fact, columns, count)


T = TypeVar("T")
_Columns = dict[str, Values]
_json = msgspec.json.Encoder().encode
_first = itemgetter(0)


def _each(values: Values, count: int) -> Sequence[Any]:
    return [values.value] * count if isinstance(values, Same) else values


def _defaults(table: Table, given: Collection[str]) -> dict[str, Same]:
    """The defaults of columns that a new row does not fill, as the ORM would."""
    found: dict[str, Same] = {}
    for column in table.columns:
        default = column.default
        if column.name in given or default is None:
            continue
        value = default.arg(None) if default.is_callable else default.arg  # type: ignore[attr-defined]  # scalar or callable, we use no other
        found[column.name] = Same(value)
    return found


def _chunks(items: list[T], size: int) -> Iterable[list[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
