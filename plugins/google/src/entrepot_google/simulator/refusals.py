"""Google's error bodies in its three shapes (§2.6)."""

from __future__ import annotations

from typing import Any

from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Response

_HTTP = {
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}
CODES = {
    "CANCELLED": 1,
    "INVALID_ARGUMENT": 3,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "INTERNAL": 13,
}
_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


class Refusal(Exception):
    """A request the vendor refuses.

    Attributes:
        response: The answer.
        status: Its canonical word.
        message: Its text.
    """

    def __init__(self, response: Response, status: str = "", message: str = "") -> None:
        super().__init__(message or response.status)
        self.response, self.status, self.message = response, status, message


def refuse(status: str, message: str, reason: str = "") -> Refusal:
    """The shape of Cloud Channel, Pub/Sub and the token-checking front end."""
    error: dict[str, Any] = {
        "code": _HTTP[status],
        "message": message,
        "status": status,
    }
    if reason:
        info = {
            "@type": _INFO,
            "reason": reason,
            "domain": "cloudchannel.googleapis.com",
        }
        error["details"] = [info]
    response = json_response({"error": error}, _HTTP[status])
    if status == "UNAUTHENTICATED":
        response.headers["WWW-Authenticate"] = (
            'Bearer realm="https://accounts.google.com/"'
        )
    return Refusal(response, status, message)


def condition(name: str, message: str, status: str = "FAILED_PRECONDITION") -> Refusal:
    """One of the conditions outside the canonical codes: in reason and message."""
    return refuse(status, f"{name}: {message}", name)


def legacy(status: int, reason: str, message: str, domain: str = "global") -> Refusal:
    """The shape of the Reseller API and BigQuery."""
    part = {"message": message, "domain": domain, "reason": reason}
    error = {"code": status, "message": message, "errors": [part]}
    return Refusal(json_response({"error": error}, status), reason, message)


def oauth(status: int, error: str, description: str) -> Refusal:
    """The shape of the token endpoint."""
    body = {"error": error, "error_description": description}
    return Refusal(json_response(body, status), error, description)


def throttled(path: str, retry_after: str | None) -> Response:
    """429 in the shape of the API behind `path`."""
    if path.startswith("/apps/reseller/"):
        text = "Quota exceeded for queries per second."
        response = legacy(429, "quotaExceeded", text, "usageLimits").response
    else:
        text = "Quota exceeded for quota metric and limit of this service."
        refusal = refuse("RESOURCE_EXHAUSTED", text, "RATE_LIMIT_EXCEEDED")
        response = refusal.response
    if retry_after is not None:
        response.headers["Retry-After"] = retry_after
    return response


def failed(path: str, status: int) -> Response:
    """A fault of the service, in the shape of the API behind `path`."""
    if path.startswith("/apps/reseller/"):
        return legacy(status, "backendError", "Backend Error").response
    word = "UNAVAILABLE" if status == 503 else "INTERNAL"
    body = {"code": status, "message": "The service failed.", "status": word}
    return json_response({"error": body}, status)
