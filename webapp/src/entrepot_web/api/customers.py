"""Customers, their accounts at vendors, and the people there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from entrepot.hub.customers.rules import KINDS
from entrepot.hub.customers.tables import Contact, Customer, CustomerAccount
from flask import request
from marshmallow import Schema, fields, validate
from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot_web.api import lists
from entrepot_web.api.frame import Answer, Operation, Resource, check_match
from entrepot_web.api.problem import not_found
from entrepot_web.api.shapes import Collection, ExternalId, Moment, Page, Shape
from entrepot_web.context import actor, hub, scope
from entrepot_web.lists.customers import (
    ACCOUNTS,
    CONTACTS,
    CUSTOMERS,
    with_custom,
)

customers = Resource("customers", "The reseller's customers and their accounts.")


class AccountRef(Shape, frozen=True, kw_only=True):
    """A customer's account at one vendor connection, in short."""

    id: str
    connection_id: str
    vendor_id: str
    name: str
    status: str


class CustomerView(Shape, frozen=True, kw_only=True):
    """A customer of the reseller. Its own fields are the hub's."""

    id: str
    name: str
    custom_id: str
    state: str
    merged_into: str | None
    price_book_id: str | None
    contact_name: str
    contact_email: str
    purchased_items: int
    orders: int
    notifications: int
    accounts: list[AccountRef]
    created_at: Moment
    updated_at: Moment


class AccountView(Shape, frozen=True, kw_only=True):
    """A customer's account at one vendor. Its fields are the vendor's."""

    id: str
    customer_id: str
    connection_id: str
    external_ids: list[ExternalId]
    name: str
    domain: str
    domains: list[str]
    tax_id: str
    email: str
    phone: str
    country: str
    region: str
    city: str
    postal_code: str
    address: str
    language: str
    currency: str
    status: str
    vendor_status: str
    vendor_created_at: Moment | None
    known_at: Moment
    missing_since: Moment | None
    gone_at: Moment | None


class ContactView(Shape, frozen=True, kw_only=True):
    """A person at a customer's account or at a PSA company."""

    id: str
    connection_id: str
    owner_id: str
    first_name: str
    last_name: str
    email: str
    phone: str
    role: str
    is_primary: bool
    known_at: Moment


def _text(most: int) -> fields.String:
    return fields.String(validate=validate.Length(0, most))


class CustomerPatch(Schema):
    """The hub's own fields of a customer; what is left out stays.

    Values of custom fields stand in ``custom`` by the fields' keys.
    """

    name = fields.String(validate=validate.Length(1, 500))
    custom_id = _text(100)
    kind = fields.String(validate=validate.OneOf(KINDS))
    company = _text(500)
    login = _text(320)
    given_name = _text(200)
    family_name = _text(200)
    email = _text(320)
    phone = _text(40)
    street = _text(500)
    postal_code = _text(40)
    city = _text(200)
    region = _text(200)
    country = _text(2)
    tax_id = _text(100)
    locale = _text(35)
    custom = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 60)), values=_text(500)
    )


class MergeBody(Schema):
    """Which customer is joined to this one, and why."""

    other_id = fields.String(required=True, validate=validate.Length(1, 40))
    why = fields.String(required=True, validate=validate.Length(1, 500))


class SplitBody(Schema):
    """Why an account gets a customer of its own."""

    why = fields.String(required=True, validate=validate.Length(1, 500))


@customers.operation(
    "GET",
    "/customers",
    Operation(
        permission="customers:read", returns=Page[CustomerView], listing=CUSTOMERS
    ),
)
def list_customers() -> Answer:
    """List customers; ``filter[own_<key>]`` filters by a custom field."""
    filtered = any(name.startswith("filter") for name in request.args)
    own = hub().customers.fields.list(actor()) if filtered else ()
    return lists.page(with_custom(own), customer_views)


@customers.operation(
    "GET",
    "/customers/<string:customer_id>",
    Operation(permission="customers:read", returns=CustomerView, errors=(404,)),
)
def get_customer(customer_id: str) -> CustomerView:
    """Read one customer."""
    return _find(customer_id)


