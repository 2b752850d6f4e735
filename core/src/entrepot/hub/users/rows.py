"""Rows of people: finding them, showing them, ending their sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from entrepot.hub.users.rules import UserInvalid
from entrepot.hub.users.tables import MembershipRow, SessionRow, UserRow
from entrepot.store.actor import Actor

OWNER = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person as shown to others.

    Attributes:
        email: The address to sign in with.
        notify_email: Where mails go instead, or None.
        must_change: Whether they choose another password before they go on.
        roles: (tenant id, role) pairs, in the order of the tenant ids.
    """

    id: str
    email: str
    notify_email: str | None
    name: str
    active: bool
    operator: bool
    must_change: bool
    theme: str
    zone: str
    created_at: datetime
    last_login_at: datetime | None
    roles: tuple[tuple[str, str], ...]

    @property
    def mail_to(self) -> str:
        """Where mails go: the second address if there is one."""
        return self.notify_email or self.email

    def role_at(self, tenant_id: str) -> str:
        """Return the person's role at a reseller; empty when there is none."""
        return dict(self.roles).get(tenant_id, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What signing in needs; never leaves the server."""

    user: User
    password_hash: str
    session_id: str
    login_count: int


def clean_name(text: str) -> str:
    """Return a person's name in its normal form.

    Raises:
        UserInvalid: It is empty or too long.
    """
    name = " ".join(text.split())
    if not name or len(name) > 120:
        raise UserInvalid("name", "Enter a name of 1 to 120 characters.")
    return name


def keep_an_owner(
    session: Session, actor: Actor, user_id: str, tenants: list[str]
) -> None:
    """Return if every one of the resellers keeps an active owner besides this person.

    A reseller whose owner this person isn't loses nothing; an operator may do it.

    Raises:
        UserInvalid: One would be left without an owner.
    """
    if actor.may("tenants:write"):
        return
    owners = (
        select(MembershipRow.tenant_id, MembershipRow.user_id)
        .join(UserRow, UserRow.id == MembershipRow.user_id)
        .where(
            MembershipRow.tenant_id.in_(tenants),
            MembershipRow.role == OWNER,
            UserRow.active,
        )
    )
    left: dict[str, set[str]] = {}
    for tenant, owner in session.execute(owners):
        left.setdefault(tenant, set()).add(owner)
    if any(known == {user_id} for known in left.values()):
        raise UserInvalid(
            "role", "This is the last owner. Make somebody else an owner first."
        )


def by_email(session: Session, email: str) -> UserRow | None:
    """Return the person who signs in with an address, or None."""
    return session.scalars(select(UserRow).where(UserRow.email == email)).one_or_none()


def one(session: Session, user_id: str) -> UserRow:
    """Return a person's row.

    Raises:
        UserInvalid: There is no such person.
    """
    row = session.get(UserRow, user_id)
    if row is None:
        raise UserInvalid("user", f"There is no user {user_id}.")
    return row


def view(session: Session, row: UserRow) -> User:
    """Return a person as shown to others."""
    members = session.execute(
        select(MembershipRow.tenant_id, MembershipRow.role)
        .where(MembershipRow.user_id == row.id)
        .order_by(MembershipRow.tenant_id)
    )
    return seen_as(row, tuple((tenant, role) for tenant, role in members))


def seen_as(row: UserRow, roles: tuple[tuple[str, str], ...]) -> User:
    """Return a person whose roles were read already as shown to others."""
    return User(
        id=row.id,
        email=row.email,
        notify_email=row.notify_email,
        name=row.name,
        active=row.active,
        operator=row.operator,
        must_change=row.must_change,
        theme=row.theme,
        zone=row.zone,
        created_at=row.created_at,
        last_login_at=row.last_login_at,
        roles=roles,
    )


def end_sessions(session: Session, user_id: str, now: datetime, keep: str = "") -> int:
    """End all sessions of a person but one; returns how many ended."""
    ended = session.execute(
        update(SessionRow)
        .where(
            SessionRow.user_id == user_id,
            SessionRow.ended_at.is_(None),
            SessionRow.id != keep,
        )
        .values(ended_at=now)
        .returning(SessionRow.id)
    )
    return len(ended.all())
