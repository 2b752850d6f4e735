"""Lists of customers, their accounts and contacts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers import facets
from entrepot.hub.customers.tables import Contact, Customer, CustomerAccount
from entrepot.store import search
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from entrepot_web.criteria import Criterion, Field
from entrepot_web.listing import Listing

STATES = ("active", "merged", "deleted")
ACCOUNT_STATUSES = ("active", "suspended", "deleted", "unknown")

_TABLE: Any = Customer.__table__
_C = _TABLE.c


def facet(kind: str) -> Field:
    """Return the field of a facet of customers: a provider, a country, a contact."""

    def condition(_tenant: str, values: tuple[Any, ...]) -> ColumnElement[bool]:
        return facets.has(kind, values)

    return Field(None, "related", related=condition, facet=kind)


class CustomerFacets:
    """The index of filters of customers; it holds no joined or deleted ones."""

    def keys(
        self, tenant_id: str, wanted: Sequence[tuple[str, tuple[Any, ...]]]
    ) -> Select[Any]:
        """Return the select of the ids of customers that have one of each's values."""
        (kind, values), *others = wanted
        query = facets.with_one(tenant_id, kind, values)
        for kind, values in others:
            query = facets.also(query, tenant_id, kind, values)
        return query


def hits_of(session: Session, tenant_id: str, text: str, most: int) -> Sequence[str]:
    """Return ids of customers whose own text matches; asked for once in a snapshot."""
    known: dict[Any, Sequence[str]] = session.info.setdefault("customers", {})
    asked = (tenant_id, text, most)
    if asked not in known:
        known[asked] = search.hits(session, _TABLE, tenant_id, text, most)
    return known[asked]


class CustomerSearch:
    """Free text over names, ids, accounts, domains, contacts and providers."""

    def hits(
        self, session: Session, tenant_id: str, text: str, most: int
    ) -> Sequence[str]:
        """Return ids of customers that match, in no order, at most `most`."""
        found = hits_of(session, tenant_id, text, most)
        providers = self._providers(session, tenant_id, text)
        if providers and len(found) < most:
            query = facets.with_one(tenant_id, "provider", providers).limit(most)
            found = list({*found, *session.scalars(query)})
        return found

    def condition(
        self, session: Session, tenant_id: str, text: str
    ) -> ColumnElement[bool]:
        """Return the condition that a customer matches, for a walk."""
        holds = search.holds(_C.search_text, text)
        providers = self._providers(session, tenant_id, text)
        return or_(holds, facets.has("provider", providers)) if providers else holds

    def _providers(self, session: Session, tenant_id: str, text: str) -> list[str]:
        wanted, known = search.fold(text), session.info.setdefault("providers", {})
        if tenant_id not in known:
            rows = session.execute(
                select(Connection.id, Connection.name, Connection.plugin).where(
                    Connection.tenant_id == tenant_id, Connection.kind == "vendor"
                )
            )
            known[tenant_id] = [
                (key, search.fold(" ".join(names))) for key, *names in rows
            ]
        return [key for key, names in known[tenant_id] if wanted in names]


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
    facets=CustomerFacets(),
    usual=USUAL,
    hint="INDEXED BY sqlite_autoindex_customer_1",
    fields={
        "id": Field(_C.id, "id"),
        "name": Field(_C.sort_name),
        "custom_id": Field(_C.custom_id),
        "state": Field(_C.state, "enum", STATES),
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
