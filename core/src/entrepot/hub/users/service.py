"""People: creating them, giving them roles, finding them at sign-in."""

from __future__ import annotations

import secrets
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

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
    ONLY_THEMSELVES,
    UserInvalid,
    check_granted,
    check_password,
    check_role,
    clean_email,
    permissions_of,
)
from entrepot.hub.users.tables import MembershipRow, UserRow
from entrepot.sdk.context import Clock
from entrepot.store import Store, audit
from entrepot.store.actor import Actor, Behalf
from entrepot.store.audit_log import Subject
from entrepot.store.base import SYSTEM_TENANT
from entrepot.store.ids import new_id
from entrepot.store.scope import SystemScope

__all__ = ["OWNER", "THEMES", "SignIn", "User", "UsersService"]

THEMES = ("system", "light", "dark")


class UsersService:
    """Use cases around people.

    Args:
        store: The database.
        clock: What time it is.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._hasher = PasswordHasher()

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
    ) -> User:
        """Create a person, optionally with a role at a reseller.

        Without a password nobody can sign in as them until they have set one.

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
            password = secrets.token_urlsafe(48)
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

    def set_password(self, actor: Actor, user_id: str, password: str) -> None:
        """Replace a password and end all sessions of that person.

        Raises:
            PermissionDenied: The actor is neither that person nor manages users, or
                acts in somebody's name.
            UserInvalid: There is no such person, or the password is too weak.
        """
        actor.require_self()
        if actor.id != user_id:
            actor.require("users:write")
        with self._store.unit(SystemScope("users")) as session:
            row = one(session, user_id)
            self._owned(session, actor, row)
            check_password(password, row.email)
            self._put_password(session, actor, row, password)

    def change_password(
        self, actor: Actor, current: str, password: str, session_id: str
    ) -> None:
        """Replace the acting person's password and end their other sessions.

        Args:
            actor: The person.
            current: The password until now.
            password: The new one.
            session_id: The browser session that stays.

        Raises:
            NotOnBehalf: Somebody acts in their name.
            UserInvalid: The current password is wrong, or the new one too weak.
        """
        self.check_own_password(actor, current)
        with self._store.unit(SystemScope("users")) as session:
            row = one(session, actor.id)
            check_password(password, row.email)
            self._put_password(session, actor, row, password, keep=session_id)

    def check_own_password(self, actor: Actor, password: str) -> None:
        """Return if this is the acting person's password.

        Raises:
            NotOnBehalf: Somebody acts in their name.
            UserInvalid: It isn't.
        """
        actor.require_self()
        with self._store.read(SystemScope("users")) as session:
            stored = one(session, actor.id).password_hash
        try:
            self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError) as error:
            raise UserInvalid("current", "This isn't your password.") from error

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

    def list_users(self, actor: Actor, tenant_id: str | None = None) -> list[User]:
        """Return people by address: those of one reseller, or all for an operator.

        Raises:
            PermissionDenied: The actor may not read users, or not these.
        """
        actor.require("users:read")
        self._own_tenant(actor, tenant_id)
        query = select(UserRow).order_by(UserRow.email)
        if tenant_id is not None:
            members = select(MembershipRow.user_id).where(
                MembershipRow.tenant_id == tenant_id
            )
            query = query.where(UserRow.id.in_(members))
        with self._store.read(SystemScope("users")) as session:
            return [view(session, row) for row in session.scalars(query)]

    def find_member(self, actor: Actor, user_id: str) -> User | None:
        """Return a person with a role at the actor's reseller, or None.

        Raises:
            PermissionDenied: The actor may not read users.
        """
        actor.require("users:read")
        with self._store.read(SystemScope("users")) as session:
            row = session.get(UserRow, user_id)
            found = None if row is None else view(session, row)
        return found if found and found.role_at(actor.tenant_id) else None

    def find_sign_in(
        self, *, email: str | None = None, session_id: str | None = None
    ) -> SignIn | None:
        """Return a person by address or session, or None. For signing in only."""
        with self._store.read(SystemScope("sign-in")) as session:
            if email is not None:
                row = by_email(session, email.strip().lower())
            else:
                found = select(UserRow).where(UserRow.session_id == (session_id or ""))
                row = session.scalars(found).one_or_none()
            if row is None:
                return None
            return SignIn(
                user=view(session, row),
                password_hash=row.password_hash,
                session_id=row.session_id,
                login_count=row.login_count,
            )

    def find_user(self, user_id: str) -> User | None:
        """Return a person by id, or None."""
        with self._store.read(SystemScope("sign-in")) as session:
            row = session.get(UserRow, user_id)
            return None if row is None else view(session, row)

    def record_sign_in(self, user_id: str) -> None:
        """Note that a person signed in now."""
        with self._store.unit(SystemScope("sign-in")) as session:
            row = one(session, user_id)
            row.last_login_at = self._clock.now()
            row.login_count += 1

    def replace_hash(self, user_id: str, password_hash: str, session_id: str) -> None:
        """Store a hash with newer parameters, or that of a password reset by mail.

        Args:
            user_id: The person.
            password_hash: What to store.
            session_id: Another one than before ends all sessions: a reset.
        """
        with self._store.unit(SystemScope("sign-in")) as session:
            row = one(session, user_id)
            row.password_hash = password_hash
            if session_id == row.session_id:
                return
            row.session_id = session_id
            end_sessions(session, user_id, self._clock.now())
            audit(
                session,
                Actor(row.id, "user", SYSTEM_TENANT, row.name, frozenset()),
                action="user.password_reset",
                subject=("user", row.id),
                before=None,
                after=None,
            )

    def actor_for(self, user: User, tenant_id: str) -> Actor:
        """Return a person acting for a reseller; without rights if not a member."""
        permissions = permissions_of(user.role_at(tenant_id), operator=user.operator)
        return Actor(user.id, "user", tenant_id, user.name or user.email, permissions)

    def actor_behalf(self, real: User, user: User, tenant_id: str, why: str) -> Actor:
        """Return somebody acting in a person's name: less may be done so.

        Args:
            real: Who acts.
            user: In whose name.
            tenant_id: For which reseller.
            why: The reason that was given.
        """
        held = permissions_of(user.role_at(tenant_id)) - ONLY_THEMSELVES
        name = f"{user.name or user.email} (by {real.name or real.email})"
        by = Behalf(real.id, real.name or real.email, why)
        return Actor(user.id, "user", tenant_id, name, held, by)

    def count_users(self) -> int:
        """Return how many people can sign in."""
        with self._store.read(SystemScope("users")) as session:
            return session.scalar(select(func.count()).select_from(UserRow)) or 0

    def _put_password(
        self,
        session: Session,
        actor: Actor,
        row: UserRow,
        password: str,
        keep: str = "",
    ) -> None:
        row.password_hash = self._hasher.hash(password)
        row.session_id = secrets.token_hex(32)
        end_sessions(session, row.id, self._clock.now(), keep)
        audit(
            session,
            actor,
            action="user.password_set",
            subject=("user", row.id),
            before=None,
            after=None,
        )

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

    def _own_tenant(self, actor: Actor, tenant_id: str | None) -> None:
        """Return if the actor acts for this reseller or is an operator."""
        if actor.kind == "operator":
            return
        if tenant_id is None or tenant_id != actor.tenant_id:
            actor.require("tenants:write")

    def _reachable(self, session: Session, actor: Actor, row: UserRow) -> None:
        """Return if the person belongs to the actor's reseller; else as if unknown."""
        found = view(session, row)
        if actor.id == row.id or actor.may("tenants:write"):
            return
        if row.operator or not found.role_at(actor.tenant_id):
            raise UserInvalid("user", f"There is no user {row.id}.")

    def _owned(self, session: Session, actor: Actor, row: UserRow) -> None:
        """Return if the person works for the actor's reseller only.

        Whoever may change a person's password or lock them out acts at every
        reseller that person works for.
        """
        self._reachable(session, actor, row)
        if actor.id == row.id or actor.may("tenants:write"):
            return
        if len(view(session, row).roles) > 1:
            raise UserInvalid(
                "user",
                "This person works for other resellers too. They can reset their own "
                "password; ask the operator to lock them out.",
            )
