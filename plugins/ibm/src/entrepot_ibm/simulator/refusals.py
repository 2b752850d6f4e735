"""The vendor's refusals, in the shape of each family of services (§5.1)."""

from __future__ import annotations

import uuid

from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response


class Refusal(Exception):
    """The vendor's answer instead of what was asked for."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.get_data(as_text=True))
        self.response = response


def controller(status: int, message: str) -> Refusal:
    """Resource controller: message, status code, transaction id."""
    body = {
        "message": message,
        "status_code": status,
        "transaction_id": f"bss-{uuid.uuid4().hex[:16]}",
    }
    return Refusal(json_response(body, status))


def service(status: int, code: str, message: str) -> Refusal:
    """Billing, partner, enterprise and catalogue: a list of errors and a trace."""
    body = {
        "errors": [{"code": code, "message": message}],
        "status_code": status,
        "trace": uuid.uuid4().hex,
    }
    return Refusal(json_response(body, status))


def iam(status: int, code: str, message: str) -> Refusal:
    """IAM: error code, error message, context."""
    body = {
        "errorCode": code,
        "errorMessage": message,
        "context": {"requestId": uuid.uuid4().hex, "requestType": "incoming.Token"},
    }
    return Refusal(json_response(body, status))


def family(request: Request, status: int, code: str, message: str) -> Refusal:
    """The refusal in the shape of the service that the path belongs to."""
    if request.path.startswith("/rc/"):
        return controller(status, message)
    if request.path.startswith("/iam/"):
        return iam(status, code, message)
    return service(status, code, message)


def gateway(status: int) -> Response:
    """What a gateway says: a page, not JSON."""
    text = f"<html><body><h1>{status} Service Unavailable</h1></body></html>"
    return Response(text, status=status, mimetype="text/html")
