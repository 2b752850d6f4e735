"""Browser sessions: in the database, so that ending one holds in every process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from entrepot.hub.users.arriving import Workplace, find_visit
from entrepot.hub.users.rows import SignIn, User, end_sessions, one, view
from entrepot.hub.users.rules import UserInvalid, permissions_of
from entrepot.hub.users.tables import SessionRow
from entrepot.sdk.context import Clock
from entrepot.store import Store, audit
from entrepot.store.actor import Actor
from entrepot.store.ids import new_id
from entrepot.store.scope import SystemScope

IDLE = timedelta(hours=12)
"""How long a session lives unused."""
KEPT = timedelta(days=30)
"""How long one lives unused on a device that is to stay signed in."""
BEHALF = timedelta(minutes=30)
"""How long somebody acts in another person's name at most."""
TO_ACT, TO_ACT_ANYWHERE = "users:write", "tenants:write"
"""What acting for people of one's own reseller takes, and of any."""
_SEEN_EVERY = timedelta(minutes=10)
_SHORTEST_REASON = 5
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class InName:
    """In whose name a session acts."""

    user_id: str
    tenant_id: str
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """One browser that a person signed in with.

    Attributes:
        method: How: ``password``, ``passkey`` or ``oidc``.
        keep: Whether the device is to stay signed in.
        proven: Whether nothing more is asked; False until the second factor is given.
        behalf: In whose name it acts, or None.
    """

    id: str
    user_id: str
    agent: str
    address: str
    method: str
    keep: bool
    proven: bool
    created_at: datetime
    seen_at: datetime
    behalf: InName | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Somebody who comes with a living session.

    Attributes:
        person: Who; also when they were locked out.
        session: Their session.
        places: The resellers they have a role at, by id; deleted ones are missing.
    """

    person: SignIn
    session: SessionView
    places: Mapping[str, Workplace]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """What is known when somebody signs in."""

    user_id: str
    agent: str
    address: str
    method: str
    keep: bool
    proven: bool


class SessionsService:
    """Use cases around browser sessions.

    Args:
        store: The database.
        clock: What time it is.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def begin(self, wanted: NewSession) -> str:
        """Store a new session, forget the person's long ended ones; return its id."""
        now = self._clock.now()
        row = SessionRow(
            id=new_id("ses"),
            user_id=wanted.user_id,
            agent=wanted.agent[:200],
            address=wanted.address[:64],
            method=wanted.method,
            keep=wanted.keep,
            proven=wanted.proven,
            created_at=now,
            seen_at=now,
            expires_at=now + (KEPT if wanted.keep else IDLE),
        )
        with self._store.unit(SystemScope("sign-in")) as session:
            session.execute(
                delete(SessionRow).where(
                    SessionRow.user_id == wanted.user_id,
                    SessionRow.expires_at < now - KEPT,
                )
            )
            session.add(row)
            return row.id

    def arrive(self, uniquifier: str, session_id: str) -> Arrival | None:
        """Return who comes with a living session of theirs, or None.

        Notes now and then that the session is used.

        Args:
            uniquifier: What the signed cookie says of the person.
            session_id: What it says of the session.
        """
        now = self._clock.now()
        with self._store.read(SystemScope("sign-in")) as session:
            found = find_visit(session, uniquifier, session_id)
            if found is None or not _alive(found.session, now):
                return None
            come = Arrival(
                person=found.person,
                session=_view(found.session, now),
                places=found.places,
            )
        if now - come.session.seen_at >= _SEEN_EVERY and come.person.user.active:
            self._touch(session_id, now)
        return come

    def list_sessions(self, actor: Actor) -> list[SessionView]:
        """Return the acting person's living sessions, the last used first."""
        now = self._clock.now()
        query = (
            select(SessionRow)
            .where(
                SessionRow.user_id == actor.id,
                SessionRow.ended_at.is_(None),
                SessionRow.expires_at > now,
            )
            .order_by(SessionRow.seen_at.desc(), SessionRow.id)
        )
        with self._store.read(SystemScope("users")) as session:
            return [_view(row, now) for row in session.scalars(query)]

    def end(self, actor: Actor, session_id: str) -> bool:
        """End one of the acting person's sessions; False when there is none.

        Raises:
            NotOnBehalf: Somebody acts in their name.
        """
        actor.require_self()
        with self._store.unit(SystemScope("users")) as session:
            row = session.get(SessionRow, session_id)
            if row is None or row.user_id != actor.id or row.ended_at is not None:
                return False
            row.ended_at = self._clock.now()
            _note(session, actor, "session.ended", {"session": session_id})
            return True

    def end_others(self, actor: Actor, keep: str) -> int:
        """End all of the acting person's sessions but one; returns how many.

        Raises:
            NotOnBehalf: Somebody acts in their name.
        """
        actor.require_self()
        with self._store.unit(SystemScope("users")) as session:
            count = end_sessions(session, actor.id, self._clock.now(), keep)
            _note(session, actor, "session.others_ended", {"sessions": count})
            return count

    def sign_out(self, session_id: str, user_id: str) -> None:
        """End a session because its person signs out."""
        with self._store.unit(SystemScope("sign-in")) as session:
            row = session.get(SessionRow, session_id)
            if row is not None and row.user_id == user_id:
                row.ended_at = row.ended_at or self._clock.now()

    def prove(self, session_id: str) -> None:
        """Note that the second factor was given."""
        with self._store.unit(SystemScope("sign-in")) as session:
            row = session.get(SessionRow, session_id)
            if row is not None:
                row.proven = True

    def act_for(
        self,
        actor: Actor,
        session_id: str,
        user_id: str,
        reason: str,
        tenant_id: str | None = None,
    ) -> InName:
        """Let a session act in another person's name for a while.

        Args:
            actor: Who wants to.
            session_id: Their session.
            user_id: The person.
            reason: Why; it stands in every audit entry.
            tenant_id: For which reseller; an operator may at any. None: the actor's.

        Raises:
            PermissionDenied: The actor may not manage users, isn't an operator at
                another reseller, or acts for somebody.
            UserInvalid: There is no such person here, they may do as much as the
                actor or more, or the reason says nothing.
        """
        actor.require_self()
        there = tenant_id or actor.tenant_id
        actor.require(TO_ACT if tenant_id is None else TO_ACT_ANYWHERE)
        why = " ".join(reason.split())
        if not _SHORTEST_REASON <= len(why) <= _LONGEST_REASON:
            raise UserInvalid("reason", "Say why, in 5 to 300 characters.")
        until = self._clock.now() + BEHALF
        with self._store.unit(SystemScope("users")) as session:
            found = view(session, one(session, user_id))
            _check_below(actor, found, there)
            row = session.get_one(SessionRow, session_id)
            row.behalf_user, row.behalf_tenant = user_id, there
            row.behalf_reason, row.behalf_until = why, until
            audit(
                session,
                replace(actor, tenant_id=there),
                action="user.acted_for",
                subject=("user", user_id),
                why=why,
                before=None,
                after={"until": until.isoformat()},
            )
        return InName(user_id=user_id, tenant_id=there, reason=why, until=until)

    def act_as_oneself(self, actor: Actor, session_id: str) -> None:
        """End acting in another person's name.

        Args:
            actor: Who acts; themselves or in the other's name.
            session_id: Their session.
        """
        with self._store.unit(SystemScope("users")) as session:
            row = session.get(SessionRow, session_id)
            if row is None or row.behalf_user is None:
                return
            audit(
                session,
                replace(actor, tenant_id=row.behalf_tenant or actor.tenant_id),
                action="user.acting_ended",
                subject=("user", row.behalf_user),
                before=None,
                after=None,
            )
            row.behalf_user = row.behalf_tenant = None
            row.behalf_reason = row.behalf_until = None

    def _touch(self, session_id: str, now: datetime) -> None:
        with self._store.unit(SystemScope("sign-in")) as session:
            row = session.get(SessionRow, session_id)
            if row is not None:
                row.seen_at = now
                row.expires_at = now + (KEPT if row.keep else IDLE)


