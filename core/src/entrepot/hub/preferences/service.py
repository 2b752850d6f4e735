"""Remembering choices: of a person, and of a reseller for all its people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from entrepot.hub.preferences.tables import Preference
from entrepot.sdk.context import Clock
from entrepot.store import Store, TenantScope, audit
from entrepot.store.actor import Actor

EVERYBODY = ""
"""The owner of choices that a reseller makes for all its people."""


class PreferencesService:
    """Use cases around choices.

    Args:
        store: The database.
        clock: What time it is.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def all(self, actor: Actor) -> Mapping[str, Any]:
        """Return every choice that holds for a person, by name.

        The person's own choice hides the reseller's. What nobody chose is missing.
        """
        query = (
            select(Preference.name, Preference.value)
            .where(Preference.owner.in_((EVERYBODY, actor.id)))
            .order_by(Preference.owner)
        )
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return {row.name: row.value for row in session.execute(query)}

    def of_everybody(self, actor: Actor) -> Mapping[str, Any]:
        """Return what the reseller chose for all its people, by name."""
        query = select(Preference.name, Preference.value).where(
            Preference.owner == EVERYBODY
        )
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return {row.name: row.value for row in session.execute(query)}

    def choose(self, actor: Actor, name: str, value: object) -> None:
        """Remember a choice of the acting person; None forgets it.

        Args:
            actor: Whose choice it is.
            name: What is chosen, at most 60 characters.
            value: JSON-safe.
        """
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            found = session.get(Preference, (actor.tenant_id, actor.id, name))
            self._put(session, found, actor, actor.id, name, value)

    def choose_for_all(self, actor: Actor, name: str, value: object) -> None:
        """Remember what holds for all people of the reseller; None forgets it.

        Raises:
            PermissionDenied: The actor may not manage the reseller's people.
        """
        actor.require("users:write")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            found = session.get(Preference, (actor.tenant_id, EVERYBODY, name))
            audit(
                session,
                actor,
                action="preference.set",
                subject=("preference", name),
                before={"value": None if found is None else found.value},
                after={"value": value},
            )
            self._put(session, found, actor, EVERYBODY, name, value)

    def _put(
        self,
        session: Any,  # noqa: ANN401 - the unit's session
        found: Preference | None,
        actor: Actor,
        owner: str,
        name: str,
        value: object,
    ) -> None:
        now = self._clock.now()
        if value is None:
            if found is not None:
                session.delete(found)
        elif found is None:
            session.add(
                Preference(
                    tenant_id=actor.tenant_id,
                    owner=owner,
                    name=name,
                    value=value,
                    updated_at=now,
                )
            )
        else:
            found.value, found.updated_at = value, now
