"""Many customers at once: durable work, followed part by part."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from entrepot.hub.customers.work_rows import WorkView
from entrepot.hub.customers.works import MOST, PART
from entrepot.sdk.errors import Rejected
from marshmallow import Schema, fields, validate

from entrepot_web.api.customer_records import price_books
from entrepot_web.api.frame import Answer, Operation, Resource
from entrepot_web.api.operations import PREFER, OperationShape, accepted
from entrepot_web.api.problem import not_found
from entrepot_web.api.shapes import Collection, Moment, Shape
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.criteria import FilterInvalid, parse
from entrepot_web.listing import Question, filtered
from entrepot_web.lists.customers import with_custom

customer_works = Resource("customer-works", "What is done to many customers.")


class CustomerWorkShape(Shape, frozen=True, kw_only=True):
    """Something done to many customers.

    Attributes:
        id: Also that of its operation.
        kind: ``price_book``, ``edit`` or ``import``.
        state: ``running``, ``done``, ``failed`` or ``cancelled``.
        counts: Rows by outcome so far.
        parts: How many parts its rows come in.
    """

    id: str
    kind: str
    name: str
    dry_run: bool
    state: str
    counts: dict[str, int]
    total: int
    done: int
    parts: int
    problem: str
    created_by: str
    created_at: Moment
    ended_at: Moment | None


class CustomerWorkRow(Shape, frozen=True, kw_only=True):
    """What became of one row; of a file's line `row` is its number."""

    row: int | None
    outcome: str
    customer_id: str | None
    errors: list[list[str]]
    warnings: list[list[str]]


class BulkAssignmentBody(Schema):
    """Which customers: their ids, or what the list of customers would be asked."""

    customer_ids = fields.List(
        fields.String(validate=validate.Length(1, 40)),
        validate=validate.Length(1, MOST),
    )
    matching = fields.String(validate=validate.Length(0, 2000))


@price_books.operation(
    "POST",
    "/price-books/<string:book_id>/bulk-assignments",
    Operation(
        permission="customers:write",
        returns=OperationShape,
        status=202,
        body=BulkAssignmentBody,
        errors=(404,),
        remembered=True,
        parameters=(PREFER,),
    ),
)
def assign_price_book_to_many(body: dict[str, Any], book_id: str) -> Answer:
    """Give many customers this price book; the answer is an operation to follow.

    ``matching`` is a query string of the list of customers, such as
    ``filter[country]=NO&q=toys``; an empty one means all of them.
    """
    ids = body.get("customer_ids")
    if (ids is None) == ("matching" not in body):
        raise Rejected(
            "which_customers",
            "Send either customer_ids or matching.",
            field="customer_ids",
        )
    wanted = _matching(body["matching"]) if ids is None else list(dict.fromkeys(ids))
    return accepted(hub().customers.works.assign(actor(), book_id, wanted))


@customer_works.operation(
    "GET",
    "/customer-works/<string:work_id>",
    Operation(permission="customers:write", returns=CustomerWorkShape, errors=(404,)),
)
def get_customer_work(work_id: str) -> CustomerWorkShape:
    """Read how far something done to many customers is."""
    return _work(hub().customers.works.get(actor(), work_id))


@customer_works.operation(
    "GET",
    "/customer-works/<string:work_id>/parts/<string:part>",
    Operation(
        permission="customers:write",
        returns=Collection[CustomerWorkRow],
        errors=(404,),
    ),
)
def list_customer_work_rows(work_id: str, part: str) -> Collection[CustomerWorkRow]:
    """List what became of the rows of one part, from 0; none before it is done."""
    if not part.isdecimal():
        raise not_found("part", part)
    rows = hub().customers.works.rows(actor(), work_id, min(int(part[:9]), MOST))
    return Collection(
        data=[
            CustomerWorkRow(
                row=one.get("row"),
                outcome=one["outcome"],
                customer_id=one["customer_id"],
                errors=one["errors"],
                warnings=one["warnings"],
            )
            for one in rows
        ]
    )


def _matching(text: str) -> list[str]:
    """Return ids of all customers that a query string of their list matches."""
    pairs = parse_qsl(text, keep_blank_values=True)
    for name, _ in pairs:
        if name != "q" and not name.startswith("filter"):
            raise _unknown(f"{name[:80]!r} isn't a parameter here.")
    listing = with_custom(hub().customers.fields.list(actor()))
    try:
        criteria = parse(pairs, listing.fields)
    except FilterInvalid as error:
        raise _unknown(str(error)) from error
    question = Question(
        limit=1,
        sort=((listing.default_sort, False),),
        criteria=criteria,
        tenant_id=actor().tenant_id,
        secret=parts().secret,
        text=dict(pairs).get("q", "").replace("\0", "").strip()[:200],
    )
    with hub().store.read(scope()) as session:
        query = filtered(session, listing, question)
        wanted = query.with_only_columns(listing.key).limit(MOST + 1)
        return list(session.scalars(wanted))


def _unknown(problem: str) -> Rejected:
    return Rejected(
        "matching_invalid",
        problem,
        field="matching",
        remedy="Write it as for the list of customers: q and filter[...].",
    )


def _work(found: WorkView) -> CustomerWorkShape:
    values = {
        name: getattr(found, name)
        for name in CustomerWorkShape.__struct_fields__
        if name not in ("counts", "parts")
    }
    return CustomerWorkShape(
        **values, counts=dict(found.counts), parts=-(-found.total // PART)
    )
