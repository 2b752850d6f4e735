"""Recording decisions so that each can be explained and taken back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from entrepot.hub.mapping.rows import TABLES, MapRow, document, load_rows, restore, same
from entrepot.hub.mapping.tables import (
    CustomerMap,
    MappingBatch,
    MappingChange,
    MappingFact,
)
from entrepot.hub.mapping.views import BatchView, Doc
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Conflict, NotFound
from entrepot.store import Actor, audit, new_id

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""A first decision holds for all time before it as well."""

_TICK = timedelta(microseconds=1)
_TOLD = 50  # rows an audit entry spells out
_CHUNK = 500
DECIDED = frozenset({"confirmed", "excluded", "rejected", "stale"})


class Journal:
    """One decision: rows before and after, facts, one audit entry.

    Args:
        session: Of a write unit.
        actor: Who decides.
        clock: Time.
        what: ``customers`` or ``products``.
        action: Word for the decision.
        why: The reason given.
    """

    def __init__(
        self,
        session: Session,
        actor: Actor,
        clock: Clock,
        *,
        what: str,
        action: str,
        why: str = "",
    ) -> None:
        self._session = session
        self._actor = actor
        self.now = clock.now()
        self.batch = MappingBatch(
            id=new_id("mpb"),
            tenant_id=actor.tenant_id,
            what=what,
            action=action,
            actor_id=actor.id,
            actor_name=actor.name,
            at=self.now,
            why=why,
            rows=0,
            undone_by=None,
        )
        self._changes: list[tuple[str, Doc | None, Doc | None, datetime]] = []

    @property
    def size(self) -> int:
        """Rows changed so far."""
        return len(self._changes)

    def stamp(self, row: MapRow) -> None:
        """Write on a row who decided about it, when, and in which batch."""
        row.decided_by = self._actor.name
        row.decided_at = self.now
        row.batch_id = self.batch.id

    def put(self, row: MapRow, before: Doc | None, valid_from: datetime) -> None:
        """Record that a row was added or changed; equal states leave nothing."""
        if before is None:
            row.version = 1
            self._session.add(row)
        elif same(before, document(row)):
            return
        else:
            row.version += 1
        self._changes.append((row.id, before, document(row), valid_from))

    def remove(self, row: MapRow, valid_from: datetime) -> None:
        """Record that a row was taken away."""
        before = document(row)
        self._session.delete(row)
        self._changes.append((row.id, before, None, valid_from))

    def finish(self) -> BatchView:
        """Write the batch; without any change nothing is written."""
        self.batch.rows = len(self._changes)
        if self._changes:
            self._session.add(self.batch)
            known = self._learnt([change[0] for change in self._changes])
            for change in self._changes:
                self._write(*change, known.get(change[0]))
            self._tell()
            self._session.flush()
        return batch_view(self.batch)

    def _write(
        self,
        map_id: str,
        before: Doc | None,
        after: Doc | None,
        valid_from: datetime,
        last: datetime | None,
    ) -> None:
        self._session.add(
            MappingChange(
                batch_id=self.batch.id,
                map_id=map_id,
                tenant_id=self._actor.tenant_id,
                before=before,
                after=after,
            )
        )
        was = before is not None and before["status"] in DECIDED
        is_now = after is not None and after["status"] in DECIDED
        if not was and not is_now:
            return
        change = ("changed" if was else "new") if is_now else "gone"
        self._session.add(
            MappingFact(
                object_id=map_id,
                tenant_id=self._actor.tenant_id,
                known_at=self.now if last is None else max(self.now, last + _TICK),
                valid_from=valid_from,
                run_id=self.batch.id,
                change=change,
                payload={"what": self.batch.what, **((after or before) or {})},
            )
        )

    def _learnt(self, ids: list[str]) -> dict[str, datetime]:
        """When the last fact about each of these rows was learnt."""
        found: dict[str, datetime] = {}
        for at in range(0, len(ids), _CHUNK):
            rows = self._session.execute(
                select(MappingFact.object_id, func.max(MappingFact.known_at))
                .where(MappingFact.object_id.in_(ids[at : at + _CHUNK]))
                .group_by(MappingFact.object_id)
            )
            found.update((row[0], row[1]) for row in rows)
        return found

    def _tell(self) -> None:
        told = self._changes[:_TOLD]
        more = {"more_rows": len(self._changes) - len(told)}
        audit(
            self._session,
            self._actor,
            action=f"mapping.{self.batch.what}.{self.batch.action}",
            subject=("mapping_batch", self.batch.id),
            why=self.batch.why,
            before={"rows": [before for _, before, _, _ in told if before], **more},
            after={"rows": [after for _, _, after, _ in told if after], **more},
        )


