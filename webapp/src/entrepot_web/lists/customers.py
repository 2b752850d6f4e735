"""Lists of customers, their accounts and contacts."""

from __future__ import annotations

from entrepot.hub.customers.tables import Contact, Customer, CustomerAccount
from sqlalchemy import select

from entrepot_web.criteria import Field
from entrepot_web.listing import Listing

STATES = ("active", "merged", "archived")
ACCOUNT_STATUSES = ("active", "suspended", "deleted", "unknown")

_C = Customer.__table__.c

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
