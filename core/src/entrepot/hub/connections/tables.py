"""The table of connections."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.store import Base, JsonText, TenantOwned, UtcDateTime


class Connection(TenantOwned, Base):
    """One account at one vendor or PSA.

    `settings` holds no secrets; those lie encrypted in `connection_secret`.
    `version` changes with every edit (ETag), `config_version` only when settings or
    entered credentials change, so that cached runtimes are dropped then.
    """

    __tablename__ = "connection"
    __table_args__ = (
        CheckConstraint("kind IN ('vendor', 'psa')", name="kind"),
        CheckConstraint(
            "state IN ('active', 'paused', 'parked', 'removed')", name="state"
        ),
        Index(
            "uq_connection_tenant_id_name",
            "tenant_id",
            "name",
            unique=True,
            sqlite_where=text("state <> 'removed'"),
            postgresql_where=text("state <> 'removed'"),
        ),
        Index("uq_connection_notification_key", "notification_key", unique=True),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    plugin: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(200))
    settings: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    state: Mapped[str] = mapped_column(String(16), default="active")
    parked_code: Mapped[str | None] = mapped_column(String(80))
    parked_message: Mapped[str | None] = mapped_column(Text)
    parked_remedy: Mapped[str | None] = mapped_column(Text)
    parked_field: Mapped[str | None] = mapped_column(String(80))
    parked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    quotas: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    billing_zone: Mapped[str] = mapped_column(String(64), default="")
    notification_key: Mapped[str] = mapped_column(String(64))
    account_name: Mapped[str] = mapped_column(Text, default="")
    account_details: Mapped[list[list[str]]] = mapped_column(JsonText, default=list)
    account_warnings: Mapped[list[str]] = mapped_column(JsonText, default=list)
    notifications: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    base_currency: Mapped[str] = mapped_column(String(3), default="")
    last_ok_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)
    config_version: Mapped[int] = mapped_column(default=1)


class ConnectionFile(TenantOwned, Base):
    """A part of a file that was handed to a connection; the newest of its name.

    `source` is the file's own name, `digest` the SHA-256 of `content` in hex.
    """

    __tablename__ = "connection_file"

    connection_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    source: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SeenNotification(TenantOwned, Base):
    """A notification that was acted upon; its repetition changes nothing.

    Kept for as long as senders repeat deliveries, then deleted.
    """

    __tablename__ = "connection_notification"
    __table_args__ = (
        Index(
            "ix_connection_notification_connection_id_received_at",
            "connection_id",
            "received_at",
        ),
        {"info": {"operational": True}},
    )

    connection_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
