"""One part of work on many customers: what is done to each row, what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.customers.editing import change
from entrepot.hub.customers.giving import give_book
from entrepot.hub.customers.importing import CustomerImports
from entrepot.hub.customers.line_results import document_of, result_of
from entrepot.hub.customers.price_books import require_book
from entrepot.hub.customers.rules import CustomerInvalid
from entrepot.hub.customers.tables import Customer
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Rejected
from entrepot.store.actor import Actor

Row = dict[str, Any]


class Acts:
    """What may be done to many customers.

    Args:
        clock: Time.
        imports: Takes in lines of files.
    """

    def __init__(self, clock: Clock, imports: CustomerImports) -> None:
        self._clock = clock
        self._imports = imports

    def do(
        self,
        session: Session,
        actor: Actor,
        kind: str,
        settings: Mapping[str, Any],
        lines: Sequence[Any],
    ) -> list[Row]:
        """Do it to some rows in the caller's unit; returns their outcomes.

        Args:
            session: The unit.
            actor: In whose name.
            kind: Of `CustomerWork`.
            settings: Of `CustomerWork`.
            lines: Ids of customers, or checked lines of a file.

        Raises:
            NotFound: The price book is gone.
        """
        if kind == "import":
            return self._take_in(session, actor, lines)
        query = select(Customer).where(Customer.id.in_(lines))
        known = {row.id: row for row in session.scalars(query)}
        if kind == "edit":
            return [
                self._edit(session, actor, settings, one, known.get(one))
                for one in lines
            ]
        book = settings["book"]
        if book is not None:
            require_book(session, book)
        rows = [known[one] for one in lines if one in known]
        given = give_book(session, actor, self._clock.now(), book, rows)
        return [_row(one, *given.get(one, _GONE)) for one in lines]

    def _edit(
        self,
        session: Session,
        actor: Actor,
        settings: Mapping[str, Any],
        customer_id: str,
        row: Customer | None,
    ) -> Row:
        if row is None:
            return _row(customer_id, *_GONE)
        try:
            with session.begin_nested():
                changed = change(
                    session,
                    actor,
                    row,
                    self._clock.now(),
                    settings["fields"],
                    settings["custom"],
                )
        except CustomerInvalid as error:
            text = " ".join(one.text for one in error.problems)
            return _row(customer_id, "rejected", text)
        except Rejected as error:
            return _row(customer_id, "rejected", error.user_message)
        return _row(customer_id, "updated" if changed else "unchanged", "")

    def _take_in(
        self, session: Session, actor: Actor, lines: Sequence[Any]
    ) -> list[Row]:
        pairs = [(line, result_of(said)) for line, said in lines]
        self._imports.take_in(session, actor, pairs)
        return [document_of(result) for _, result in pairs]


_GONE = ("rejected", "There is no such customer.")


def _row(customer_id: str, outcome: str, text: str) -> Row:
    return {
        "customer_id": customer_id,
        "outcome": outcome,
        "errors": [["", text]] if text else [],
        "warnings": [],
    }
