"""What all use cases around connections share: views, audit entries, moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from entrepot.hub.connections.opener import Collaborators, Opener
from entrepot.hub.connections.rows import locked
from entrepot.hub.connections.tables import Connection
from entrepot.hub.connections.views import ConnectionView, audit_values, view
from entrepot.store import Actor, TenantScope, audit

ConsequenceSource = Callable[[Session, str], Iterable[str]]
"""Tells in sentences what removing a connection means for a capability."""


Observer = Callable[[Session, ConnectionView], None]
"""Told of a connection inside the unit of work that adds or removes it."""


class Desk:
    """Shared by the services of this capability.

    Args:
        parts: Collaborators.
        opener: Opens connections.

    Attributes:
        consequence_sources: Other capabilities add theirs at start.
        when_added: Told of each new connection.
        when_removed: Told of each removed one.
    """

    def __init__(self, parts: Collaborators, opener: Opener) -> None:
        self.parts, self.opener = parts, opener
        self.consequence_sources: list[ConsequenceSource] = []
        self.when_added: list[Observer] = []
        self.when_removed: list[Observer] = []

    def names(self, session: Session, row: Connection) -> tuple[str, ...]:
        """Names of the secrets that are stored for a connection."""
        return tuple(self.parts.secrets.names(session, row.tenant_id, row.id))

    def view(self, session: Session, row: Connection) -> ConnectionView:
        """A connection as others see it."""
        return view(row, self.names(session, row))

    def views(
        self, session: Session, tenant_id: str, rows: Sequence[Connection]
    ) -> tuple[ConnectionView, ...]:
        """Connections of a reseller as others see them, by one further statement."""
        ids = [row.id for row in rows]
        names = self.parts.secrets.names_of(session, tenant_id, ids) if ids else {}
        return tuple(view(row, tuple(names.get(row.id, ()))) for row in rows)

    def consequences(self, session: Session, row: Connection) -> tuple[str, ...]:
        """What removing a connection means, in sentences."""
        count = len(self.names(session, row))
        told = [
            f"“{row.name}” is no longer read, and nothing is written through it.",
            "What was read so far stays in the books, without further updates.",
        ]
        if count:
            told.append(
                f"Its {count} stored secrets are deleted and must be re-entered."
            )
        for source in self.consequence_sources:
            told += source(session, row.id)
        return tuple(told)

    def note(
        self,
        session: Session,
        actor: Actor,
        action: str,
        row: Connection,
        *,
        before: dict[str, Any] | None = None,
        changed: tuple[str, ...] = (),
    ) -> None:
        """Record a change of a connection; secrets by name only."""
        after = audit_values(row, self.names(session, row))
        if changed:
            after["replaced_secret_names"] = list(changed)
        audit(
            session,
            actor,
            action=action,
            subject=("connection", row.id),
            before=before,
            after=after,
            plugin=self.plugin_of(row),
        )

    def note_state(
        self,
        session: Session,
        actor: Actor,
        action: str,
        row: Connection,
        before: str,
        why: str,
    ) -> None:
        """Record a change of a connection's state."""
        audit(
            session,
            actor,
            action=action,
            subject=("connection", row.id),
            why=why,
            before={"state": before},
            after={"state": row.state, "code": row.parked_code},
            plugin=self.plugin_of(row),
        )

    def move(
        self,
        actor: Actor,
        connection_id: str,
        action: str,
        why: str,
        change: Callable[[Connection], None],
    ) -> ConnectionView:
        """Change a connection's state; nothing is recorded when it stays the same."""
        with self.parts.store.unit(TenantScope(actor.tenant_id)) as session:
            row = locked(session, connection_id)
            before = row.state
            change(row)
            if row.state != before:
                self.note_state(session, actor, action, row, before, why)
            return self.view(session, row)

    def plugin_of(self, row: Connection) -> str:
        """Name and version of a connection's plugin, as the audit log keeps it."""
        if row.plugin not in self.parts.plugins.names():
            return row.plugin
        return f"{row.plugin} {self.parts.plugins.info(row.plugin).version}"
