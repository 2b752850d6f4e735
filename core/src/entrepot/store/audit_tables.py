"""Tables and hashes of the audit log."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.store.base import Base, TenantOwned
from entrepot.store.types import JsonText, UtcDateTime

FIRST_HASH = "0" * 64
"""What the first entry of a chain points back to."""


class AuditEntry(Base, TenantOwned):
    """One link of a reseller's chain; never changed, never deleted alone."""

    __tablename__ = "audit_entry"
    __table_args__ = ({"info": {"append_only": True}},)

    tenant_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(80), index=True)
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(200), index=True)
    plugin: Mapped[str | None] = mapped_column(String(80))
    payload_id: Mapped[str] = mapped_column(String(40))
    digest: Mapped[str] = mapped_column(String(64))
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditPayload(Base, TenantOwned):
    """What may be personal about an entry, erasable.

    `document` holds ``actor_name``, ``why``, ``before`` and ``after``.
    """

    __tablename__ = "audit_payload"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    person: Mapped[str | None] = mapped_column(String(80), index=True)
    salt: Mapped[str | None] = mapped_column(String(32))
    document: Mapped[Any] = mapped_column(JsonText, nullable=True)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AuditHead(Base, TenantOwned):
    """The end of each chain: cutting off the last entries shows as well."""

    __tablename__ = "audit_head"

    tenant_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))


def entry_hash(entry: AuditEntry) -> str:
    """Return the hash that seals ``entry`` and all entries before it."""
    moment = UtcDateTime.to_utc(entry.at).isoformat(timespec="microseconds")
    sealed = [
        entry.prev_hash,
        entry.tenant_id,
        entry.seq,
        moment,
        entry.actor_kind,
        entry.actor_id,
        entry.action,
        entry.subject_kind,
        entry.subject_id,
        entry.plugin,
        entry.payload_id,
        entry.digest,
    ]
    return hashlib.sha256(JsonText.dumps(sealed).encode()).hexdigest()


def payload_digest(salt: str, document: object) -> str:
    """Return a payload's digest.

    The salt is erased with the payload, so that nobody can find out what was erased
    by trying likely values.
    """
    sealed = JsonText.dumps([salt, document])
    return hashlib.sha256(sealed.encode()).hexdigest()
