"""The vendor's error bodies in the five shapes it uses (§1.7)."""

from __future__ import annotations

from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Response

_HTML = (
    b"<html><head><title>%d</title></head><body><h1>%d</h1>"
    b"<p>The service is unavailable.</p></body></html>"
)


class Refusal(Exception):
    """A request the vendor refuses; carries its answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def refuse(status: int, code: str | int, description: str) -> Refusal:
    """Variant A: code, description, data, source."""
    body: dict[str, object] = {
        "code": code,
        "description": description[:1024],
        "data": [],
        "source": "PartnerFD",
    }
    return Refusal(json_response(body, status))


def customer_service(status: int, code: int, name: str, message: str) -> Refusal:
    """Variant B: the customer service's shape."""
    body = {
        "code": code,
        "message": message,
        "description": message,
        "errorName": name,
        "isRetryable": False,
        "parameters": {},
        "errorMessageExtended": f"InternalErrorCode={code}",
    }
    return Refusal(json_response(body, status))


def gateway_throttle(retry_after: str | None) -> Response:
    """Variant C: the gateway's 429; the wait is in the text, too (§1.8)."""
    seconds = retry_after or "some"
    body = {
        "statusCode": 429,
        "message": f"Rate limit is exceeded. Try again in {seconds} seconds.",
    }
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return json_response(body, 429, headers)


def model_binding(message: str = "The request is invalid.") -> Refusal:
    """Variant D: a body without a code."""
    return Refusal(json_response({"message": message}, 400))


def edge(status: int) -> Response:
    """Variant E: HTML from the edge."""
    return Response(_HTML % (status, status), status=status, mimetype="text/html")


def oauth(
    status: int, error: str, description: str, codes: tuple[int, ...] = ()
) -> Refusal:
    """Variant F: the token endpoint's shape."""
    body = {
        "error": error,
        "error_description": description,
        "error_codes": list(codes),
        "correlation_id": "00000000-0000-4000-8000-000000000000",
    }
    return Refusal(json_response(body, status))


def unauthorized(code: str, description: str) -> Refusal:
    """401 with the challenge header (§1.2)."""
    refusal = refuse(401, code, description)
    refusal.response.headers["WWW-Authenticate"] = 'OAuth realm="urn:cpsvc:cpid:1"'
    return refusal
