"""People: creating them, giving them roles, finding them at sign-in."""

from __future__ import annotations

import secrets
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.orm import Session

from entrepot.hub.users.finding import Finding
from entrepot.hub.users.passwords import Passwords
from entrepot.hub.users.rows import (
    OWNER,
    SignIn,
    User,
    by_email,
    clean_name,
    end_sessions,
    keep_an_owner,
    one,
    view,
)
from entrepot.hub.users.rules import (
    UserInvalid,
    check_granted,
    check_password,
    check_role,
    clean_email,
)
from entrepot.hub.users.tables import MembershipRow, UserRow
from entrepot.store import audit
from entrepot.store.actor import Actor
from entrepot.store.audit_log import Subject
from entrepot.store.ids import new_id
from entrepot.store.scope import SystemScope

__all__ = ["OWNER", "THEMES", "SignIn", "User", "UsersService"]

THEMES = ("system", "light", "dark")


class UsersService(Passwords, Finding):
    """Use cases around people.

    Args:
        store: The database.
        clock: What time it is.
    """

    def create_user(
        self,
        actor: Actor,
        *,
        email: str,
        name: str,
        password: str | None,
        tenant_id: str | None = None,
        role: str = "viewer",
        operator: bool = False,
        must_change: bool = False,
    ) -> User:
        """Create a person, optionally with a role at a reseller.

        Without a password nobody can sign in as them until they have set one; with
        `must_change` they choose one of their own when they first sign in.

        Raises:
            PermissionDenied: The actor may not manage users, or not make operators.
            UserInvalid: A field is wrong or the address is taken, or the role permits
                more than the actor may.
        """
        actor.require("users:write")
        if operator:
            actor.require("tenants:write")
        self._own_tenant(actor, tenant_id)
        if tenant_id is not None:
            check_granted(check_role(role), actor.permissions)
        address = clean_email(email)
        if password is None:
            password, must_change = secrets.token_urlsafe(48), False
        else:
            check_password(password, address)
        row = UserRow(
            id=new_id("usr"),
            email=address,
            name=clean_name(name),
            password_hash=self._hasher.hash(password),
            session_id=secrets.token_hex(32),
            active=True,
            operator=operator,
            theme="system",
            zone="UTC",
            login_count=0,
            must_change=must_change,
            created_at=self._clock.now(),
        )
        with self._store.unit(SystemScope("users")) as session:
            if by_email(session, address) is not None:
                raise UserInvalid("email", "A user with this address exists already.")
            session.add(row)
            session.flush()
            if tenant_id is not None:
                self._put_role(session, row.id, tenant_id, role)
            audit(
                session,
                actor,
                action="user.created",
                subject=("user", row.id),
                before=None,
                after={"operator": operator, "role": role},
            )
            return view(session, row)

    def grant_role(self, actor: Actor, user_id: str, tenant_id: str, role: str) -> User:
        """Give a person a role at a reseller, replacing the one they had.

        Raises:
            PermissionDenied: The actor may not manage users there.
            UserInvalid: There is no such person or role, the role permits more than
                the actor may, or the reseller would be left without an owner.
        """
        actor.require("users:write")
        self._own_tenant(actor, tenant_id)
        check_granted(check_role(role), actor.permissions)
        with self._store.unit(SystemScope("users")) as session:
            row = one(session, user_id)
            before = view(session, row).role_at(tenant_id)
            if not before:
                self._reachable(session, actor, row)
            if role != OWNER:
                keep_an_owner(session, actor, user_id, [tenant_id])
            self._put_role(session, user_id, tenant_id, role)
            audit(
                session,
                actor,
                action="user.role_granted",
                subject=("user", user_id),
                before={"role": before},
                after={"role": role},
            )
            return view(session, row)

    def revoke_role(self, actor: Actor, user_id: str) -> None:
        """Take a person's role at the actor's reseller away; the person stays known.

        Raises:
            PermissionDenied: The actor may not manage users.
            UserInvalid: There is no such member, it is the actor, or the reseller
                would be left without an owner.
        """
        actor.require("users:write")
        if actor.id == user_id:
            raise UserInvalid("user", "Somebody else has to remove you.")
        with self._store.unit(SystemScope("users")) as session:
            member = session.get(MembershipRow, (user_id, actor.tenant_id))
            if member is None:
                raise UserInvalid("user", f"There is no user {user_id}.")
            keep_an_owner(session, actor, user_id, [actor.tenant_id])
            audit(
                session,
                actor,
                action="user.role_revoked",
                subject=("user", user_id),
                before={"role": member.role},
                after=None,
            )
            session.delete(member)

    def set_notify_email(self, actor: Actor, email: str | None) -> None:
        """Store where the acting person's mails go; None means the sign-in address.

        Raises:
            NotOnBehalf: Somebody acts in their name.
            UserInvalid: It isn't an address.
        """
        actor.require_self()
        address = None if email is None else clean_email(email)
        with self._store.unit(SystemScope("users")) as session:
            row = one(session, actor.id)
            audit(
                session,
                actor,
                action="user.notify_email_set",
                subject=Subject("user", row.id, person=row.id),
                before={"notify_email": row.notify_email},
                after={"notify_email": address},
            )
            row.notify_email = address

    def set_active(self, actor: Actor, user_id: str, *, active: bool) -> User:
        """Let a person in or lock them out at once.

        Raises:
            PermissionDenied: The actor may not manage users.
            UserInvalid: There is no such person, they work for other resellers too,
                it is the actor, or a reseller would be left without an owner.
        """
        actor.require("users:write")
        if actor.id == user_id and not active:
            raise UserInvalid("active", "Somebody else has to lock you out.")
        with self._store.unit(SystemScope("users")) as session:
            row = one(session, user_id)
            self._owned(session, actor, row)
            if not active:
                roles = view(session, row).roles
                keep_an_owner(session, actor, user_id, [tenant for tenant, _ in roles])
            audit(
                session,
                actor,
                action="user.active_set",
                subject=("user", user_id),
                before={"active": row.active},
                after={"active": active},
            )
            row.active = active
            if not active:
                row.session_id = secrets.token_hex(32)
                end_sessions(session, user_id, self._clock.now())
            return view(session, row)

    def set_preferences(self, actor: Actor, *, theme: str, zone: str) -> None:
        """Store how the acting person wants the console to look.

        Raises:
            UserInvalid: The theme or the time zone doesn't exist.
        """
        if theme not in THEMES:
            raise UserInvalid("theme", f"Choose one of {', '.join(THEMES)}.")
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise UserInvalid("zone", f"{zone!r} isn't a time zone.") from error
        with self._store.unit(SystemScope("users")) as session:
            row = one(session, actor.id)
            row.theme = theme
            row.zone = zone

    def _put_role(
        self, session: Session, user_id: str, tenant_id: str, role: str
    ) -> None:
        member = session.get(MembershipRow, (user_id, tenant_id))
        if member is None:
            member = MembershipRow(
                user_id=user_id, tenant_id=tenant_id, created_at=self._clock.now()
            )
            session.add(member)
        member.role = role
        session.flush()
