"""Reading and locking rows of connections."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.connections.rules import unknown_connection
from entrepot.hub.connections.tables import Connection

REMOVED = "removed"


def find(session: Session, connection_id: str) -> Connection | None:
    """A connection in the session's scope, a removed one included; or None."""
    query = select(Connection).where(Connection.id == connection_id)
    return session.scalars(query).one_or_none()


def existing(session: Session, connection_id: str) -> Connection:
    """A connection that is not removed.

    Raises:
        NotFound: there is none in the session's scope.
    """
    row = find(session, connection_id)
    if row is None or row.state == REMOVED:
        raise unknown_connection(connection_id)
    return row


def locked(session: Session, connection_id: str) -> Connection:
    """A connection that is not removed, locked until the unit ends.

    Raises:
        NotFound: there is none in the session's scope.
    """
    query = (
        select(Connection)
        .where(Connection.id == connection_id, Connection.state != REMOVED)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    row = session.scalars(query).one_or_none()
    if row is None:
        raise unknown_connection(connection_id)
    return row


def name_is_taken(session: Session, name: str, but: str = "") -> bool:
    """True when another connection in the session's scope bears the name."""
    query = select(Connection.id).where(
        Connection.name == name, Connection.state != REMOVED, Connection.id != but
    )
    return session.scalars(query).first() is not None
