"""Errors of the API in the form of RFC 9457, one shape for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
from entrepot.hub.users.rules import UserInvalid
from entrepot.jobs.errors import JobsError, RunConflict, RunNotFound
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Conflict,
    EntrepotError,
    NotFound,
    OutcomeUnknown,
    PluginBug,
    RateLimited,
    Rejected,
    Retryable,
    Unsupported,
)
from entrepot.store.actor import PermissionDenied
from flask import Response, g, request
from werkzeug.exceptions import HTTPException

from entrepot_web.context import trace_id

MEDIA_TYPE = "application/problem+json"
_BASE = "urn:entrepot:problem:"
_STATUS: tuple[tuple[type[EntrepotError], int], ...] = (
    (RateLimited, 503),
    (Retryable, 503),
    (AuthRequired, 422),
    (ConfigInvalid, 422),
    (Rejected, 422),
    (NotFound, 404),
    (Conflict, 409),
    (Unsupported, 422),
    (OutcomeUnknown, 502),
    (PluginBug, 502),
)


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One wrong place of a request."""

    pointer: str
    code: str
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """What went wrong and what to do about it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    trace_id: str
    retryable: bool
    errors: list[FieldProblem]
    next_steps: list[str]


@dataclass(kw_only=True)
class ApiError(Exception):
    """An answer other than success, raised from anywhere below a view.

    Attributes:
        status: The HTTP status.
        code: Stable machine word.
        detail: One sentence with the remedy.
        errors: The fields at fault.
        next_steps: What the caller may do next, as words.
        headers: Further headers of the answer.
        retryable: Whether the same request may succeed later.
    """

    status: int
    code: str
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    next_steps: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    retryable: bool = False


def bad_request(code: str, detail: str, pointer: str = "") -> ApiError:
    """Return the error of a request that can't be understood."""
    errors = (FieldProblem(pointer=pointer, code=code, message=detail),)
    return ApiError(
        status=400, code=code, detail=detail, errors=errors if pointer else ()
    )


def not_found(what: str, identifier: str) -> ApiError:
    """Return the error for an object that isn't there, or isn't the caller's."""
    return ApiError(
        status=404,
        code="not_found",
        detail=f"There is no {what} {identifier}.",
        next_steps=("check_id",),
    )


def unprocessable(field_name: str, message: str, code: str = "invalid") -> ApiError:
    """Return the error of one wrong field of a body."""
    found = FieldProblem(pointer=f"/{field_name}", code=code, message=message)
    return ApiError(status=422, code=code, detail=message, errors=(found,))


def respond(error: ApiError) -> Response:
    """Return an error as the answer to the current request."""
    body = Problem(
        type=_BASE + error.code.replace("_", "-"),
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        detail=error.detail,
        instance=request.path,
        code=error.code,
        trace_id=trace_id(),
        retryable=error.retryable,
        errors=list(error.errors),
        next_steps=list(error.next_steps),
    )
    answer = Response(msgspec.json.encode(body), error.status, mimetype=MEDIA_TYPE)
    for name, value in error.headers.items():
        answer.headers[name] = value
    if "Retry-After" in error.headers:
        g.retry_after = error.headers["Retry-After"]
    return answer


def from_exception(error: Exception) -> ApiError:
    """Return the API's form of an exception; an unknown one becomes a 500."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, PermissionDenied):
        return ApiError(
            status=403,
            code="permission_missing",
            detail=str(error),
            next_steps=("ask_administrator",),
        )
    if isinstance(error, UserInvalid):
        return unprocessable(error.field, error.problem)
    if isinstance(error, EntrepotError):
        return _from_hub(error)
    if isinstance(error, JobsError):
        return _from_jobs(error)
    if isinstance(error, HTTPException):
        return _from_http(error)
    return ApiError(
        status=500,
        code="internal",
        detail="The hub could not finish this. Quote the trace id to its operator.",
        next_steps=("retry_later", "contact_operator"),
    )


def _from_hub(error: EntrepotError) -> ApiError:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 502)
    info = error.info
    errors: tuple[FieldProblem, ...] = tuple(
        FieldProblem(pointer=f"/values/{name}", code=info.code, message=text)
        for name, texts in dict(getattr(error, "errors", {})).items()
        for text in texts
    )
    if info.field and not errors:
        found = FieldProblem(
            pointer=f"/{info.field}", code=info.code, message=info.user_message
        )
        errors = (found,)
    detail = " ".join(part for part in (info.user_message, info.remedy) if part)
    headers = {"Retry-After": str(int(info.after) + 1)} if info.after else {}
    return ApiError(
        status=status,
        code=info.code,
        detail=detail,
        errors=errors,
        headers=headers,
        retryable=isinstance(error, Retryable),
    )


def _from_jobs(error: JobsError) -> ApiError:
    if isinstance(error, RunNotFound):
        return ApiError(status=404, code="not_found", detail=str(error))
    if isinstance(error, RunConflict):
        return ApiError(status=409, code="run_conflict", detail=str(error))
    return ApiError(
        status=503,
        code="engine_unavailable",
        detail="Work can't be submitted right now. Try again in a moment.",
        headers={"Retry-After": "5"},
        retryable=True,
        next_steps=("retry_later",),
    )


def _from_http(error: HTTPException) -> ApiError:
    status = error.code or 500
    data: dict[str, Any] = getattr(error, "data", None) or {}
    messages = data.get("messages") or data.get("errors") or {}
    errors = tuple(_pointers(messages))
    headers = {
        name: value
        for name, value in error.get_headers()
        if name in ("Allow", "Retry-After", "WWW-Authenticate")
    }
    detail = errors[0].message if errors else (error.description or error.name)
    return ApiError(
        status=status,
        code=_CODES.get(status, "http_error"),
        detail=str(detail),
        errors=errors,
        headers=headers,
        retryable=status in (429, 503),
        next_steps=("wait",) if status == 429 else (),
    )


def _pointers(messages: object, path: str = "") -> list[FieldProblem]:
    """Return marshmallow's nested messages as a flat list with JSON pointers."""
    if isinstance(messages, dict):
        found: list[FieldProblem] = []
        for name, inner in messages.items():
            skip = not path and name in ("json", "query", "form", "headers", "path")
            step = path if skip or name == "_schema" else f"{path}/{name}"
            found.extend(_pointers(inner, step))
        return found
    texts = messages if isinstance(messages, list) else [messages]
    return [
        FieldProblem(pointer=path or "/", code="invalid", message=str(text))
        for text in texts
    ]


_CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
    500: "internal",
    503: "unavailable",
}
