"""Facts with two times: when something was true, and when we learnt it.

A fact says "from `valid_from` on it is so", and it was learnt at `known_at`. Nothing
is ever changed: a later word replaces all earlier ones from its own `valid_from` on.
So the state at a moment, as known at another, is the fact learnt last among those
that had begun by then. A changed object costs exactly one row.

Tables named ``..._fact`` are append-only by trigger in both databases; only
retention and erasure lift that, see `entrepot.store.erasure`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Select, String, exists, select
from sqlalchemy.orm import Mapped, aliased, mapped_column

from entrepot.store.base import TenantOwned
from entrepot.store.types import JsonText, UtcDateTime

GONE = "gone"
"""Value of `change` that says: from here on the object doesn't exist."""

S = TypeVar("S", bound=Select[Any])


class FactMixin(TenantOwned):
    """Columns of a table of facts.

    Attributes:
        object_id: What the fact is about.
        known_at: When we learnt it.
        tenant_id: The reseller.
        valid_from: Since when it is true.
        run_id: The run, decision or request it comes from.
        change: ``new``, ``changed``, ``gone`` or ``back``.
        payload: The state as a JSON document.
    """

    object_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    known_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    run_id: Mapped[str] = mapped_column(String(200))
    change: Mapped[str] = mapped_column(String(20))
    payload: Mapped[Any] = mapped_column(JsonText)


def as_of(
    statement: S,
    fact: Any,  # noqa: ANN401 - any mapped class with the columns of FactMixin
    *,
    valid_at: datetime,
    known_at: datetime,
    gone: bool = False,
) -> S:
    """Restrict ``statement`` to the facts that told the state at a moment.

    Args:
        statement: A select from ``fact``, possibly joined to more.
        fact: A mapped class of facts.
        valid_at: The moment the state is asked for.
        known_at: Only what was known by then counts.
        gone: Whether to include objects that did not exist any more.

    Returns:
        The statement, giving at most one row for each object; none for an object
        that had not begun, or was not known yet.
    """
    later = aliased(fact)
    replaced = exists(
        select(1).where(
            later.tenant_id == fact.tenant_id,
            later.object_id == fact.object_id,
            later.known_at > fact.known_at,
            later.known_at <= known_at,
            later.valid_from <= valid_at,
        )
    )
    found = statement.where(
        fact.valid_from <= valid_at, fact.known_at <= known_at, ~replaced
    )
    return found if gone else found.where(fact.change != GONE)


def history(fact: Any, object_id: str) -> Select[Any]:  # noqa: ANN401 - as in as_of
    """Return a select of every fact about an object, in the order learnt."""
    return (
        select(fact)
        .where(fact.object_id == object_id)
        .order_by(fact.known_at, fact.valid_from)
    )