def _check_below(actor: Actor, found: User, tenant_id: str) -> None:
    """Return if a person of a reseller may do less than the actor.

    An operator stands above everybody who isn't one.
    """
    role = found.role_at(tenant_id)
    if not role or not found.active:
        raise UserInvalid("user", "There is no such active person here.")
    if found.id == actor.id:
        raise UserInvalid("user", "You act as yourself already.")
    held = permissions_of(role, operator=found.operator)
    above = actor.may(TO_ACT_ANYWHERE) or held < actor.permissions
    if found.operator or not above:
        raise UserInvalid(
            "user", "Choose somebody with a lower role than yours; never an operator."
        )


def _alive(row: SessionRow, now: datetime) -> bool:
    return row.ended_at is None and row.expires_at > now


def _note(
    session: Session, actor: Actor, action: str, after: dict[str, str | int]
) -> None:
    audit(
        session,
        actor,
        action=action,
        subject=("user", actor.id),
        before=None,
        after=after,
    )


def _view(row: SessionRow, now: datetime) -> SessionView:
    behalf = None
    if row.behalf_user and row.behalf_until is not None and row.behalf_until > now:
        behalf = InName(
            user_id=row.behalf_user,
            tenant_id=row.behalf_tenant or "",
            reason=row.behalf_reason or "",
            until=row.behalf_until,
        )
    return SessionView(
        id=row.id,
        user_id=row.user_id,
        agent=row.agent,
        address=row.address,
        method=row.method,
        keep=row.keep,
        proven=row.proven,
        created_at=row.created_at,
        seen_at=row.seen_at,
        behalf=behalf,
    )
