"""Tables: sync runs, their completeness records, checkpoints and memory."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.store.base import Base, TenantOwned
from entrepot.store.types import JsonText, UtcDateTime


class SyncRun(TenantOwned, Base):
    """One reading of one connection.

    `state` is ``queued``, ``running``, ``complete``, ``incomplete``, ``failed`` or
    ``cancelled``. `counts` holds read, new, changed, gone, back, unchanged and
    duplicates per stream; `digest` covers what was written.
    """

    __tablename__ = "sync_run"
    __table_args__ = (
        Index("ix_sync_run_tenant_id_id", "tenant_id", "id"),
        Index("ix_sync_run_connection_id_created_at", "connection_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    connection_id: Mapped[str] = mapped_column(String(40))
    stream: Mapped[str] = mapped_column(String(120))  # crawl, or customer:<id>
    mode: Mapped[str] = mapped_column(String(20))  # full, incremental, customer
    subject: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(20))
    cause: Mapped[str] = mapped_column(String(40), default="")
    requested_by: Mapped[str] = mapped_column(String(100), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    as_of: Mapped[datetime | None] = mapped_column(UtcDateTime)
    counts: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    complete: Mapped[bool] = mapped_column(default=False)
    incomplete_reason: Mapped[str] = mapped_column(Text, default="")
    error_code: Mapped[str] = mapped_column(String(100), default="")
    error_text: Mapped[str] = mapped_column(Text, default="")
    remedy: Mapped[str] = mapped_column(Text, default="")
    digest: Mapped[str] = mapped_column(String(64), default="")


class SyncScope(TenantOwned, Base):
    """How completely one listing scope was last read.

    A scope is a stream, and within it one customer or agreement where the other
    side lists by those; `scope` is empty for a listing over the whole connection.
    """

    __tablename__ = "sync_scope"

    connection_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    stream: Mapped[str] = mapped_column(String(40), primary_key=True)
    scope: Mapped[str] = mapped_column(String(200), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    run_id: Mapped[str] = mapped_column(String(200))
    complete: Mapped[bool]
    complete_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    items: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(Text, default="")


class SyncAhead(TenantOwned, Base):
    """A customer whose contacts and orders were read without anybody asking.

    `reason` says why they could not be read; empty when they were.
    """

    __tablename__ = "sync_ahead"

    connection_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    scope: Mapped[str] = mapped_column(String(200), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(Text, default="")


class SyncCheckpoint(TenantOwned, Base):
    """Where an unfinished run stands: cursor and seen-set together."""

    __tablename__ = "sync_checkpoint"

    run_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    stream: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    connection_id: Mapped[str] = mapped_column(String(40))
    cursor: Mapped[dict[str, Any]] = mapped_column(JsonText)
    seen: Mapped[bytes] = mapped_column(LargeBinary)
    added: Mapped[bytes] = mapped_column(LargeBinary)
    replaced: Mapped[bytes] = mapped_column(LargeBinary)
    counts: Mapped[dict[str, Any]] = mapped_column(JsonText)
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SyncMemory(TenantOwned, Base):
    """What a stream remembers between runs.

    `hashes` is the sorted array of content hashes (unsigned 64 bit, little endian)
    of the last complete listing, valid for `mapping_version` only. `feed_cursor` is
    where the change feed was left.
    """

    __tablename__ = "sync_memory"

    connection_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    stream: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    mapping_version: Mapped[str] = mapped_column(String(100), default="")
    hashes: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    feed_cursor: Mapped[str] = mapped_column(Text, default="")
    feed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    complete_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
