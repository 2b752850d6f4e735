"""The frame of every API operation: rights, bodies, answers and their description.

An operation is written as a plain function that returns a struct. `Api.operation`
adds what all have in common, and describes it in the OpenAPI document from the same
declaration, so that the document can't say anything else than the code does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import msgspec
from flask import Response, g, request
from flask_smorest import Blueprint  # type: ignore[import-untyped]  # has no types
from marshmallow import Schema

from entrepot_web.api import describe, idempotency
from entrepot_web.api.problem import ApiError, from_exception, respond
from entrepot_web.context import actor, parts
from entrepot_web.listing import Listing

__all__ = ["Answer", "Operation", "Resource", "check_match", "etag_of"]

_CONDITIONS = (
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_IF_RANGE",
    "HTTP_RANGE",
)
_encoder = msgspec.json.Encoder(decimal_format="string")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that is more than a struct.

    Attributes:
        body: A struct or dataclass, bytes or an iterator of them of another type, or
            None for nothing.
        status: The HTTP status; the operation's own when None.
        headers: Further headers.
        mimetype: Type of a body that is bytes.
    """

    body: object = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    mimetype: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What an operation declares.

    Attributes:
        permission: Scope that the caller needs; None for a public one.
        returns: Struct of the answer; None for an empty one.
        status: Status of success.
        also: Further successful statuses.
        errors: Statuses it may answer besides those every operation may.
        body: Schema of the request's body.
        form: (field, required) of a form that the view reads itself.
        listing: The list it pages through.
        parameters: Further query parameters, as OpenAPI objects.
        keyed: Whether an Idempotency-Key is required (it writes outside).
        remembered: Whether a key is honoured though not required.
        matched: Whether If-Match is required.
        produces: Other media types it answers on demand.
    """

    permission: str | None
    returns: Any = None
    status: int = 200
    also: tuple[int, ...] = ()
    errors: tuple[int, ...] = ()
    body: type[Schema] | None = None
    form: tuple[tuple[str, bool], ...] = ()
    listing: Listing | None = None
    parameters: tuple[dict[str, Any], ...] = ()
    keyed: bool = False
    remembered: bool = False
    matched: bool = False
    produces: tuple[str, ...] = ()


View = Callable[..., Any]


class Resource(Blueprint):  # type: ignore[misc]  # the library is untyped
    """A group of operations under ``/api/v1``.

    Args:
        name: Its name, also its tag in the document.
        description: One sentence for the document.
    """

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, __name__, url_prefix="/api/v1", description=description)
        self.operations: list[tuple[str, str, Operation]] = []
        self._prepare_doc_cbks = [self._prepare_arguments_doc]

    def operation(
        self, method: str, rule: str, declared: Operation
    ) -> Callable[[View], View]:
        """Register a function as an operation.

        Args:
            method: ``GET``, ``POST``, ``PATCH`` or ``DELETE``.
            rule: Path below ``/api/v1``.
            declared: What it declares.
        """

        def register(view: View) -> View:
            inner = _guarded(view, declared)
            if declared.body is not None:
                inner = self.arguments(declared.body)(inner)
            outer = _answered(inner, declared)
            outer = self.doc(**describe.operation(method, declared))(outer)
            outer.declared = declared
            endpoint = f"{view.__name__}"
            self.add_url_rule(rule, endpoint, outer, methods=[method])
            self.operations.append((method, rule, declared))
            return view

        return register


def _guarded(view: View, declared: Operation) -> View:
    """Return the view with its rights checked and its answer encoded."""

    @wraps(view)
    def call(*args: object, **kwargs: object) -> Response:
        return _encode(view(*args, **kwargs), declared)

    return call


def _answered(inner: View, declared: Operation) -> View:
    """Return the view as Flask calls it: rights first, then keys, then work."""

    @wraps(inner)
    def call(*args: object, **kwargs: object) -> Response:
        g.declared = declared
        if declared.permission is not None:
            actor().require(declared.permission)
        if declared.matched and not request.headers.get("If-Match"):
            raise ApiError(
                status=428,
                code="precondition_required",
                detail="Send If-Match with the ETag of the version you have read.",
                next_steps=("read_again",),
            )
        if declared.keyed or (
            declared.remembered and "Idempotency-Key" in request.headers
        ):
            return idempotency.once(lambda: _caught(inner, args, kwargs))
        answer: Response = inner(*args, **kwargs)
        return answer

    return call


def _caught(inner: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Response:
    """Return refusals as answers too: a repeated request gets the same one."""
    try:
        answer: Response = inner(*args, **kwargs)
    except Exception as error:
        known = from_exception(error)
        if known.status >= 500:
            raise
        return respond(known)
    return answer


def _encode(result: object, declared: Operation) -> Response:
    """Return a view's result as the answer, with its ETag."""
    if isinstance(result, Response):
        return result
    given = result if isinstance(result, Answer) else None
    body = given.body if given else result
    status = (given.status if given else None) or declared.status
    if given is not None and isinstance(body, Iterator):
        return Response(body, status, given.headers, mimetype=given.mimetype)
    raw = body if isinstance(body, bytes) else b""
    if body is not None and not isinstance(body, bytes):
        raw = _encoder.encode(body)
    mimetype = given.mimetype if given else "application/json"
    answer = Response(raw, status, mimetype=mimetype)
    if body is None:
        del answer.headers["Content-Type"]
    for name, value in (given.headers if given else {}).items():
        answer.headers[name] = value
    if request.method == "GET" and status == 200 and not answer.headers.get("ETag"):
        answer.set_etag(etag_of(raw))
        if any(name in request.environ for name in _CONDITIONS):
            answer.make_conditional(request)
    return answer


def etag_of(body: object) -> str:
    """Return the strong tag of a representation, without its quotes."""
    raw = body if isinstance(body, bytes) else _encoder.encode(body)
    return parts().digest(raw)


def check_match(current: object) -> None:
    """Return if the caller has read the version that is current.

    Raises:
        ApiError: 412; the caller must read again and decide.
    """
    if not request.if_match.contains(etag_of(current)):
        raise ApiError(
            status=412,
            code="precondition_failed",
            detail="The object has changed since you read it. Read it again.",
            next_steps=("read_again",),
            headers={"Link": f'<{request.path}>; rel="self"'},
        )
