"""Tables of people, how they sign in, machine credentials, remembered answers.

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
    notify_email: Mapped[str | None] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(String(255))
    session_id: Mapped[str] = mapped_column(String(64), unique=True)
    active: Mapped[bool] = mapped_column(Boolean)
    operator: Mapped[bool] = mapped_column(Boolean)
    theme: Mapped[str] = mapped_column(String(8))
    zone: Mapped[str] = mapped_column(String(60))
    login_count: Mapped[int] = mapped_column(Integer)
    must_change: Mapped[bool] = mapped_column(Boolean)
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


class SessionRow(Base):
    """One browser that a person signed in with; here, so that all processes see it."""

    __tablename__ = "app_session"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(40), index=True)
    agent: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(64))
    method: Mapped[str] = mapped_column(String(20))
    keep: Mapped[bool] = mapped_column(Boolean)
    proven: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    behalf_user: Mapped[str | None] = mapped_column(String(40))
    behalf_tenant: Mapped[str | None] = mapped_column(String(40))
    behalf_reason: Mapped[str | None] = mapped_column(String(300))
    behalf_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TotpRow(Base):
    """That a person has an authenticator app; its secret lies with the secrets."""

    __tablename__ = "app_totp"

    user_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_step: Mapped[int] = mapped_column(BigInteger)


class RecoveryCodeRow(Base):
    """The digest of a code that lets a person in once without their app."""

    __tablename__ = "app_recovery_code"

    user_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PasskeyRow(Base):
    """A passkey's public half."""

    __tablename__ = "app_passkey"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(40), index=True)
    credential: Mapped[str] = mapped_column(String(1400), unique=True)
    public_key: Mapped[str] = mapped_column(Text)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class IdentityRow(Base):
    """Who a person is at an identity provider."""

    __tablename__ = "app_identity"

    issuer: Mapped[str] = mapped_column(String(300), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(40), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SignInRulesRow(Base):
    """What a reseller demands of everybody who signs in."""

    __tablename__ = "app_sign_in_rules"
    __table_args__ = ({"info": {"shared": True}},)

    tenant_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    second_factor: Mapped[bool] = mapped_column(Boolean)


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
