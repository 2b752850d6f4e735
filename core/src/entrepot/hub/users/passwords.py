"""Passwords: replacing them, demanding another, who may touch whose."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session

from entrepot.hub.users.rows import end_sessions, one, view
from entrepot.hub.users.rules import UserInvalid, check_password
from entrepot.hub.users.tables import UserRow
from entrepot.sdk.context import Clock
from entrepot.store import Store, audit
from entrepot.store.actor import Actor
from entrepot.store.base import SYSTEM_TENANT
from entrepot.store.scope import SystemScope


class Passwords:
    """Use cases around people's passwords; a part of `UsersService`.

    Args:
        store: The database.
        clock: What time it is.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._hasher = PasswordHasher()

    def set_password(
        self, actor: Actor, user_id: str, password: str, *, lasting: bool = False
    ) -> None:
        """Replace a password and end all sessions of that person.

        One that somebody else has set is for once: the person chooses their own at
        the next sign-in, unless it is `lasting`.

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
            row.must_change = actor.id != user_id and not lasting

    def require_new_password(self, actor: Actor, user_id: str) -> None:
        """Let a person choose another password before they go on.

        Raises:
            PermissionDenied: The actor may not manage users, or acts in somebody's
                name.
            UserInvalid: There is no such person, or they work for other resellers.
        """
        actor.require_self()
        actor.require("users:write")
        with self._store.unit(SystemScope("users")) as session:
            row = one(session, user_id)
            self._owned(session, actor, row)
            audit(
                session,
                actor,
                action="user.password_required",
                subject=("user", user_id),
                before={"must_change": row.must_change},
                after={"must_change": True},
            )
            row.must_change = True

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
            UserInvalid: The current password is wrong, or the new one too weak or
                the same.
        """
        self.check_own_password(actor, current)
        if password == current:
            raise UserInvalid("password", "Choose another one than until now.")
        with self._store.unit(SystemScope("users")) as session:
            row = one(session, actor.id)
            check_password(password, row.email)
            self._put_password(session, actor, row, password, keep=session_id)
            row.must_change = False

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
            row.session_id, row.must_change = session_id, False
            end_sessions(session, user_id, self._clock.now())
            audit(
                session,
                Actor(row.id, "user", SYSTEM_TENANT, row.name, frozenset()),
                action="user.password_reset",
                subject=("user", row.id),
                before=None,
                after=None,
            )

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