@customers.operation(
    "PATCH",
    "/customers/<string:customer_id>",
    Operation(
        permission="customers:write",
        returns=CustomerView,
        body=CustomerPatch,
        errors=(404, 409),
        matched=True,
    ),
)
def update_customer(body: dict[str, Any], customer_id: str) -> CustomerView:
    """Change a customer's own fields; those of its accounts are the vendors'."""
    version = hub().customers.get(actor(), customer_id).version
    check_match(_find(customer_id))
    if body:
        custom = by_id(body.pop("custom", {}))
        hub().customers.editing.change(
            actor(), customer_id, version=version, fields=body, custom=custom
        )
    return _find(customer_id)


@customers.operation(
    "POST",
    "/customers",
    Operation(
        permission="customers:write",
        returns=CustomerView,
        status=201,
        body=CustomerPatch,
        remembered=True,
    ),
)
def create_customer(body: dict[str, Any]) -> Answer:
    """Add a customer; only a name is required, of a person both names."""
    custom = by_id(body.pop("custom", {}))
    made = hub().customers.editing.create(actor(), body, custom)
    location = {"Location": f"/api/v1/customers/{made}"}
    return Answer(body=_find(made), headers=location)


@customers.operation(
    "DELETE",
    "/customers/<string:customer_id>",
    Operation(
        permission="customers:write", status=204, errors=(404, 409), matched=True
    ),
)
def delete_customer(customer_id: str) -> Answer:
    """Delete a customer without live subscriptions; the audit log keeps it."""
    version = hub().customers.get(actor(), customer_id).version
    check_match(_find(customer_id))
    hub().customers.editing.delete(
        actor(), customer_id, why="through the API", version=version
    )
    return Answer()


def by_id(custom: dict[str, str]) -> dict[str, str]:
    """Return values of custom fields by field id; unknown keys stay and are refused."""
    known = {one.key: one.id for one in hub().customers.fields.list(actor())}
    return {known.get(key, key): value for key, value in custom.items()}


@customers.operation(
    "POST",
    "/customers/<string:customer_id>/merges",
    Operation(
        permission="mappings:write",
        returns=CustomerView,
        status=201,
        body=MergeBody,
        errors=(404,),
        remembered=True,
    ),
)
def merge_customers(body: dict[str, Any], customer_id: str) -> Answer:
    """Join another customer's accounts to this one; a split takes it back."""
    hub().customers.merge(actor(), customer_id, body["other_id"], why=body["why"])
    location = {"Location": f"/api/v1/customers/{customer_id}"}
    return Answer(body=_find(customer_id), headers=location)


@customers.operation(
    "POST",
    "/customer-accounts/<string:account_id>/splits",
    Operation(
        permission="mappings:write",
        returns=CustomerView,
        status=201,
        body=SplitBody,
        errors=(404,),
        remembered=True,
    ),
)
def split_account(body: dict[str, Any], account_id: str) -> Answer:
    """Give an account a customer of its own again; answers that customer."""
    made = hub().customers.split(actor(), account_id, why=body["why"])
    location = {"Location": f"/api/v1/customers/{made}"}
    return Answer(body=_find(made), headers=location)


def _find(customer_id: str) -> CustomerView:
    query = CUSTOMERS.of(actor().tenant_id).where(CUSTOMERS.key == customer_id)
    with hub().store.read(scope()) as session:
        found = customer_views(session, session.execute(query).all())
    if not found:
        raise not_found("customer", customer_id)
    return found[0]


@customers.operation(
    "GET",
    "/customers/<string:customer_id>/accounts",
    Operation(
        permission="customers:read",
        returns=Collection[AccountView],
        errors=(404,),
    ),
)
def list_accounts_of_customer(customer_id: str) -> Collection[AccountView]:
    """List the accounts of one customer, in the order they were found."""
    query = (
        select(CustomerAccount)
        .where(CustomerAccount.customer_id == customer_id)
        .order_by(CustomerAccount.id)
    )
    with hub().store.read(scope()) as session:
        if session.get(Customer, customer_id) is None:
            raise not_found("customer", customer_id)
        found = session.scalars(query).all()
        return Collection(data=[_account(item) for item in found])


