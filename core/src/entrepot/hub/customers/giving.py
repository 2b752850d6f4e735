"""Giving customers a price book, within somebody else's unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from entrepot.hub.customers.tables import Customer
from entrepot.hub.customers.upkeep import derive
from entrepot.store.actor import Actor
from entrepot.store.audit_log import audit


def give_book(
    session: Session,
    actor: Actor,
    now: datetime,
    book_id: str | None,
    rows: Sequence[Customer],
) -> dict[str, tuple[str, str]]:
    """Give customers a price book, or none, in the caller's unit.

    Returns:
        By customer ``updated``, ``unchanged`` or ``rejected``, and why.
    """
    found: dict[str, tuple[str, str]] = {}
    for row in rows:
        if row.state != "active":
            found[row.id] = ("rejected", f"{row.name} is {row.state}.")
        elif row.price_book_id == book_id:
            found[row.id] = ("unchanged", "")
        else:
            audit(
                session,
                actor,
                action="customer.price_book",
                subject=("customer", row.id),
                before={"price_book": row.price_book_id},
                after={"price_book": book_id},
            )
            row.price_book_id = book_id
            row.updated_at, row.version = now, row.version + 1
            found[row.id] = ("updated", "")
    session.flush()
    changed = [one for one, (outcome, _) in found.items() if outcome == "updated"]
    derive(session, actor.tenant_id, changed)
    return found
