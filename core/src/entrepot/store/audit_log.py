"""The audit log: every change with who, what and why, in a chain of hashes.

The chain runs over digests. What changed (before, after) lies beside it in rows
that can be erased, so that forgetting a person leaves the chain valid.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from entrepot.sdk.redaction import Redactor
from entrepot.store.actor import Actor, system_actor
from entrepot.store.audit_tables import (
    FIRST_HASH,
    AuditEntry,
    AuditHead,
    AuditPayload,
    entry_hash,
    payload_digest,
)
from entrepot.store.base import Base
from entrepot.store.ids import new_id
from entrepot.store.scope import Scope, SystemScope, TenantScope
from entrepot.store.types import JsonText

_PENDING = "audit_pending"
_by_name = Redactor()


@dataclass(frozen=True, slots=True)
class Subject:
    """The object an entry is about.

    Args:
        kind: Name of the kind (``customer``, ``connection``).
        id: Its identifier.
        person: The person whose data the payload holds, for erasure.
    """

    kind: str
    id: str
    person: str | None = None


@dataclass(frozen=True, slots=True)
class _Pending:
    tenant_id: str
    actor: Actor
    at: datetime
    action: str
    subject: Subject
    document: dict[str, Any]
    plugin: str | None


def audit(
    session: Session,
    actor: Actor,
    *,
    action: str,
    subject: Subject | tuple[str, str],
    why: str = "",
    before: Any = None,  # noqa: ANN401 - any JSON document
    after: Any = None,  # noqa: ANN401 - any JSON document
    plugin: str | None = None,
) -> None:
    """Record a change; it is written with the unit of work or not at all.

    Values under names of secrets, and those that the store's redactor knows, are
    replaced before anything is stored. The entries of a unit are appended in order
    at its end (`write_pending`).

    Args:
        session: The unit's session.
        actor: Who did it.
        action: ``noun.verb`` such as ``mapping.confirm``.
        subject: What it was done to: a `Subject` or (kind, id).
        why: The reason, for people; a request, a schedule, a person's words.
        before: JSON-ready values before the change, or None.
        after: JSON-ready values after the change, or None.
        plugin: ``name version`` of the plugin involved, or None.

    Raises:
        TypeError: ``before`` or ``after`` isn't JSON-ready.
    """
    document = {
        "actor_name": actor.name,
        "why": why or (actor.by.reason if actor.by else ""),
        "before": before,
        "after": after,
    }
    if actor.by is not None:
        document["by"] = {"id": actor.by.id, "name": actor.by.name}
    redactor: Redactor = session.info.get("redactor") or _by_name
    # Through JSON and back: the digest is taken of exactly what can be read later.
    clean = json.loads(JsonText.dumps(redactor.data(document)))
    pending: list[_Pending] = session.info.setdefault(_PENDING, [])
    pending.append(
        _Pending(
            tenant_id=_chain_of(session, actor),
            actor=actor,
            at=session.info["clock"].now(),
            action=action,
            subject=subject if isinstance(subject, Subject) else Subject(*subject),
            document=clean,
            plugin=plugin,
        )
    )


def write_pending(session: Session) -> None:
    """Append the entries recorded so far to their chains, under the chains' locks.

    The unit of work calls this at its end; call it earlier only to read them back.
    """
    pending: list[_Pending] = session.info.pop(_PENDING, [])
    # One order of locks for all units: no two can wait for each other.
    for tenant in sorted({entry.tenant_id for entry in pending}):
        head = _lock_head(session, tenant)
        for entry in pending:
            if entry.tenant_id == tenant:
                _append(session, head, entry)
    session.flush()


def note_system_work(session: Session, scope: Scope, changed: Counter[str]) -> None:
    """Record what a system scope changed in resellers' tables.

    Tables marked ``info={"operational": True}`` (progress, leases, counters) and the
    audit log's own don't count: they say nothing about the business.
    """
    if not isinstance(scope, SystemScope):
        return
    counted = {
        name: count for name, count in sorted(changed.items()) if not _operational(name)
    }
    if counted:
        audit(
            session,
            system_actor(scope.name),
            action="system.work",
            subject=("scope", scope.name),
            after={"statements": counted},
        )


def _append(session: Session, head: AuditHead, pending: _Pending) -> None:
    salt = secrets.token_hex(16)
    payload = AuditPayload(
        id=new_id("pay"),
        tenant_id=pending.tenant_id,
        person=pending.subject.person,
        salt=salt,
        document=pending.document,
    )
    entry = AuditEntry(
        tenant_id=pending.tenant_id,
        seq=head.seq + 1,
        at=pending.at,
        actor_kind=pending.actor.kind,
        actor_id=pending.actor.id,
        action=pending.action,
        subject_kind=pending.subject.kind,
        subject_id=pending.subject.id,
        plugin=pending.plugin,
        payload_id=payload.id,
        digest=payload_digest(salt, pending.document),
        prev_hash=head.hash,
    )
    entry.hash = entry_hash(entry)
    head.seq, head.hash = entry.seq, entry.hash
    session.add_all([payload, entry])


def _lock_head(session: Session, tenant: str) -> AuditHead:
    """Return the chain's end, locked until the transaction ends."""
    dialect = session.get_bind().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    session.execute(
        insert(AuditHead.__table__)
        .values(tenant_id=tenant, seq=0, hash=FIRST_HASH)
        .on_conflict_do_nothing()
    )
    return session.get_one(
        AuditHead, tenant, with_for_update=True, populate_existing=True
    )


def _chain_of(session: Session, actor: Actor) -> str:
    scope = session.info["state"].scope
    return scope.tenant_id if isinstance(scope, TenantScope) else actor.tenant_id


def _operational(name: str) -> bool:
    info = Base.metadata.tables[name].info
    return bool(info.get("operational")) or name in {
        AuditEntry.__tablename__,
        AuditPayload.__tablename__,
        AuditHead.__tablename__,
    }
