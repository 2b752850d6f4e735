"""Views of lists that all people of a reseller share: columns, and saved questions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.customers.records import ListView
from entrepot.hub.customers.rules import plain
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.store.actor import Actor
from entrepot.store.audit_log import audit
from entrepot.store.ids import new_id
from entrepot.store.scope import TenantScope
from entrepot.store.unit import Store

MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """Filters, search and order of a list under a name."""

    id: str
    name: str
    query: str
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all people of a reseller share of a list.

    Attributes:
        columns: Keys of the columns everybody sees; None when nobody chose any.
        saved: Saved views by name.
    """

    columns: tuple[str, ...] | None
    saved: tuple[SavedView, ...]


class ListViews:
    """Use cases of shared views.

    Args:
        store: The hub's database.
        clock: Time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def read(self, actor: Actor, of: str) -> Shared:
        """Return a list's columns and saved views."""
        row = ListView
        query = select(row.name, row.id, row.query, row.columns, row.created_by)
        query = query.where(row.of == of).order_by(row.name)
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return shared(session.execute(query).all())

    def choose_columns(
        self, actor: Actor, of: str, columns: Sequence[str] | None
    ) -> None:
        """Choose the columns for everybody; None goes back to the usual ones.

        Raises:
            PermissionDenied: Without ``customers:write``: it changes what others see.
        """
        actor.require("customers:write")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            row = _named(session, of, "")
            before = row.columns if row else None
            if row is None:
                row = self._new(session, actor, of, "")
            row.columns = None if columns is None else list(columns)
            audit(
                session,
                actor,
                action="list_view.columns",
                subject=("list", of),
                before={"columns": before},
                after={"columns": row.columns},
            )

    def save(self, actor: Actor, of: str, name: str, query: str) -> None:
        """Save a view; one of the same name is replaced.

        Raises:
            PermissionDenied: Without ``customers:write``.
            Rejected: The name or the query is too long or empty.
            Conflict: There are too many views.
        """
        actor.require("customers:write")
        name, query = " ".join(plain(name).split()), plain(query)
        if not 1 <= len(name) <= 60 or len(query) > 2000:
            raise Rejected(
                "name_invalid", "Give the view a name of 1 to 60 letters.", field="name"
            )
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            row = _named(session, of, name)
            if row is None:
                kept = session.scalars(select(ListView.id).where(ListView.of == of))
                if len(kept.all()) > MOST:
                    raise Conflict("too_many", f"At most {MOST} views can be saved.")
                row = self._new(session, actor, of, name)
            row.query = query
            audit(
                session,
                actor,
                action="list_view.save",
                subject=("list", of),
                after={"name": name, "query": query},
            )

    def remove(self, actor: Actor, view_id: str) -> None:
        """Remove a saved view.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require("customers:write")
        query = select(ListView).where(ListView.id == view_id, ListView.name != "")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            row = session.scalars(query).first()
            if row is None:
                raise NotFound("no_such_view", "There is no such view.")
            audit(
                session,
                actor,
                action="list_view.remove",
                subject=("list", row.of),
                before={"name": row.name, "query": row.query},
            )
            session.delete(row)

    def _new(self, session: Session, actor: Actor, of: str, name: str) -> ListView:
        row = ListView(
            id=new_id("vie"),
            tenant_id=actor.tenant_id,
            of=of,
            name=name,
            query="",
            created_by=actor.name[:120],
            created_at=self._clock.now(),
        )
        session.add(row)
        return row


def shared(rows: Iterable[Sequence[Any]]) -> Shared:
    """Return columns and views by what the table says of a list.

    Args:
        rows: Name, id, query, columns and maker of each, by name.
    """
    columns, saved = None, []
    for name, id_, query, own, created_by in rows:
        if name:
            saved.append(
                SavedView(id=id_, name=name, query=query, created_by=created_by)
            )
        elif own is not None:
            columns = tuple(own)
    return Shared(columns=columns, saved=tuple(saved))


def _named(session: Session, of: str, name: str) -> ListView | None:
    query = select(ListView).where(ListView.of == of, ListView.name == name)
    return session.scalars(query).first()
