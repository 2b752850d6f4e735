"""Facts about this hub itself: a small table of keys and values."""

from __future__ import annotations

from sqlalchemy import String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from entrepot.store.base import Base

WRITES_PAUSED = "writes_paused"
"""Key that holds back every write to vendors and PSA systems; its value is why."""


class HubState(Base):
    """One thing the hub remembers about itself."""

    __tablename__ = "hub_state"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


def get_state(session: Session, key: str) -> str | None:
    """Return what is stored under ``key``, or None."""
    found = session.get(HubState, key, populate_existing=True)
    return found.value if found else None


def set_state(session: Session, key: str, value: str | None) -> None:
    """Store ``value`` under ``key``; None removes it."""
    found = session.get(HubState, key)
    if value is None:
        if found is not None:
            session.delete(found)
    elif found is None:
        session.add(HubState(key=key, value=value))
    else:
        found.value = value
    session.flush()


def missing_extensions(session: Session) -> list[str]:
    """Return the PostgreSQL extensions that the server doesn't offer, sorted.

    Search works without them, by walking the list in order: slower, same answers.
    `entrepot doctor` and the health page show them. Always empty on SQLite.
    """
    query = select(HubState.key).where(
        HubState.key.startswith("extension."), HubState.value == "no"
    )
    return sorted(key.removeprefix("extension.") for key in session.scalars(query))


def writes_paused(session: Session) -> str | None:
    """Return why outgoing writes are held back (``restored``), or None."""
    return get_state(session, WRITES_PAUSED)
