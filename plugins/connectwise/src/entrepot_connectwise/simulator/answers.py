"""The vendor's answers: success, and the five shapes of failure (connectwise.md §4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from werkzeug.wrappers import Response

from .rendering import encode
from .schema import FieldError, Json, Resource


class Refusal(Exception):
    """Ends a request with this answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def success(
    payload: Json, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer."""
    response = Response(encode(payload), status=status, mimetype="application/json")
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def invalid_object(
    resource: Resource, errors: Iterable[FieldError], message: str = ""
) -> Response:
    """Shape a: the record is refused, field by field (400)."""
    listed = [
        {
            "code": error.code,
            "message": error.message,
            "resource": resource.label,
            "field": error.field,
        }
        for error in errors
    ]
    return success(
        {
            "code": "InvalidObject",
            "message": message or f"{resource.label} object is invalid",
            "errors": listed,
        },
        400,
    )


def bad_condition(message: str) -> Response:
    """Shape b: `conditions` cannot be read (400)."""
    return success({"code": "ApiFindCondition", "message": message}, 400)


def security(message: str, status: int, code: str = "Security") -> Response:
    """Shape c: refused before the request was looked at."""
    return success({"code": code, "message": message, "errors": None}, status)


def unauthenticated(status: int) -> Response:
    """Shape c for missing or wrong credentials; the cloud may answer 404."""
    if status == 404:
        return not_found()
    return security("UserNotAuthenticated", status, "ConnectWiseApi")


def throttled(retry_after: str | None) -> Response:
    """Shape d: too many requests (429)."""
    wait = retry_after or "30"
    body = {
        "error": "ConnectWiseAPI",
        "message": f"Too many requests. Please try again in {wait} seconds.",
    }
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return success(body, 429, headers)


def cannot_route() -> Response:
    """Shape e: plain text for a wrong codebase or a doubled path (400)."""
    return Response(
        "Cannot route. Codebase/company is invalid", status=400, mimetype="text/plain"
    )


def not_found(message: str = "The requested resource was not found.") -> Response:
    """404 in shape a without fields."""
    return success({"code": "NotFound", "message": message, "errors": None}, 404)


def conflict(message: str) -> Response:
    """409: the record is in use."""
    return success({"code": "Conflict", "message": message, "errors": None}, 409)


def bad_request(message: str) -> Response:
    """400 for a body that is no record at all."""
    return success({"code": "InvalidRequest", "message": message, "errors": None}, 400)
