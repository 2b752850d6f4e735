"""Lists of customers, their accounts and contacts."""

from __future__ import annotations

from entrepot.hub.customers.tables import Contact, Customer, CustomerAccount
from sqlalchemy import select

from entrepot_web.criteria import Field
from entrepot_web.listing import Listing

STATES = ("active", "merged", "archived")
ACCOUNT_STATUSES = ("active", "suspended", "deleted", "unknown")

CUSTOMERS = Listing(
    name="customers",
    base=select(
        Customer.id,
        Customer.name,
        Customer.custom_id,
        Customer.state,
        Customer.merged_into,
        Customer.created_at,
        Customer.updated_at,
        Customer.version,
    ),
    key=Customer.id,
    fields={
        "id": Field(Customer.id, "id"),
        "name": Field(Customer.sort_name),
        "custom_id": Field(Customer.custom_id),
        "state": Field(Customer.state, "enum", STATES),
        "created_at": Field(Customer.created_at, "moment"),
        "updated_at": Field(Customer.updated_at, "moment"),
    },
    sorts=("name", "created_at", "updated_at"),
    default_sort="name",
    search=Customer.search_text,
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
