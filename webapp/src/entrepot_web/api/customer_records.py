"""What belongs to customers: details, custom fields, price books, imports."""

from __future__ import annotations

from typing import Any

from entrepot.hub.customers.editing import OWN
from entrepot.hub.customers.importing import ImportView
from entrepot.hub.customers.price_books import PriceBookView
from entrepot.hub.customers.rules import FIELD_KINDS
from entrepot.hub.customers.works import INLINE
from marshmallow import Schema, fields, validate

from entrepot_web.api.customers import customers
from entrepot_web.api.frame import Answer, Operation, Resource, check_match
from entrepot_web.api.problem import not_found
from entrepot_web.api.shapes import Collection, Moment, Shape
from entrepot_web.context import actor, hub

customer_fields = Resource("customer-fields", "Fields a reseller adds to customers.")
price_books = Resource("price-books", "Price books and who has them.")
imports = Resource("imports", "Customers from files.")
LARGEST = 40_000_000
LONG = "cwk_"
"""How ids of imports begin that are jobs."""


class CustomerDetailsShape(Shape, frozen=True, kw_only=True):
    """All that the hub keeps of a customer, custom fields by their keys."""

    id: str
    state: str
    fields: dict[str, str]
    custom: dict[str, str]
    erased_at: Moment | None


class ErasureShape(Shape, frozen=True, kw_only=True):
    """What an erasure took personal data out of, and what it kept."""

    contacts: int
    accounts: int
    facts: int
    audit_entries: int
    kept: list[str]


class CustomFieldShape(Shape, frozen=True, kw_only=True):
    """A custom field of customers."""

    id: str
    key: str
    label: str
    kind: str
    options: list[str]
    required: bool


class PriceBookShape(Shape, frozen=True, kw_only=True):
    """A named price book."""

    id: str
    name: str
    description: str
    currency: str
    customers: int
    created_at: Moment
    updated_at: Moment


class AssignmentShape(Shape, frozen=True, kw_only=True):
    """What became of an assignment; refused customers with their reasons by id."""

    changed: int
    same: int
    refused: dict[str, str]


class CustomerImportRow(Shape, frozen=True, kw_only=True):
    """What became of one line; errors and warnings are pairs of column and text."""

    row: int
    outcome: str
    customer_id: str | None
    errors: list[list[str]]
    warnings: list[list[str]]


class CustomerImportShape(Shape, frozen=True, kw_only=True):
    """One import of customers."""

    id: str
    name: str
    dry_run: bool
    state: str
    counts: dict[str, int]
    rows: list[CustomerImportRow]
    created_by: str
    created_at: Moment


class ErasureBody(Schema):
    """Whose request it is."""

    why = fields.String(required=True, validate=validate.Length(1, 500))


class CustomFieldBody(Schema):
    """A new custom field."""

    key = fields.String(
        required=True, validate=validate.Regexp(r"^[a-z][a-z0-9_]{0,59}\Z")
    )
    label = fields.String(required=True, validate=validate.Length(1, 120))
    kind = fields.String(load_default="text", validate=validate.OneOf(FIELD_KINDS))
    options = fields.List(
        fields.String(validate=validate.Length(1, 200)),
        load_default=list,
        validate=validate.Length(0, 200),
    )
    required = fields.Boolean(load_default=False)


class PriceBookBody(Schema):
    """A price book's own fields."""

    name = fields.String(required=True, validate=validate.Length(1, 120))
    currency = fields.String(required=True, validate=validate.Regexp(r"^[A-Z]{3}\Z"))
    description = fields.String(load_default="", validate=validate.Length(0, 2000))


class AssignmentBody(Schema):
    """Which customers get the price book."""

    customer_ids = fields.List(
        fields.String(validate=validate.Length(1, 40)),
        required=True,
        validate=validate.Length(1, 1000),
    )


class CustomerImportBody(Schema):
    """A file of customers: CSV with a head."""

    name = fields.String(load_default="customers.csv", validate=validate.Length(1, 200))
    content = fields.String(required=True, validate=validate.Length(1, LARGEST))
    dry_run = fields.Boolean(load_default=True)


