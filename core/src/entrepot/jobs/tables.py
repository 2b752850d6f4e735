"""Tables of durable work. The engine has its own beside these; nobody reads those."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.store.base import Base, TenantOwned
from entrepot.store.types import JsonText, UtcDateTime

OPERATIONAL = {"operational": True}
"""Marks tables whose rows are progress and bookkeeping, not business facts."""


class JobRun(TenantOwned, Base):
    """One run of one job: all that people, the API and the guards may know of it.

    A run is active while `ended_at` is empty. `exclusive_key` allows one active run
    per key; a second trigger joins it. Runs of no reseller carry the system tenant.
    """

    __tablename__ = "job_run"
    __table_args__ = (
        Index(
            "uq_job_run_active",
            "exclusive_key",
            unique=True,
            sqlite_where=text("ended_at IS NULL AND exclusive_key IS NOT NULL"),
            postgresql_where=text("ended_at IS NULL AND exclusive_key IS NOT NULL"),
        ),
        Index("ix_job_run_tenant_created", "tenant_id", "created_at", "id"),
        Index("ix_job_run_connection_created", "connection_id", "created_at"),
        Index("ix_job_run_ended", "ended_at"),
        {"info": OPERATIONAL},
    )

    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    kind: Mapped[str] = mapped_column(String(80))
    queue: Mapped[str] = mapped_column(String(20))
    partition: Mapped[str | None] = mapped_column(String(200))
    connection_id: Mapped[str | None] = mapped_column(String(40))
    stream: Mapped[str | None] = mapped_column(String(120))
    exclusive_key: Mapped[str | None] = mapped_column(String(300))
    subject: Mapped[str | None] = mapped_column(String(200))
    requested_by: Mapped[str | None] = mapped_column(String(120))
    cause: Mapped[str | None] = mapped_column(String(200))
    priority: Mapped[int] = mapped_column(Integer)
    args: Mapped[Any] = mapped_column(JsonText)
    state: Mapped[str] = mapped_column(String(16))
    executor: Mapped[str | None] = mapped_column(String(200))
    attempt: Mapped[int] = mapped_column(Integer, default=1)
    recovered: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    touched_at: Mapped[datetime] = mapped_column(UtcDateTime)
    error_code: Mapped[str | None] = mapped_column(String(120))
    error_text: Mapped[str | None] = mapped_column(Text)
    retryable: Mapped[bool] = mapped_column(Boolean, default=False)
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    has_effects: Mapped[bool] = mapped_column(Boolean, default=False)
    phase: Mapped[str | None] = mapped_column(String(80))
    phase_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    phase_done: Mapped[int] = mapped_column(BigInteger, default=0)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int | None] = mapped_column(BigInteger)
    unit: Mapped[str | None] = mapped_column(String(40))
    message: Mapped[str | None] = mapped_column(String(500))
    result: Mapped[Any] = mapped_column(JsonText, nullable=True)
    follow_up: Mapped[str | None] = mapped_column(String(200))


class JobReread(TenantOwned, Base):
    """What a trigger that joined a running run wants it to read again."""

    __tablename__ = "job_reread"
    __table_args__ = ({"info": OPERATIONAL},)

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    )
    run_id: Mapped[str] = mapped_column(String(200), index=True)
    concern: Mapped[Any] = mapped_column(JsonText)
    requested_by: Mapped[str | None] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WorkerLease(Base):
    """A living worker process; its times are the database's, not its own."""

    __tablename__ = "worker_lease"

    executor_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    host: Mapped[str] = mapped_column(String(120))
    pid: Mapped[int] = mapped_column(Integer)
    version: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ScheduleRow(TenantOwned, Base):
    """A rule that submits a run again and again. Either `every_seconds` or `cron`."""

    __tablename__ = "schedule"
    __table_args__ = ({"info": OPERATIONAL},)

    id: Mapped[str] = mapped_column(String(120), primary_key=True)
    job: Mapped[str] = mapped_column(String(80))
    args: Mapped[Any] = mapped_column(JsonText)
    connection_id: Mapped[str | None] = mapped_column(String(40), index=True)
    stream: Mapped[str | None] = mapped_column(String(120))
    partition: Mapped[str | None] = mapped_column(String(200))
    every_seconds: Mapped[int | None] = mapped_column(Integer)
    cron: Mapped[str | None] = mapped_column(String(120))
    zone: Mapped[str] = mapped_column(String(60))
    priority: Mapped[int] = mapped_column(Integer)
    enabled: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_tick: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_run: Mapped[str | None] = mapped_column(String(200))


class ScheduleVersion(Base):
    """One row whose counter grows with every change of a schedule."""

    __tablename__ = "schedule_version"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)


class VendorIntent(TenantOwned, Base):
    """One write to a vendor or PSA, journalled before its first byte was sent.

    `reference` comes from the thing that is done, not from the run, so that a
    rewound or repeated run finds it.
    """

    __tablename__ = "vendor_intent"
    __table_args__ = (
        Index("ix_vendor_intent_state", "state", "sent_at"),
        Index("ix_vendor_intent_run", "run_id"),
        {"info": OPERATIONAL},
    )

    reference: Mapped[str] = mapped_column(String(200), primary_key=True)
    run_id: Mapped[str | None] = mapped_column(String(200))
    connection_id: Mapped[str] = mapped_column(String(40))
    action: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64))
    request: Mapped[Any] = mapped_column(JsonText)
    idempotency: Mapped[str] = mapped_column(String(8))
    settle_seconds: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    vendor_reference: Mapped[str | None] = mapped_column(String(200))
    answer: Mapped[Any] = mapped_column(JsonText, nullable=True)
    error_code: Mapped[str | None] = mapped_column(String(120))
    error_text: Mapped[str | None] = mapped_column(Text)


class QuotaBucket(Base):
    """One request budget, shared by every process that calls that vendor.

    `owed_until` is the moment at which all tokens handed out so far will have been
    earned at the steady rate; times are microseconds since 1970.
    """

    __tablename__ = "quota_bucket"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    owed_until: Mapped[int] = mapped_column(BigInteger)
    paused_until: Mapped[int] = mapped_column(BigInteger)
    taken: Mapped[int] = mapped_column(BigInteger)
