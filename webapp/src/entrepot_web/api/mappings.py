"""Mapping: which PSA company a customer is, which PSA product a SKU is billed as."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from entrepot.hub.mapping.views import (
    AccountRow,
    BatchView,
    CustomerDecision,
    Impact,
    Imported,
    ListQuery,
    ProductDecision,
    Progress,
    Share,
    SkuRow,
)
from entrepot.hub.paging import Slice
from entrepot.jobs.submit import RunRef
from entrepot.store.ids import new_id
from flask import request
from marshmallow import Schema, fields, validate

from entrepot_web import cursors
from entrepot_web.api.describe import query as parameter
from entrepot_web.api.frame import Answer, Operation, Resource
from entrepot_web.api.inputs import DecimalText, decimal
from entrepot_web.api.operations import PREFER, OperationShape, accepted
from entrepot_web.api.problem import bad_request, unprocessable
from entrepot_web.api.shapes import Meta, Page, PageLinks
from entrepot_web.context import actor, hub, parts, scope

mappings = Resource("mappings", "Decisions on customers and products, with evidence.")

STATUSES = ("undecided", "suggested", "confirmed", "rejected", "excluded", "stale")
_PSA = parameter("psa_connection_id", "Against which PSA connection.", maxLength=40)
_WORK = (
    _PSA,
    parameter("status", "Only this status.", enum=list(STATUSES)),
    parameter("vendor_connection_id", "Only this vendor connection.", maxLength=40),
    parameter("q", "Part of the name.", maxLength=200),
    parameter("limit", "Rows per page.", type="integer", minimum=1, maximum=200),
    parameter("cursor", "Where to go on.", maxLength=2000),
)


class ShareSchema(Schema):
    """A company and how much of the customer it gets."""

    company_id = fields.String(required=True, validate=validate.Length(1, 200))
    share = fields.String(
        load_default="all",
        validate=validate.OneOf(["all", "fixed", "percent", "remainder"]),
    )
    value = DecimalText(load_default="0")


class CustomerDecisionSchema(Schema):
    """Which companies a customer is."""

    account_id = fields.String(required=True, validate=validate.Length(1, 40))
    companies = fields.List(
        fields.Nested(ShareSchema), required=True, validate=validate.Length(1, 50)
    )
    shared = fields.Boolean(load_default=False)
    version = fields.Integer(load_default=None, allow_none=True, strict=True)


class ProductDecisionSchema(Schema):
    """What a SKU, or a pattern of SKUs, is billed as."""

    psa_product_id = fields.String(load_default="", validate=validate.Length(0, 200))
    id = fields.String(load_default=None, allow_none=True)
    vendor_connection_id = fields.String(
        load_default="", validate=validate.Length(0, 40)
    )
    sku = fields.String(load_default="", validate=validate.Length(0, 200))
    term = fields.String(load_default="", validate=validate.Length(0, 20))
    billing_cycle = fields.String(load_default="", validate=validate.Length(0, 20))
    kind = fields.String(load_default="license", validate=validate.Length(1, 30))
    factor = DecimalText(load_default="1")
    version = fields.Integer(load_default=None, allow_none=True, strict=True)


class _DecisionBody(Schema):
    psa_connection_id = fields.String(required=True, validate=validate.Length(1, 40))
    why = fields.String(load_default="", validate=validate.Length(0, 1000))


class CustomerDecisionsBody(_DecisionBody):
    """One decision about several customers."""

    action = fields.String(
        required=True,
        validate=validate.OneOf(["confirm", "accept", "reject", "exclude", "clear"]),
    )
    decisions = fields.List(fields.Nested(CustomerDecisionSchema), load_default=list)
    ids = fields.List(
        fields.String(validate=validate.Length(1, 200)), load_default=None
    )
    companies = fields.List(
        fields.String(validate=validate.Length(1, 200)), load_default=list
    )


class ProductDecisionsBody(_DecisionBody):
    """One decision about several products."""

    action = fields.String(
        required=True,
        validate=validate.OneOf(["confirm", "accept", "reject", "exclude", "remove"]),
    )
    decisions = fields.List(fields.Nested(ProductDecisionSchema), load_default=list)
    ids = fields.List(
        fields.String(validate=validate.Length(1, 200)), load_default=None
    )
    vendor_connection_id = fields.String(
        load_default="", validate=validate.Length(0, 40)
    )


class RefreshBody(Schema):
    """Which PSA connection to match against."""

    psa_connection_id = fields.String(load_default="", validate=validate.Length(0, 40))


class ImportBody(Schema):
    """A CSV file."""

    psa_connection_id = fields.String(required=True, validate=validate.Length(1, 40))
    csv = fields.String(required=True, validate=validate.Length(1, 1_500_000))
    dry_run = fields.Boolean(load_default=True)


@mappings.operation(
    "GET",
    "/mappings/customers",
    Operation(permission="mappings:read", returns=Page[AccountRow], parameters=_WORK),
)
def list_customer_mappings() -> Answer:
    """List vendor customers with their mapping or suggestion."""
    return _work_list("customers", hub().mapping.customers.list)


@mappings.operation(
    "GET",
    "/mappings/products",
    Operation(permission="mappings:read", returns=Page[SkuRow], parameters=_WORK),
)
def list_product_mappings() -> Answer:
    """List SKUs in use with their mapping or suggestion."""
    return _work_list("products", hub().mapping.products.list)


@mappings.operation(
    "GET",
    "/mappings/progress",
    Operation(permission="mappings:read", returns=Progress, parameters=(_PSA,)),
)
def get_mapping_progress() -> Progress:
    """Read how many customers and products are still undecided."""
    return hub().mapping.progress(actor(), _psa())


@mappings.operation(
    "POST",
    "/mappings/refreshes",
    Operation(
        permission="mappings:write",
        returns=OperationShape,
        status=202,
        body=RefreshBody,
        parameters=(PREFER,),
    ),
)
def refresh_suggestions(body: dict[str, Any]) -> Answer:
    """Run the matcher; decisions of people are never changed by it."""
    return accepted(start_matching(body["psa_connection_id"], "api").run_id)


@mappings.operation(
    "POST",
    "/mappings/customers/previews",
    Operation(
        permission="mappings:read",
        returns=Impact,
        body=CustomerDecisionsBody,
        errors=(404, 409),
    ),
)
def preview_customers(body: dict[str, Any]) -> Impact:
    """Read what decisions on customers would touch, before they are saved."""
    return hub().mapping.customers.preview(actor(), _customer_decisions(body))


@mappings.operation(
    "POST",
    "/mappings/products/previews",
    Operation(
        permission="mappings:read",
        returns=Impact,
        body=ProductDecisionsBody,
        errors=(404, 409),
    ),
)
def preview_products(body: dict[str, Any]) -> Impact:
    """Read what decisions on products would touch, before they are saved."""
    return hub().mapping.products.preview(actor(), _product_decisions(body))


@mappings.operation(
    "POST",
    "/mappings/customers/decisions",
    Operation(
        permission="mappings:write",
        returns=BatchView,
        status=201,
        body=CustomerDecisionsBody,
        errors=(404, 409),
        remembered=True,
    ),
)
def decide_customers(body: dict[str, Any]) -> BatchView:
    """Confirm, accept suggestions, reject, exclude or clear, all at once."""
    desk, psa, why = hub().mapping.customers, body["psa_connection_id"], body["why"]
    match body["action"]:
        case "confirm":
            return desk.confirm(actor(), _customer_decisions(body), why=why)
        case "accept":
            return desk.accept(actor(), psa, ids=body["ids"], why=why)
        case "reject":
            ids = _ids(body)
            if len(ids) != len(body["companies"]):
                raise unprocessable("companies", "Name one company for each id.")
            pairs = list(zip(ids, body["companies"], strict=True))
            return desk.reject(actor(), psa, pairs, why=why)
        case "exclude":
            return desk.exclude(actor(), psa, _ids(body), reason=why)
        case _:
            return desk.clear(actor(), psa, _ids(body), why=why)


@mappings.operation(
    "POST",
    "/mappings/products/decisions",
    Operation(
        permission="mappings:write",
        returns=BatchView,
        status=201,
        body=ProductDecisionsBody,
        errors=(404, 409),
        remembered=True,
    ),
)
def decide_products(body: dict[str, Any]) -> BatchView:
    """Confirm, accept suggestions, reject, exclude or remove, all at once."""
    desk, psa, why = hub().mapping.products, body["psa_connection_id"], body["why"]
    match body["action"]:
        case "confirm":
            return desk.confirm(actor(), _product_decisions(body), why=why)
        case "accept":
            return desk.accept(actor(), psa, ids=body["ids"], why=why)
        case "reject":
            return desk.reject(actor(), psa, _ids(body), why=why)
        case "exclude":
            vendor = body["vendor_connection_id"]
            if not vendor:
                raise unprocessable(
                    "vendor_connection_id", "Name whose SKUs these are."
                )
            skus = [(vendor, sku) for sku in _ids(body)]
            return desk.exclude(actor(), psa, skus, reason=why)
        case _:
            return desk.remove(actor(), psa, _ids(body), why=why)


@mappings.operation(
    "GET",
    "/mappings/batches",
    Operation(
        permission="mappings:read",
        returns=Page[BatchView],
        parameters=(_WORK[-2], _WORK[-1]),
    ),
)
def list_batches() -> Answer:
    """List decisions as a whole, newest first."""
    last = _last("batches", 1)
    found = hub().mapping.batches(
        actor(), last=last[0] if last else None, limit=_limit()
    )
    return _page("batches", found)


@mappings.operation(
    "POST",
    "/mappings/batches/<string:batch_id>/undos",
    Operation(
        permission="mappings:write", returns=BatchView, status=201, errors=(404, 409)
    ),
)
def undo_batch(batch_id: str) -> BatchView:
    """Put everything back to what it was before a decision."""
    return hub().mapping.undo(actor(), batch_id)


@mappings.operation(
    "GET",
    "/mappings/<any(customers,products):what>/export",
    Operation(permission="mappings:read", parameters=(_PSA,), produces=("text/csv",)),
)
def export_mappings(what: str) -> Answer:
    """Read all decisions as CSV; the same file can be imported."""
    desk = hub().mapping.customers if what == "customers" else hub().mapping.products
    text = desk.export_csv(actor(), _psa())
    name = f'attachment; filename="{what}.csv"'
    return Answer(
        body=text.encode(), mimetype="text/csv", headers={"Content-Disposition": name}
    )


@mappings.operation(
    "POST",
    "/mappings/<any(customers,products):what>/imports",
    Operation(
        permission="mappings:write",
        returns=Imported,
        body=ImportBody,
        errors=(404, 409),
    ),
)
def import_mappings(body: dict[str, Any], what: str) -> Imported:
    """Check a CSV file line by line; with ``dry_run: false`` also save it."""
    desk = hub().mapping.customers if what == "customers" else hub().mapping.products
    return desk.import_csv(
        actor(), body["psa_connection_id"], body["csv"], dry_run=body["dry_run"]
    )


def start_matching(psa_connection_id: str, cause: str) -> RunRef:
    """Submit a run of the matcher; it must be allowed already."""
    with hub().store.unit(scope()) as session:
        return hub().jobs.submit(
            session,
            "suggest_mappings",
            run_id=f"match:{new_id('run')}",
            args={"psa_connection_id": psa_connection_id},
            exclusive=f"match:{actor().tenant_id}:{psa_connection_id}",
            connection_id=psa_connection_id or None,
            requested_by=actor().name,
            cause=cause,
        )


def _work_list(name: str, read: Callable[..., Slice[Any]]) -> Answer:
    query = ListQuery(
        psa_connection_id=_psa(),
        vendor_connection_id=request.args.get("vendor_connection_id") or None,
        status=_status(),
        text=request.args.get("q", "").replace("\0", "")[:200],
        last=_last(name, 3 if name == "customers" else 4),
        limit=_limit(),
    )
    return _page(name, read(actor(), query))


def _page(name: str, found: Slice[Any]) -> Answer:
    cursor = None
    if found.has_more and found.last is not None:
        place = cursors.Position(found.last, backward=False)
        cursor = cursors.encode(place, parts().secret, _binding(name))
    with hub().store.read(scope()) as session:
        fresh = parts().freshness.read(session, actor().tenant_id, ())
    links = PageLinks(next_cursor=cursor, prev_cursor=None, has_more=found.has_more)
    meta = Meta(complete=fresh.complete, as_of=fresh.as_of, freshness=[])
    return Answer(body=Page(data=list(found.items), page=links, meta=meta))


def _last(name: str, size: int) -> tuple[Any, ...] | None:
    cursor = request.args.get("cursor")
    if not cursor:
        return None
    try:
        kinds = ("text",) * size
        return cursors.decode(cursor, parts().secret, _binding(name), kinds).values
    except cursors.CursorInvalid as error:
        raise bad_request("cursor_invalid", str(error), "cursor") from error


def _binding(name: str) -> str:
    kept = sorted(item for item in request.args.items() if item[0] != "cursor")
    return repr((actor().tenant_id, "mappings", name, kept))


def _psa() -> str:
    wanted = request.args.get("psa_connection_id", "")
    known = hub().mapping.psa_connections(actor())
    if wanted in known:
        return wanted
    if not wanted and len(known) == 1:
        return known[0]
    raise bad_request(
        "psa_connection_unknown",
        "Name one of your PSA connections as psa_connection_id.",
        "psa_connection_id",
    )


def _status() -> str | None:
    wanted = request.args.get("status")
    if wanted is not None and wanted not in STATUSES:
        allowed = ", ".join(STATUSES)
        raise bad_request("status_invalid", f"status is one of {allowed}.", "status")
    return wanted


def _limit() -> int:
    text = request.args.get("limit", "50")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 200:
        raise bad_request("limit_invalid", "limit is 1 to 200.", "limit")
    return int(text)


def _ids(body: dict[str, Any]) -> list[str]:
    if not body["ids"]:
        raise unprocessable("ids", "Name at least one.")
    return list(body["ids"])


def _customer_decisions(body: dict[str, Any]) -> list[CustomerDecision]:
    if not body["decisions"]:
        raise unprocessable("decisions", "Name at least one decision.")
    return [
        CustomerDecision(
            account_id=item["account_id"],
            psa_connection_id=body["psa_connection_id"],
            companies=tuple(_share(share) for share in item["companies"]),
            shared=item["shared"],
            version=item["version"],
        )
        for item in body["decisions"]
    ]


def _share(given: dict[str, Any]) -> Share:
    value = decimal(given["value"])
    return Share(company_id=given["company_id"], share=given["share"], value=value)


def _product_decisions(body: dict[str, Any]) -> list[ProductDecision]:
    if not body["decisions"]:
        raise unprocessable("decisions", "Name at least one decision.")
    psa = body["psa_connection_id"]
    return [
        ProductDecision(
            psa_connection_id=psa, **item | {"factor": decimal(item["factor"])}
        )
        for item in body["decisions"]
    ]