@customers.operation(
    "GET",
    "/customers/<string:customer_id>/contacts",
    Operation(
        permission="customers:read",
        returns=Collection[ContactView],
        errors=(404,),
    ),
)
def list_contacts_of_customer(customer_id: str) -> Collection[ContactView]:
    """List the people at the accounts of one customer."""
    with hub().store.read(scope()) as session:
        if session.get(Customer, customer_id) is None:
            raise not_found("customer", customer_id)
        found = session.scalars(contacts_of(customer_id)).all()
        return Collection(data=[_contact(item) for item in found])


@customers.operation(
    "GET",
    "/customer-accounts",
    Operation(permission="customers:read", returns=Page[AccountView], listing=ACCOUNTS),
)
def list_accounts() -> Answer:
    """List accounts at all vendors."""
    return lists.page(ACCOUNTS, lambda _, rows: [_account(row[0]) for row in rows])


@customers.operation(
    "GET",
    "/contacts",
    Operation(permission="customers:read", returns=Page[ContactView], listing=CONTACTS),
)
def list_contacts() -> Answer:
    """List people at customers and PSA companies."""
    return lists.page(CONTACTS, lambda _, rows: [_contact(row[0]) for row in rows])


def contacts_of(customer_id: str) -> Any:  # noqa: ANN401 - a select
    """Return the select of the people at a customer's accounts, main one first."""
    return (
        select(Contact)
        .join(
            CustomerAccount,
            (CustomerAccount.connection_id == Contact.connection_id)
            & (CustomerAccount.vendor_id == Contact.owner_id),
        )
        .where(CustomerAccount.customer_id == customer_id)
        .order_by(Contact.is_primary.desc(), Contact.email, Contact.id)
    )


def customer_views(session: Session, rows: Sequence[Any]) -> list[CustomerView]:
    """Return rows of the customers' list with their accounts."""
    accounts = accounts_by_customer(session, [row.id for row in rows])
    return [
        CustomerView(
            id=row.id,
            name=row.name,
            custom_id=row.custom_id,
            state=row.state,
            merged_into=row.merged_into,
            price_book_id=row.price_book_id,
            contact_name=row.contact_name,
            contact_email=row.contact_email,
            purchased_items=row.n_purchased,
            orders=row.n_orders,
            notifications=row.n_notifications,
            accounts=accounts.get(row.id, []),
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    ]


_A = CustomerAccount.__table__.c
_REFERENCES = select(
    _A.customer_id, _A.id, _A.connection_id, _A.vendor_id, _A.name, _A.status
).order_by(_A.id)


def accounts_by_customer(
    session: Session, customer_ids: list[str]
) -> dict[str, list[AccountRef]]:
    """Return the accounts of some customers; those without any are left out."""
    found: dict[str, list[AccountRef]] = {}
    if not customer_ids:
        return found
    query = _REFERENCES.where(
        _A.tenant_id == actor().tenant_id, _A.customer_id.in_(customer_ids)
    )
    for customer_id, account, connection, vendor, name, status in session.execute(
        query
    ):
        found.setdefault(customer_id, []).append(
            AccountRef(
                id=account,
                connection_id=connection,
                vendor_id=vendor,
                name=name,
                status=status,
            )
        )
    return found


def _account(item: CustomerAccount) -> AccountView:
    pairs = [("account", item.vendor_id), *((p[0], p[-1]) for p in item.external_ids)]
    return AccountView(
        id=item.id,
        customer_id=item.customer_id,
        connection_id=item.connection_id,
        external_ids=[
            ExternalId(system=item.connection_id, type=kind, value=value)
            for kind, value in pairs
        ],
        name=item.name,
        domain=item.domain,
        domains=item.domains,
        tax_id=item.tax_id,
        email=item.email,
        phone=item.phone,
        country=item.country,
        region=item.region,
        city=item.city,
        postal_code=item.postal_code,
        address=item.address,
        language=item.language,
        currency=item.currency,
        status=item.status,
        vendor_status=item.vendor_status,
        vendor_created_at=item.vendor_created_at,
        known_at=item.known_at,
        missing_since=item.missing_since,
        gone_at=item.gone_at,
    )


def _contact(item: Contact) -> ContactView:
    return ContactView(
        id=item.id,
        connection_id=item.connection_id,
        owner_id=item.owner_id,
        first_name=item.first_name,
        last_name=item.last_name,
        email=item.email,
        phone=item.phone,
        role=item.role,
        is_primary=item.is_primary,
        known_at=item.known_at,
    )
