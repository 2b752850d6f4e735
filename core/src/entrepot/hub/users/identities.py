"""Who a person is at an identity provider."""

from __future__ import annotations

from sqlalchemy import select

from entrepot.hub.users.rows import User, by_email, view
from entrepot.hub.users.tables import IdentityRow, UserRow
from entrepot.sdk.context import Clock
from entrepot.store import Store, audit
from entrepot.store.actor import Actor
from entrepot.store.base import SYSTEM_TENANT
from entrepot.store.scope import SystemScope


class IdentitiesService:
    """Use cases around people's identities elsewhere.

    Args:
        store: The database.
        clock: What time it is.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def person_for(self, issuer: str, subject: str, email: str) -> User | None:
        """Return the active person who is known by an identity, or None.

        An identity seen for the first time is linked to the person who signs in with
        its address; afterwards the link counts, whatever happens to the address.
        Nobody is created, and nobody gets a second identity of one provider.

        Args:
            issuer: The provider.
            subject: Its name for the person.
            email: An address that the provider has verified.
        """
        key = (issuer, subject)
        with self._store.unit(SystemScope("sign-in")) as session:
            link = session.get(IdentityRow, key)
            if link is not None:
                row = session.get(UserRow, link.user_id)
                return None if row is None or not row.active else view(session, row)
            row = by_email(session, email.strip().lower())
            if row is None or not row.active:
                return None
            known = select(IdentityRow.subject).where(
                IdentityRow.issuer == issuer, IdentityRow.user_id == row.id
            )
            if session.scalars(known).first() is not None:
                return None
            session.add(
                IdentityRow(
                    issuer=issuer,
                    subject=subject,
                    user_id=row.id,
                    created_at=self._clock.now(),
                )
            )
            audit(
                session,
                Actor(row.id, "user", SYSTEM_TENANT, row.name),
                action="user.identity_linked",
                subject=("user", row.id),
                before=None,
                after={"issuer": issuer},
            )
            return view(session, row)