@customers.operation(
    "GET",
    "/customers/<string:customer_id>/details",
    Operation(permission="customers:read", returns=CustomerDetailsShape, errors=(404,)),
)
def get_customer_details(customer_id: str) -> CustomerDetailsShape:
    """Read all that the hub keeps of a customer."""
    found = hub().customers.editing.details(actor(), customer_id)
    keys = {one.id: one.key for one in hub().customers.fields.list(actor())}
    return CustomerDetailsShape(
        id=found.id,
        state=found.state,
        fields={name: found.fields[name] for name in OWN},
        custom={keys.get(key, key): value for key, value in found.custom.items()},
        erased_at=found.erased_at,
    )


@customers.operation(
    "POST",
    "/customers/<string:customer_id>/erasures",
    Operation(
        permission="customers:approve",
        returns=ErasureShape,
        status=201,
        body=ErasureBody,
        errors=(404,),
        remembered=True,
    ),
)
def erase_customer(body: dict[str, Any], customer_id: str) -> Answer:
    """Erase what is known of people at a customer; it can't be undone."""
    done = hub().customers.erasing.erase(actor(), customer_id, why=body["why"])
    shape = ErasureShape(
        contacts=done.contacts,
        accounts=done.accounts,
        facts=done.facts,
        audit_entries=done.audit_entries,
        kept=list(done.kept),
    )
    location = {"Location": f"/api/v1/customers/{customer_id}/details"}
    return Answer(body=shape, headers=location)


@customer_fields.operation(
    "GET",
    "/customer-fields",
    Operation(permission="customers:read", returns=Collection[CustomFieldShape]),
)
def list_customer_fields() -> Collection[CustomFieldShape]:
    """List the custom fields in their order."""
    found = hub().customers.fields.list(actor())
    return Collection(data=[_field(one) for one in found])


@customer_fields.operation(
    "POST",
    "/customer-fields",
    Operation(
        permission="customers:write",
        returns=CustomFieldShape,
        status=201,
        body=CustomFieldBody,
        errors=(409,),
        remembered=True,
    ),
)
def create_customer_field(body: dict[str, Any]) -> Answer:
    """Add a custom field."""
    made = hub().customers.fields.add(actor(), **body)
    location = {"Location": "/api/v1/customer-fields"}
    return Answer(body=_field(made), headers=location)


@customer_fields.operation(
    "DELETE",
    "/customer-fields/<string:field_id>",
    Operation(
        permission="customers:write", status=204, errors=(404, 409), matched=True
    ),
)
def delete_customer_field(field_id: str) -> Answer:
    """Remove a custom field that no customer uses."""
    found = [one for one in hub().customers.fields.list(actor()) if one.id == field_id]
    if not found:
        raise not_found("custom field", field_id)
    check_match(_field(found[0]))
    hub().customers.fields.remove(actor(), field_id)
    return Answer()


@price_books.operation(
    "GET",
    "/price-books",
    Operation(permission="offers:read", returns=Collection[PriceBookShape]),
)
def list_price_books() -> Collection[PriceBookShape]:
    """List the price books by name."""
    found = hub().customers.price_books.list(actor())
    return Collection(data=[_book(one) for one in found])


@price_books.operation(
    "POST",
    "/price-books",
    Operation(
        permission="offers:write",
        returns=PriceBookShape,
        status=201,
        body=PriceBookBody,
        errors=(409,),
        remembered=True,
    ),
)
def create_price_book(body: dict[str, Any]) -> Answer:
    """Add a price book."""
    made = hub().customers.price_books.create(actor(), **body)
    location = {"Location": f"/api/v1/price-books/{made.id}"}
    return Answer(body=_book(made), headers=location)


@price_books.operation(
    "GET",
    "/price-books/<string:book_id>",
    Operation(permission="offers:read", returns=PriceBookShape, errors=(404,)),
)
def get_price_book(book_id: str) -> PriceBookShape:
    """Read one price book."""
    return _book(hub().customers.price_books.get(actor(), book_id))


@price_books.operation(
    "PATCH",
    "/price-books/<string:book_id>",
    Operation(
        permission="offers:write",
        returns=PriceBookShape,
        body=PriceBookBody,
        errors=(404, 409),
        matched=True,
    ),
)
def update_price_book(body: dict[str, Any], book_id: str) -> PriceBookShape:
    """Change a price book."""
    known = hub().customers.price_books.get(actor(), book_id)
    check_match(_book(known))
    hub().customers.price_books.change(actor(), book_id, version=known.version, **body)
    return _book(hub().customers.price_books.get(actor(), book_id))


