"""Work on many customers as it is kept, and as it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.customers.records import CustomerWork
from entrepot.sdk.errors import NotFound
from entrepot.store.actor import Actor, Behalf

RIGHT = "customers:write"
"""What working on many customers needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkView:
    """How far some work is; see `CustomerWork`."""

    id: str
    kind: str
    name: str
    dry_run: bool
    state: str
    settings: Mapping[str, Any]
    counts: Mapping[str, int]
    total: int
    done: int
    problem: str
    created_by: str
    created_at: datetime
    ended_at: datetime | None


def who(actor: Actor) -> dict[str, Any]:
    """Return who wants some work, as it is kept."""
    by = asdict(actor.by) if actor.by is not None else None
    return {"id": actor.id, "kind": actor.kind, "name": actor.name, "by": by}


def actor_of(row: CustomerWork) -> Actor:
    """Return who wanted some work, with the one right it needs."""
    said = dict(row.actor)
    by = said.pop("by")
    return Actor(
        tenant_id=row.tenant_id,
        permissions=frozenset({RIGHT}),
        by=Behalf(**by) if by else None,
        **said,
    )


def require_work(session: Session, work_id: str) -> CustomerWork:
    """Return some work.

    Raises:
        NotFound: There is none of that id.
    """
    query = select(CustomerWork).where(CustomerWork.id == work_id)
    row = session.scalars(query).first()
    if row is None:
        raise NotFound("no_such_work", "There is no such work.")
    return row
