"""Tables of people, their roles, machine credentials and remembered answers.

People and credentials are shared tables: they must be found before it is known
which reseller they belong to. Services filter them by reseller themselves.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.store.base import Base, TenantOwned
from entrepot.store.types import JsonText, UtcDateTime


class UserRow(Base):
    """A person who signs in, whatever resellers they work for."""

    __tablename__ = "app_user"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(String(255))
    session_id: Mapped[str] = mapped_column(String(64), unique=True)
    active: Mapped[bool] = mapped_column(Boolean)
    operator: Mapped[bool] = mapped_column(Boolean)
    theme: Mapped[str] = mapped_column(String(8))
    zone: Mapped[str] = mapped_column(String(60))
    login_count: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MembershipRow(Base):
    """What a person may do for one reseller."""

    __tablename__ = "app_membership"
    __table_args__ = ({"info": {"shared": True}},)

    user_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CredentialRow(Base):
    """A machine's client id with the hashes of its one or two valid secrets."""

    __tablename__ = "api_credential"
    __table_args__ = ({"info": {"shared": True}},)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    name: Mapped[str] = mapped_column(String(120))
    scopes: Mapped[Any] = mapped_column(JsonText)
    secret_hash: Mapped[str] = mapped_column(String(64))
    old_secret_hash: Mapped[str | None] = mapped_column(String(64))
    old_secret_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    active: Mapped[bool] = mapped_column(Boolean)
    version: Mapped[int] = mapped_column(Integer)
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RememberedAnswer(TenantOwned, Base):
    """The answer to a request that carried an Idempotency-Key."""

    __tablename__ = "api_remembered_answer"
    __table_args__ = (
        UniqueConstraint("tenant_id", "credential", "route", "key"),
        Index("ix_api_remembered_answer_expires", "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    credential: Mapped[str] = mapped_column(String(40))
    route: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(255))
    fingerprint: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(8))
    status: Mapped[int | None] = mapped_column(Integer)
    headers: Mapped[Any] = mapped_column(JsonText, nullable=True)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RateWindow(Base):
    """How often something happened in the current window, over all processes."""

    __tablename__ = "rate_window"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    expires_at: Mapped[float] = mapped_column(Float)
    hits: Mapped[int] = mapped_column(BigInteger)
