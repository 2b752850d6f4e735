"""Lists of customers, their accounts and contacts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers import facets
from entrepot.hub.customers.tables import Contact, Customer, CustomerAccount
from entrepot.store import search
from flask import g, has_request_context
from sqlalchemy import ColumnElement, func, or_, select, text
from sqlalchemy.orm import Session

from entrepot_web import listing as listing_of
from entrepot_web.criteria import Criterion, Field
from entrepot_web.cursors import Position
from entrepot_web.listing import Found, Listing, Question

STATES = ("active", "merged", "deleted")
ACCOUNT_STATUSES = ("active", "suspended", "deleted", "unknown")

Group = tuple[str, tuple[Any, ...]]
"""A facet and its values, of which a customer has one."""

_ALL = 10_000_000
_TABLE: Any = Customer.__table__
_C = _TABLE.c


def facet(kind: str) -> Field:
    """Return the field of a facet of customers: a provider, a country, a contact."""

    def condition(_tenant: str, values: tuple[Any, ...]) -> ColumnElement[bool]:
        return facets.has(kind, values)

    return Field(None, "related", related=condition, facet=kind)


def hits_of(session: Session, tenant_id: str, text: str, most: int) -> Sequence[str]:
    """Return ids of customers whose own text matches; asked for once in a snapshot."""
    known: dict[Any, Sequence[str]] = session.info.setdefault("customers", {})
    asked = (tenant_id, text, most)
    if asked not in known:
        known[asked] = search.hits(session, _TABLE, tenant_id, text, most)
    return known[asked]


class CustomerSearch:
    """Free text over names, ids, accounts, domains, contacts and providers."""

    def condition(
        self, session: Session, tenant_id: str, text: str
    ) -> ColumnElement[bool]:
        """Return the condition that a customer matches, for a walk."""
        holds = search.holds(_C.search_text, text)
        providers = named_providers(session, tenant_id, text)
        return or_(holds, facets.has("provider", providers)) if providers else holds


def named_providers(session: Session, tenant_id: str, text: str) -> list[str]:
    """Return the connections whose name or plugin holds a text."""
    wanted, known = search.fold(text), session.info.setdefault("providers", {})
    if tenant_id not in known:
        # A page of the console has asked for its connections already.
        asked = g.get("connections", ()) if has_request_context() else ()
        rows: Iterable[Any] = [
            (one.id, one.name, one.plugin) for one in asked if one.kind == "vendor"
        ] or session.execute(
            select(Connection.id, Connection.name, Connection.plugin).where(
                Connection.tenant_id == tenant_id, Connection.kind == "vendor"
            )
        )
        known[tenant_id] = [(key, search.fold(" ".join(names))) for key, *names in rows]
    return [key for key, names in known[tenant_id] if wanted in names]


class CustomerFinder:
    """Finds customers by what has indexes: their text, facets and states.

    Args:
        some: So many do for all; None where all are wanted.
    """

    def __init__(self, some: int | None = None) -> None:
        self._some = some

    def cut(
        self,
        session: Session,
        listing: Listing,
        question: Question,
        columns: listing_of.Columns,
        position: Position | None,
    ) -> search.Page | None:
        """Return the page of the list in the order of names; see `listing.Finder`."""
        wanted = _Wanted.of(listing, question)
        (first, down), *others = columns
        by_name = first is _C.sort_name and len(others) == 1
        asked = wanted.whole and (wanted.text or wanted.groups)
        if self._some is not None or not by_name or not asked:
            return None
        after = None if position is None else (position.values[0], position.values[1])
        cut = search.Cut(
            rows=question.limit + 1,
            counted=listing_of.COUNT_CAP + 1,
            down=down != (position is not None and position.backward),
            after=after,
        )
        sought = wanted.sought(session)
        return search.page(session, _TABLE, wanted.tenant_id, sought, cut)

    def find(
        self, session: Session, listing: Listing, question: Question
    ) -> Found | None:
        """Return what the indexes know of a question; see `listing.Finder`."""
        wanted = _Wanted.of(listing, question)
        if not (wanted.text or wanted.groups or wanted.hidden):
            return None
        if self._some is not None:
            keys = session.scalars(_keys(session, wanted, self._some)).all()
            return Found(keys, wanted.whole)
        most = listing_of.FEW
        if wanted.simple and _number(session, wanted, most + 1) > most:
            return Found(None, wanted.whole)
        keys = session.scalars(_keys(session, wanted, most + 1)).all()
        return Found(keys if len(keys) <= most else None, wanted.whole)

    def every(self, session: Session, listing: Listing, question: Question) -> Any:  # noqa: ANN401 - a select
        """Return the select of the keys of all rows; see `listing.Finder`."""
        if session.get_bind().dialect.name == "postgresql":
            return None  # It takes twice as long to fetch a row by its key there.
        return _keys(session, _Wanted.of(listing, question), _ALL)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A question in the words of the indexes."""

    tenant_id: str
    text: str
    states: tuple[str, ...]
    groups: tuple[Group, ...]
    whole: bool

    @classmethod
    def of(cls, listing: Listing, question: Question) -> _Wanted:
        states, groups, whole = list(STATES), [], True
        chosen = any(item.field == "state" for item in question.criteria)
        for item in (*question.criteria, *(() if chosen else listing.usual)):
            kind = listing.fields[item.field].facet
            if item.field == "state":
                among = item.operator in ("eq", "in")
                states = [one for one in states if (one in item.values) == among]
            elif kind:
                groups.append((kind, item.values))
            else:
                whole = False
        return cls(
            question.tenant_id, question.text, tuple(states), tuple(groups), whole
        )

    @property
    def hidden(self) -> bool:
        """Whether only customers are wanted that are joined or deleted: few."""
        return "active" not in self.states

    @property
    def simple(self) -> bool:
        """Whether the index of facets alone knows the answer, which is counted fast."""
        return not self.text and len(self.groups) == 1 and self.states == ("active",)

    def sought(self, session: Session) -> search.Sought:
        """Return the same in the words of the search."""
        providers = []
        if self.text:
            providers = named_providers(session, self.tenant_id, self.text)
        return search.Sought(
            words=self.text,
            instead=tuple(facets.token("provider", one) for one in providers),
            tokens=tuple(
                tuple(facets.token(kind, str(one)) for one in values)
                for kind, values in self.groups
            ),
            states=self.states,
            token_rows=facets.rows_with_one(*self.groups[0]) if self.simple else None,
        )