def undo(session: Session, actor: Actor, clock: Clock, batch_id: str) -> BatchView:
    """Put every row back to what it was before a batch.

    Raises:
        NotFound: There is no such batch.
        Conflict: It was undone already, or a row was decided anew since.
    """
    batch = session.get(MappingBatch, batch_id, with_for_update=True)
    if batch is None:
        raise NotFound("batch_unknown", f"There is no decision {batch_id}.")
    if batch.undone_by is not None:
        raise Conflict(
            "undone_already",
            "This decision was taken back already.",
            remedy=f"To do it again, undo {batch.undone_by}.",
        )
    changes = session.scalars(
        select(MappingChange).where(MappingChange.batch_id == batch_id)
    ).all()
    journal = Journal(
        session,
        actor,
        clock,
        what=batch.what,
        action="undo",
        why=f"undo of {batch.action} {batch.id}",
    )
    told = _told_from(session, batch_id)
    rows = load_rows(session, batch.what, [change.map_id for change in changes])
    for change in changes:
        _require_untouched(rows.get(change.map_id), change)
    _clear_suggestions(session, batch.what, changes)
    for added in (True, False):  # what was added goes first: it may hold a unique pair
        for change in changes:
            if (change.before is None) is added:
                since = told.get(change.map_id, journal.now)
                row = rows.get(change.map_id)
                _put_back(journal, row or TABLES[batch.what](), change, since)
        session.flush()
    done = journal.finish()
    batch.undone_by = done.id
    return done


def _told_from(session: Session, batch_id: str) -> dict[str, datetime]:
    """Since when each fact of a batch said something: undoing it takes back that."""
    facts = session.execute(
        select(MappingFact.object_id, MappingFact.valid_from).where(
            MappingFact.run_id == batch_id
        )
    )
    return {row[0]: row[1] for row in facts}


def _require_untouched(row: MapRow | None, change: MappingChange) -> None:
    if not same(document(row) if row else None, change.after):
        name = (change.after or change.before or {}).get("target_name", "")
        raise Conflict(
            "decided_since",
            f"The mapping to {name or change.map_id} was decided anew since.",
            remedy="Undo the later decision first.",
        )


def _clear_suggestions(
    session: Session, what: str, changes: Iterable[MappingChange]
) -> None:
    """Take away what the matcher suggested since for customers that come back."""
    if what != "customers":
        return
    docs = [change.before for change in changes if change.before is not None]
    ids = {doc["id"] for doc in docs}
    back = {(doc["psa_connection_id"], doc["account_id"]) for doc in docs}
    found = session.scalars(
        select(CustomerMap).where(
            CustomerMap.psa_connection_id.in_(sorted({psa for psa, _ in back})),
            CustomerMap.status == "suggested",
        )
    )
    for row in found.all():
        if row.id not in ids and (row.psa_connection_id, row.account_id) in back:
            session.delete(row)
    session.flush()


def _put_back(
    journal: Journal, row: MapRow, change: MappingChange, valid_from: datetime
) -> None:
    if change.before is None:
        if change.after is not None:
            journal.remove(row, valid_from)
        return
    before = document(row) if change.after is not None else None
    restore(row, change.before)
    journal.put(row, before, valid_from)


def batch_view(row: MappingBatch) -> BatchView:
    """The batch as a record."""
    return BatchView(
        id=row.id,
        what=row.what,
        action=row.action,
        actor_name=row.actor_name,
        at=row.at,
        why=row.why,
        rows=row.rows,
        undone_by=row.undone_by,
    )
