"""Lists of customers, their accounts and contacts."""

from __future__ import annotations

from typing import Any

from entrepot.hub.customers.tables import Contact, Customer, CustomerAccount
from sqlalchemy import ColumnElement, select

from entrepot_web.criteria import Field
from entrepot_web.listing import Listing

STATES = ("active", "merged", "archived")
ACCOUNT_STATUSES = ("active", "suspended", "deleted", "unknown")

_C = Customer.__table__.c

_A = CustomerAccount.__table__.c


def _with_account(column: Any) -> Any:  # noqa: ANN401 - a column, a condition
    """Return the condition that a customer has an account with one of some values."""

    def condition(tenant_id: str, values: tuple[Any, ...]) -> ColumnElement[bool]:
        owners = select(_A.customer_id).where(
            _A.tenant_id == tenant_id, column.in_(values)
        )
        return _C.id.in_(owners)

    return condition


CUSTOMERS = Listing(
    name="customers",
    base=select(
        _C.id,
        _C.name,
        _C.custom_id,
        _C.state,
        _C.merged_into,
        _C.created_at,
        _C.updated_at,
        _C.version,
    ),
    key=_C.id,
    owners=(_C.tenant_id,),
    fields={
        "id": Field(_C.id, "id"),
        "name": Field(_C.sort_name),
        "custom_id": Field(_C.custom_id),
        "state": Field(_C.state, "enum", STATES),
        "connection_id": Field(
            None, "related", related=_with_account(_A.connection_id)
        ),
        "country": Field(None, "related", related=_with_account(_A.country)),
        "created_at": Field(_C.created_at, "moment"),
        "updated_at": Field(_C.updated_at, "moment"),
    },
    sorts=("name", "created_at", "updated_at"),
    default_sort="name",
    search=_C.search_text,
    streams=("customers",),
)

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
