"""Finding people: lists, single ones, at sign-in, and as actors."""

from __future__ import annotations

from sqlalchemy import func, select

from entrepot.hub.users.rows import SignIn, User, by_email, one, view
from entrepot.hub.users.rules import ONLY_THEMSELVES, permissions_of
from entrepot.hub.users.tables import MembershipRow, UserRow
from entrepot.sdk.context import Clock
from entrepot.store import Store
from entrepot.store.actor import Actor, Behalf
from entrepot.store.scope import SystemScope


class Finding:
    """Reading people; a part of `UsersService`."""

    _store: Store
    _clock: Clock

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

    def list_members(self, actor: Actor, tenant_id: str) -> list[User]:
        """Return the people of any reseller by address; for operators.

        Raises:
            PermissionDenied: The actor isn't an operator.
        """
        actor.require("tenants:read")
        query = (
            select(UserRow)
            .join(MembershipRow, MembershipRow.user_id == UserRow.id)
            .where(MembershipRow.tenant_id == tenant_id)
            .order_by(UserRow.email)
        )
        with self._store.read(SystemScope("users")) as session:
            return [view(session, row) for row in session.scalars(query)]

    def count_members(self, actor: Actor) -> dict[str, int]:
        """Return how many people each reseller has, by its id; for operators.

        Raises:
            PermissionDenied: The actor isn't an operator.
        """
        actor.require("tenants:read")
        query = select(MembershipRow.tenant_id, func.count().label("people")).group_by(
            MembershipRow.tenant_id
        )
        with self._store.read(SystemScope("users")) as session:
            return {row.tenant_id: row.people for row in session.execute(query)}

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

    def _own_tenant(self, actor: Actor, tenant_id: str | None) -> None:
        """Return if the actor acts for this reseller or is an operator."""
        if actor.kind == "operator":
            return
        if tenant_id is None or tenant_id != actor.tenant_id:
            actor.require("tenants:write")
