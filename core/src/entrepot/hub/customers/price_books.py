"""Price books: named records that customers are assigned to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from entrepot.hub.customers.giving import give_book
from entrepot.hub.customers.records import PriceBook
from entrepot.hub.customers.rules import plain
from entrepot.hub.customers.tables import Customer
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.store.actor import Actor
from entrepot.store.audit_log import audit
from entrepot.store.ids import new_id
from entrepot.store.scope import TenantScope
from entrepot.store.unit import Store

PIECE = 500
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBookView:
    """A price book with the number of customers that have it."""

    id: str
    name: str
    description: str
    currency: str
    customers: int
    created_at: datetime
    updated_at: datetime
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """What became of an assignment to many.

    Attributes:
        changed: Customers that have another book than before.
        same: Customers that had it already.
        refused: Customers that can't have one, with the reason, by id.
    """

    changed: int
    same: int
    refused: tuple[tuple[str, str], ...]


class PriceBooks:
    """Use cases of price books.

    Args:
        store: The hub's database.
        clock: Time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def list(self, actor: Actor) -> tuple[PriceBookView, ...]:
        """All price books by name."""
        actor.require("offers:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            counted = dict(
                session.execute(
                    select(Customer.price_book_id, func.count())
                    .where(Customer.price_book_id.is_not(None))
                    .group_by(Customer.price_book_id)
                ).all()
            )
            rows = session.scalars(select(PriceBook).order_by(PriceBook.name)).all()
            return tuple(_view(row, counted.get(row.id, 0)) for row in rows)

    def get(self, actor: Actor, book_id: str) -> PriceBookView:
        """One price book.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require("offers:read")
        having = (
            select(func.count())
            .select_from(Customer)
            .where(Customer.price_book_id == book_id)
        )
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            row = require_book(session, book_id)
            return _view(row, session.scalar(having) or 0)

    def create(
        self, actor: Actor, *, name: str, currency: str, description: str = ""
    ) -> PriceBookView:
        """Add a price book.

        Raises:
            Rejected: Name or currency is wrong.
            Conflict: There is one of that name.
        """
        actor.require("offers:write")
        given = _checked(name, currency, description)
        now = self._clock.now()
        try:
            with self._store.unit(TenantScope(actor.tenant_id)) as session:
                row = PriceBook(
                    id=new_id("pbk"),
                    tenant_id=actor.tenant_id,
                    created_at=now,
                    updated_at=now,
                    version=1,
                    **given,
                )
                session.add(row)
                session.flush()
                _note(session, actor, "create", row.id, after=given)
                return _view(row, 0)
        except IntegrityError as error:
            raise _taken(name) from error

    def change(
        self,
        actor: Actor,
        book_id: str,
        *,
        version: int,
        name: str,
        currency: str,
        description: str = "",
    ) -> None:
        """Change a price book.

        Raises:
            NotFound: There is none of that id.
            Conflict: Somebody changed it meanwhile, or the name is taken.
            Rejected: Name or currency is wrong.
        """
        actor.require("offers:write")
        given = _checked(name, currency, description)
        try:
            with self._store.unit(TenantScope(actor.tenant_id)) as session:
                row = require_book(session, book_id)
                if row.version != version:
                    raise Conflict("changed", "The price book was changed meanwhile.")
                before = {key: getattr(row, key) for key in given}
                for key, value in given.items():
                    setattr(row, key, value)
                row.updated_at, row.version = self._clock.now(), version + 1
                _note(session, actor, "change", book_id, before=before, after=given)
        except IntegrityError as error:
            raise _taken(name) from error

    def remove(self, actor: Actor, book_id: str) -> None:
        """Remove a price book that no customer has.

        Raises:
            NotFound: There is none of that id.
            Conflict: Customers have it; says how many.
        """
        actor.require("offers:write")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            row = require_book(session, book_id)
            used = session.scalar(
                select(func.count())
                .select_from(Customer)
                .where(Customer.price_book_id == book_id)
            )
            if used:
                raise Conflict(
                    "price_book_used",
                    f"{used} customers have the price book {row.name}.",
                    remedy="Assign them another one first.",
                )
            _note(session, actor, "remove", book_id, before={"name": row.name})
            session.delete(row)

    def assign(
        self, actor: Actor, book_id: str | None, customer_ids: Sequence[str]
    ) -> Assigned:
        """Give customers a price book, or none; one audit entry for each.

        Args:
            actor: Needs ``customers:write``.
            book_id: Which, or None to take it away.
            customer_ids: Of whom; unknown ones are refused by id.

        Raises:
            NotFound: There is no such price book.
        """
        actor.require("customers:write")
        wanted = list(dict.fromkeys(customer_ids))
        changed = 0
        refused: tuple[tuple[str, str], ...] = ()
        for start in range(0, max(len(wanted), 1), PIECE):
            piece = wanted[start : start + PIECE]
            with self._store.unit(TenantScope(actor.tenant_id)) as session:
                if book_id is not None:
                    require_book(session, book_id)
                done, no = self._assign(session, actor, book_id, piece)
            changed, refused = changed + done, refused + no
        same = len(wanted) - changed - len(refused)
        return Assigned(changed=changed, same=same, refused=refused)

    def _assign(
        self, session: Session, actor: Actor, book_id: str | None, piece: Sequence[str]
    ) -> tuple[int, tuple[tuple[str, str], ...]]:
        rows = session.scalars(select(Customer).where(Customer.id.in_(piece))).all()
        known = {row.id for row in rows}
        refused = [
            (one, "There is no such customer.") for one in piece if one not in known
        ]
        given = give_book(session, actor, self._clock.now(), book_id, rows)
        refused += [(one, text) for one, (_, text) in given.items() if text]
        changed = sum(outcome == "updated" for outcome, _ in given.values())
        return changed, tuple(refused)


def _checked(name: str, currency: str, description: str) -> dict[str, str]:
    name, currency = plain(name), currency.strip().upper()
    if not 1 <= len(name) <= 120:
        raise Rejected("name_invalid", "A name has 1 to 120 characters.", field="name")
    if not _CURRENCY.fullmatch(currency):
        raise Rejected(
            "currency_invalid", "Enter a currency code such as EUR.", field="currency"
        )
    if len(description) > 2000:
        raise Rejected(
            "description_invalid", "Use at most 2000 characters.", field="description"
        )
    return {"name": name, "currency": currency, "description": plain(description)}


def require_book(session: Session, book_id: str) -> PriceBook:
    """Return a price book.

    Raises:
        NotFound: There is none of that id.
    """
    query = select(PriceBook).where(PriceBook.id == book_id)
    row = session.scalars(query).first()
    if row is None:
        raise _missing()
    return row


def _missing() -> NotFound:
    return NotFound("no_such_price_book", "There is no such price book.")


def _taken(name: str) -> Conflict:
    return Conflict("name_taken", f"There is a price book {name.strip()} already.")


def _view(row: PriceBook, customers: int) -> PriceBookView:
    return PriceBookView(
        id=row.id,
        name=row.name,
        description=row.description,
        currency=row.currency,
        customers=customers,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )


def _note(session: Session, actor: Actor, what: str, book_id: str, **said: Any) -> None:  # noqa: ANN401 - what audit takes
    audit(
        session,
        actor,
        action=f"price_book.{what}",
        subject=("price_book", book_id),
        **said,
    )
