"""HTTP to vendors and PSA systems: paced, guarded, repeated with care, redacted.

A plugin gets an `HttpSession` in `ctx.http` and usually binds it once in its client:

    http = ctx.http.bound(
        base_url=settings.base_url, auth=auth, errors=error_for, quota="api",
        headers={"Accept": "application/json"}, request_id_headers=("X-Request-Id",),
    )
    page = http.get("/things", params={"size": 500}).json()

Every call has time-outs, waits for the connection's request budget before it is sent,
is repeated only when that cannot do harm, and ends in a result or in one of the errors
of `entrepot.sdk.errors`.
"""

from entrepot.sdk.http.budget import Budget, MemoryBudget, NoBudget, Slots
from entrepot.sdk.http.errors import ErrorMapper, error_for_status, retry_after
from entrepot.sdk.http.policy import Auth, BearerAuth, HttpPolicy
from entrepot.sdk.http.prefetch import prefetch
from entrepot.sdk.http.response import HttpResponse, encode_json, parse_json
from entrepot.sdk.http.session import HttpSession
from entrepot.sdk.http.transport import Transport

__all__ = [
    "Auth",
    "BearerAuth",
    "Budget",
    "ErrorMapper",
    "HttpPolicy",
    "HttpResponse",
    "HttpSession",
    "MemoryBudget",
    "NoBudget",
    "Slots",
    "Transport",
    "encode_json",
    "error_for_status",
    "parse_json",
    "prefetch",
    "retry_after",
]
