"""The OpenAPI description of operations, from what they declare."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from entrepot_web.api import sparse
from entrepot_web.api.problem import MEDIA_TYPE, Problem
from entrepot_web.api.shapes import Page
from entrepot_web.listing import Listing
from entrepot_web.workbook import XLSX

if TYPE_CHECKING:
    from entrepot_web.api.frame import Operation

_ALWAYS = (400, 429, 500, 503)
_SECURED = (401, 403)
_REF = "#/components/schemas/{name}"
_FORMATS: dict[str, dict[str, Any]] = {
    "decimal": {"type": "string", "pattern": r"^-?[0-9]{1,7}(\.[0-9]{1,4})?$"},
    "number": {"type": "string", "pattern": r"^[0-9]{1,9}$"},
    "moment": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "bool": {"type": "string", "enum": ["true", "false"]},
    "id": {"type": "string", "pattern": r"^[a-z]{2,8}_[0-9a-f]{1,32}$"},
}
TABLES = ("text/csv", "application/x-ndjson", XLSX)
"""Media types that every list can be had in."""
_BINARY = {XLSX: {"format": "binary"}}
SPARSE = Page[dict[str, Any]]
"""A page of rows with some of their fields, when the caller names them."""

_shapes: dict[str, Any] = {}


def operation(method: str, declared: Operation) -> dict[str, Any]:
    """Return the description of one operation, without its body and texts."""
    statuses = {*_ALWAYS, *declared.errors}
    if declared.permission is not None:
        statuses |= {*_SECURED}
    if declared.body is not None:
        statuses |= {413, 415, 422}
    if declared.keyed or declared.remembered:
        statuses |= {409, 422}
    if declared.matched:
        statuses |= {412, 428}
    responses = {
        str(status): _success(status, declared)
        for status in (declared.status, *declared.also)
    }
    responses |= {str(status): _problem(status) for status in sorted(statuses)}
    if method == "GET" and declared.permission is not None:
        responses["304"] = {"description": "Not modified since the given ETag."}
    described: dict[str, Any] = {
        "responses": responses,
        "parameters": _parameters(method, declared),
    }
    if declared.form:
        described["requestBody"] = _form(declared.form)
    if declared.permission is None:
        described["security"] = []
    else:
        described["security"] = [{"oauth2": [declared.permission]}]
        described["x-permission"] = declared.permission
    return described


def _form(fields: tuple[tuple[str, bool], ...]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {name: {"type": "string"} for name, _ in fields},
        "required": [name for name, required in fields if required],
    }
    media = "application/x-www-form-urlencoded"
    return {"required": True, "content": {media: {"schema": schema}}}


def components() -> dict[str, dict[str, Any]]:
    """Return the schemas of all structs that operations declared so far."""
    shapes = [Problem, *_shapes.values()]
    _, found = msgspec.json.schema_components(shapes, ref_template=_REF)
    return found


def _reference(shape: Any) -> dict[str, Any]:  # noqa: ANN401 - a struct or generic
    (schema,), _ = msgspec.json.schema_components([shape], ref_template=_REF)
    _shapes[str(schema.get("$ref", shape))] = shape
    return schema


def _success(status: int, declared: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if declared.returns is not None and status != 204:
        schema = _reference(declared.returns)
        if declared.listing is not None:
            schema = {"anyOf": [schema, _reference(SPARSE)]}
        content = {"application/json": {"schema": schema}}
        tables = TABLES if declared.listing else ()
        for media in (*declared.produces, *tables):
            schema = {"type": "string"}
            content[media] = {"schema": schema | _BINARY.get(media, {})}
        described["content"] = content
    if status in (201, 202):
        described["headers"] = {
            "Location": {
                "description": "Address of the new object or of its operation.",
                "schema": {"type": "string"},
            }
        }
    return described


def _problem(status: int) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": _reference(Problem)}},
    }
    if status == 429:
        described["headers"] = {
            "Retry-After": {
                "description": "Seconds to wait.",
                "schema": {"type": "string"},
            }
        }
    return described


def _parameters(method: str, declared: Operation) -> list[dict[str, Any]]:
    found = [dict(parameter) for parameter in declared.parameters]
    if declared.listing is not None:
        found += list_parameters(declared.listing)
    if method == "GET" and declared.permission is not None:
        found.append(
            header("If-None-Match", "Answer 304 when this ETag is still current.")
        )
    if declared.matched:
        found.append(header("If-Match", "ETag of the version you have read."))
    if declared.keyed or declared.remembered:
        found.append(
            header(
                "Idempotency-Key",
                "A word of your own, unique per intended write. A repeated request "
                "with the same key gets the first answer.",
                required=declared.keyed,
                pattern=r"^[A-Za-z0-9_.:-]{1,200}$",
            )
        )
    return found


def header(
    name: str, text: str, *, required: bool = False, pattern: str = ""
) -> dict[str, Any]:
    """Return a header parameter; `pattern` restricts its text."""
    schema = {"type": "string"} | ({"pattern": pattern} if pattern else {})
    return {
        "in": "header",
        "name": name,
        "description": text,
        "required": required,
        "schema": schema,
    }


def query(name: str, text: str, **schema: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON schema
    """Return a query parameter; the keywords are its JSON schema."""
    return {
        "in": "query",
        "name": name,
        "description": text,
        "required": False,
        "schema": {"type": "string", **schema},
    }


def list_parameters(listing: Listing) -> list[dict[str, Any]]:
    """Return the parameters of a list: page, order, search and filters."""
    orders = [sign + name for name in listing.sorts for sign in ("", "-")]
    found = [
        query("limit", "Rows per page.", type="integer", minimum=1, maximum=200),
        query("cursor", "Where to go on; from `page.next_cursor`.", maxLength=2000),
        query(
            "sort",
            f"Fields in order, - for descending: {', '.join(listing.sorts)}.",
            enum=orders,
        ),
        query("include", "`total` counts the matching rows.", enum=["total"]),
    ]
    if listing.search is not None:
        found.append(query("q", "Free text.", maxLength=200))
    found.append(
        query(sparse.parameter(listing), "Only these fields, by commas.", maxLength=500)
    )
    for name, field in sorted(listing.fields.items()):
        for operator in field.operators:
            suffix = "" if operator == "eq" else f"[{operator}]"
            kind = "bool" if operator == "is_null" else field.kind
            schema = dict(_FORMATS.get(kind, {"type": "string", "maxLength": 200}))
            if kind == "enum":
                schema = {"type": "string", "enum": list(field.values)}
            found.append(
                query(f"filter[{name}]{suffix}", f"{name} {operator}", **schema)
            )
    return found