def _number(session: Session, wanted: _Wanted, most: int) -> int:
    query = facets.with_one(wanted.tenant_id, *wanted.groups[0]).limit(most)
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _keys(session: Session, wanted: _Wanted, most: int) -> Any:  # noqa: ANN401 - a select
    if wanted.hidden and not (wanted.text or wanted.groups):
        hidden = select(_C.id).where(
            _C.tenant_id == wanted.tenant_id,
            _C.state.in_(wanted.states),
            text("customer.state <> 'active'"),  # as the index says it
        )
        return hidden.limit(most)
    if wanted.groups and not wanted.text and wanted.states == ("active",):
        first, *others = wanted.groups
        query = facets.with_one(wanted.tenant_id, *first)
        for one in others:
            query = facets.also(query, wanted.tenant_id, *one)
        return query.limit(most)
    sought = wanted.sought(session)
    return search.found(session, _TABLE, wanted.tenant_id, sought, most)


USUAL = (Criterion("state", "nin", ("merged", "deleted")),)

CUSTOMERS = Listing(
    name="customers",
    base=select(
        _C.id,
        _C.name,
        _C.custom_id,
        _C.state,
        _C.merged_into,
        _C.price_book_id,
        _C.contact_name,
        _C.contact_email,
        _C.n_purchased,
        _C.n_orders,
        _C.n_notifications,
        _C.created_at,
        _C.updated_at,
        _C.version,
    ),
    key=_C.id,
    owners=(_C.tenant_id,),
    finder=CustomerFinder(),
    usual=USUAL,
    hint="INDEXED BY sqlite_autoindex_customer_1",
    fields={
        "id": Field(_C.id, "id"),
        "name": Field(_C.sort_name),
        "custom_id": Field(_C.custom_id),
        "state": Field(_C.state, "enum", STATES, facet="state"),
        "connection_id": facet("provider"),
        "country": facet("country"),
        "contact": facet("contact"),
        "kind": facet("kind"),
        "price_book_id": facet("price_book"),
        "contact_name": Field(_C.contact_name),
        "contact_email": Field(_C.contact_email),
        "purchased_items": Field(_C.n_purchased, "number"),
        "orders": Field(_C.n_orders, "number"),
        "notifications": Field(_C.n_notifications, "number"),
        "created_at": Field(_C.created_at, "moment"),
        "updated_at": Field(_C.updated_at, "moment"),
    },
    sorts=(
        "name",
        "contact_name",
        "contact_email",
        "custom_id",
        "purchased_items",
        "orders",
        "notifications",
        "created_at",
        "updated_at",
    ),
    default_sort="name",
    search=CustomerSearch(),
    streams=("customers",),
)

CUSTOM = "own_"
"""Before the key of a custom field, where it stands among other fields."""


def with_custom(fields: Iterable[Any]) -> Listing:
    """Return the list of customers with filters by a reseller's custom fields.

    Args:
        fields: Custom fields, with ``id`` and ``key``.
    """
    own = {f"{CUSTOM}{one.key}": facet(f"field:{one.id}") for one in fields}
    return replace(CUSTOMERS, fields={**CUSTOMERS.fields, **own}) if own else CUSTOMERS


ACCOUNTS = Listing(
    name="customer-accounts",
    base=select(CustomerAccount),
    key=CustomerAccount.id,
    fields={
        "customer_id": Field(CustomerAccount.customer_id, "id"),
        "connection_id": Field(CustomerAccount.connection_id, "id"),
        "vendor_id": Field(CustomerAccount.vendor_id),
        "name": Field(CustomerAccount.name),
        "domain": Field(CustomerAccount.domain),
        "status": Field(CustomerAccount.status, "enum", ACCOUNT_STATUSES),
        "known_at": Field(CustomerAccount.known_at, "moment"),
    },
    sorts=("known_at", "name"),
    default_sort="name",
    streams=("customers",),
)

CONTACTS = Listing(
    name="contacts",
    base=select(Contact),
    key=Contact.id,
    fields={
        "connection_id": Field(Contact.connection_id, "id"),
        "email": Field(Contact.email),
        "is_primary": Field(Contact.is_primary, "bool"),
    },
    sorts=("email",),
    default_sort="email",
    streams=("contacts",),
)
