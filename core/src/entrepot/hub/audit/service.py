"""The audit log as people and auditors use it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Rejected
from entrepot.store import (
    SYSTEM_TENANT,
    Actor,
    PermissionDenied,
    Scope,
    Store,
    SystemScope,
    TenantScope,
    audit,
)
from entrepot.store.audit_chain import BrokenEntry, verify_chain
from entrepot.store.audit_tables import AuditEntry, AuditHead, AuditPayload

MOST = 500
"""The largest page of entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One entry with what is left of its payload.

    Attributes:
        actor_name, why, before, after: None once the payload is erased.
        erased_at: When the payload was erased, or None.
    """

    seq: int
    at: datetime
    actor_kind: str
    actor_id: str
    actor_name: str | None
    action: str
    subject_kind: str
    subject_id: str
    why: str | None
    before: Any
    after: Any
    plugin: str | None
    erased_at: datetime | None
    hash: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, newest first, and where to go on (None at the end)."""

    entries: tuple[AuditRecord, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which entries to list; empty fields don't restrict."""

    action: str = ""
    subject_kind: str = ""
    subject_id: str = ""
    actor_id: str = ""
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What checking one reseller's chain gave.

    Attributes:
        tenant_id: Whose chain; ``system`` for the hub's own.
        entries: How many entries the chain claims to have.
        broken: The first entry that doesn't hold, or None.
    """

    tenant_id: str
    entries: int
    broken: BrokenEntry | None


class AuditService:
    """Lists, verifies and erases.

    Args:
        store: The database.
        clock: Time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def list(self, actor: Actor, query: AuditQuery | None = None) -> AuditPage:
        """Return a page of the actor's reseller's entries, newest first.

        Raises:
            PermissionDenied: The actor lacks ``audit:read``.
            Rejected: The cursor isn't one of ours.
        """
        actor.require("audit:read")
        wanted = query or AuditQuery()
        limit = max(1, min(wanted.limit, MOST))
        with self._store.read(_scope(actor)) as session:
            statement = _select(actor.tenant_id, wanted).limit(limit + 1)
            rows = session.execute(statement).all()
            records = tuple(_record(entry, payload) for entry, payload in rows[:limit])
        more = len(rows) > limit
        return AuditPage(records, str(records[-1].seq) if more else None)

    def verify(self, actor: Actor) -> tuple[ChainReport, ...]:
        """Check the actor's reseller's chain; for an operator, every chain.

        Raises:
            PermissionDenied: The actor lacks ``audit:read``.
        """
        actor.require("audit:read")
        with self._store.read(_scope(actor)) as session:
            return tuple(_report(session, tenant) for tenant in _chains(session, actor))

    def erase_payload(self, actor: Actor, person: str, why: str) -> int:
        """Erase what entries say about a person; the chain stays valid.

        Args:
            actor: Needs ``audit:write``.
            person: As given in the entries' `Subject.person`.
            why: The request or rule behind it; recorded.

        Returns:
            How many payloads were erased.

        Raises:
            PermissionDenied: The actor lacks ``audit:write`` or acts for no reseller.
        """
        actor.require("audit:write")
        if actor.tenant_id == SYSTEM_TENANT:
            raise PermissionDenied("audit:write for a reseller", actor.name)
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            found = session.scalars(
                select(AuditPayload).where(
                    AuditPayload.person == person, AuditPayload.erased_at.is_(None)
                )
            ).all()
            for payload in found:
                self._erase(payload)
            audit(
                session,
                actor,
                action="audit.erase",
                subject=("audit_payload", "many"),
                why=why,
                after={"erased": [payload.id for payload in found]},
            )
            return len(found)

    def _erase(self, payload: AuditPayload) -> None:
        payload.document = None
        payload.salt = None
        payload.person = None
        payload.erased_at = self._clock.now()


def _scope(actor: Actor) -> Scope:
    if actor.tenant_id == SYSTEM_TENANT:
        return SystemScope("audit")
    return TenantScope(actor.tenant_id)


def _chains(session: Session, actor: Actor) -> list[str]:
    """Return whose chains to check: those with a head or any entry."""
    if actor.tenant_id != SYSTEM_TENANT:
        return [actor.tenant_id]
    heads = session.scalars(select(AuditHead.tenant_id))
    entries = session.scalars(select(AuditEntry.tenant_id).distinct())
    return sorted({*heads, *entries})


def _report(session: Session, tenant: str) -> ChainReport:
    head = session.get(AuditHead, tenant)
    entries = head.seq if head else 0
    return ChainReport(tenant, entries, verify_chain(session, tenant))


def _select(tenant: str, query: AuditQuery) -> Select[*tuple[Any, ...]]:
    statement: Select[*tuple[Any, ...]] = (
        select(AuditEntry, AuditPayload)
        .outerjoin(
            AuditPayload,
            (AuditPayload.id == AuditEntry.payload_id)
            & (AuditPayload.tenant_id == AuditEntry.tenant_id),
        )
        .where(AuditEntry.tenant_id == tenant)
        .order_by(AuditEntry.seq.desc())
    )
    for column, value in (
        (AuditEntry.action, query.action),
        (AuditEntry.subject_kind, query.subject_kind),
        (AuditEntry.subject_id, query.subject_id),
        (AuditEntry.actor_id, query.actor_id),
    ):
        if value:
            statement = statement.where(column == value)
    if query.cursor is not None:
        statement = statement.where(AuditEntry.seq < _position(query.cursor))
    return statement


def _position(cursor: str) -> int:
    try:
        return int(cursor)
    except ValueError as error:
        raise Rejected(
            "cursor_invalid",
            "This cursor isn't valid.",
            field="cursor",
            remedy="Start again without a cursor.",
        ) from error


def _record(entry: AuditEntry, payload: AuditPayload | None) -> AuditRecord:
    document = (payload.document if payload else None) or {}
    return AuditRecord(
        seq=entry.seq,
        at=entry.at,
        actor_kind=entry.actor_kind,
        actor_id=entry.actor_id,
        actor_name=document.get("actor_name"),
        action=entry.action,
        subject_kind=entry.subject_kind,
        subject_id=entry.subject_id,
        why=document.get("why"),
        before=document.get("before"),
        after=document.get("after"),
        plugin=entry.plugin,
        erased_at=payload.erased_at if payload else None,
        hash=entry.hash,
    )