@price_books.operation(
    "DELETE",
    "/price-books/<string:book_id>",
    Operation(permission="offers:write", status=204, errors=(404, 409), matched=True),
)
def delete_price_book(book_id: str) -> Answer:
    """Remove a price book that no customer has."""
    check_match(_book(hub().customers.price_books.get(actor(), book_id)))
    hub().customers.price_books.remove(actor(), book_id)
    return Answer()


@price_books.operation(
    "POST",
    "/price-books/<string:book_id>/assignments",
    Operation(
        permission="customers:write",
        returns=AssignmentShape,
        status=201,
        body=AssignmentBody,
        errors=(404,),
        remembered=True,
    ),
)
def assign_price_book(body: dict[str, Any], book_id: str) -> Answer:
    """Give customers this price book; tells who couldn't get it."""
    done = hub().customers.price_books.assign(actor(), book_id, body["customer_ids"])
    shape = AssignmentShape(
        changed=done.changed, same=done.same, refused=dict(done.refused)
    )
    return Answer(body=shape, headers={"Location": f"/api/v1/price-books/{book_id}"})


@imports.operation(
    "POST",
    "/imports",
    Operation(
        permission="customers:write",
        returns=CustomerImportShape,
        status=201,
        also=(202,),
        body=CustomerImportBody,
        remembered=True,
    ),
)
def import_customers(body: dict[str, Any]) -> Answer:
    """Check a file of customers and, unless it is a dry run, take it in.

    A file of more than 200 lines is answered with 202: it is an operation of the same
    id, and what became of its lines is read in parts from ``/customer-works``.
    """
    if body["content"].count("\n") > INLINE:
        return _begun(body)
    made = hub().customers.imports.run(
        actor(), name=body["name"], text=body["content"], dry_run=body["dry_run"]
    )
    location = {"Location": f"/api/v1/imports/{made.id}"}
    return Answer(body=_import(made), headers=location)


@imports.operation(
    "GET",
    "/imports/<string:import_id>",
    Operation(permission="customers:write", returns=CustomerImportShape, errors=(404,)),
)
def get_import(import_id: str) -> CustomerImportShape:
    """Read what became of every line of an import; of a long one, how far it is."""
    if import_id.startswith(LONG):
        return _long(import_id)
    return _import(hub().customers.imports.get(actor(), import_id))


def _begun(body: dict[str, Any]) -> Answer:
    work_id = hub().customers.works.take_in(
        actor(), name=body["name"], text=body["content"], dry_run=body["dry_run"]
    )
    location = {"Location": f"/api/v1/operations/{work_id}"}
    return Answer(body=_long(work_id), status=202, headers=location)


def _long(work_id: str) -> CustomerImportShape:
    """Return an import that is a job; its rows come in parts."""
    found = hub().customers.works.get(actor(), work_id)
    if found.kind != "import":
        raise not_found("import", work_id)
    return CustomerImportShape(
        id=found.id,
        name=found.name,
        dry_run=found.dry_run,
        state=found.state,
        counts=dict(found.counts),
        rows=[],
        created_by=found.created_by,
        created_at=found.created_at,
    )


def _field(one: Any) -> CustomFieldShape:  # noqa: ANN401 - a view of the hub
    return CustomFieldShape(
        id=one.id,
        key=one.key,
        label=one.label,
        kind=one.kind,
        options=list(one.options),
        required=one.required,
    )


def _book(one: PriceBookView) -> PriceBookShape:
    return PriceBookShape(
        id=one.id,
        name=one.name,
        description=one.description,
        currency=one.currency,
        customers=one.customers,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


def _import(one: ImportView) -> CustomerImportShape:
    return CustomerImportShape(
        id=one.id,
        name=one.name,
        dry_run=one.dry_run,
        state=one.state,
        counts=dict(one.counts),
        rows=[CustomerImportRow(**row) for row in one.rows],
        created_by=one.created_by,
        created_at=one.created_at,
    )
