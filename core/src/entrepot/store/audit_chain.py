"""Checking that nobody changed the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.store.audit_tables import (
    FIRST_HASH,
    AuditEntry,
    AuditHead,
    AuditPayload,
    entry_hash,
    payload_digest,
)

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class BrokenEntry:
    """The first entry at which a chain does not hold.

    Attributes:
        seq: Its number.
        problem: What is wrong, for people.
    """

    seq: int
    problem: str


def verify_chain(session: Session, tenant_id: str) -> BrokenEntry | None:
    """Check a reseller's whole chain.

    Args:
        session: A session whose scope covers the reseller.
        tenant_id: Whose chain; ``system`` for the hub's own.

    Returns:
        The first broken entry, or None when the chain holds. Erased payloads don't
        break it; changed or missing ones do.
    """
    previous, seq = FIRST_HASH, 0
    for entry, payload in _links(session, tenant_id):
        seq += 1
        problem = _problem(entry, payload, previous, seq)
        if problem is not None:
            return BrokenEntry(seq, problem)
        previous = entry.hash
    head = session.get(AuditHead, tenant_id, populate_existing=True)
    ended = (head.seq, head.hash) if head else (0, FIRST_HASH)
    if ended != (seq, previous):
        return BrokenEntry(seq + 1, "entries are missing at the end")
    return None


def _links(
    session: Session, tenant_id: str
) -> Iterator[tuple[AuditEntry, AuditPayload | None]]:
    """Yield the chain in batches, so that a long one needs little memory."""
    last = -1
    while True:
        query = (
            select(AuditEntry, AuditPayload)
            .outerjoin(
                AuditPayload,
                (AuditPayload.id == AuditEntry.payload_id)
                & (AuditPayload.tenant_id == AuditEntry.tenant_id),
            )
            .where(AuditEntry.tenant_id == tenant_id, AuditEntry.seq > last)
            .order_by(AuditEntry.seq)
            .limit(_BATCH)
            .execution_options(populate_existing=True)
        )
        rows = session.execute(query).all()
        for entry, payload in rows:
            last = entry.seq
            yield entry, payload
        if len(rows) < _BATCH:
            return
        session.expunge_all()


def _problem(
    entry: AuditEntry, payload: AuditPayload | None, previous: str, seq: int
) -> str | None:
    """Return what is wrong with one link, or None."""
    if entry.seq != seq:
        return "an entry is missing here"
    if entry.prev_hash != previous:
        return "the entry doesn't follow the one before it"
    if entry.hash != entry_hash(entry):
        return "the entry was changed"
    if payload is None:
        return "the entry's payload is missing"
    if payload.erased_at is None and (
        payload_digest(payload.salt or "", payload.document) != entry.digest
    ):
        return "the entry's payload was changed"
    return None
