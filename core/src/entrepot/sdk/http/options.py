"""What a caller may say about one call, and about all calls of a bound session."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypedDict

from entrepot.sdk.http.errors import ErrorMapper
from entrepot.sdk.http.policy import Auth


class RequestOptions(TypedDict, total=False):
    """Options of one call.

    Attributes:
        params: Query parameters; None values are left out, lists repeat the name.
        headers: Added to the session's.
        json: Body as a JSON-like structure; Decimals stay exact.
        form: Body as form fields.
        body: Body as bytes; set Content-Type yourself.
        idempotency: Header name and value that make a repeated write harmless.
        repeatable: Overrides the rule that only idempotent methods and writes with
            an idempotency key are repeated; True for a POST that only reads.
        accept: Statuses beside 2xx that are answers, not errors.
        expect_json: Repeat also when the body is not complete JSON.
        quota: Quota key instead of the session's.
        cost: What the call costs of the quota; 1 by default.
        total_timeout: Seconds one attempt may take instead of the policy's.
    """

    params: Mapping[str, Any] | None
    headers: Mapping[str, str]
    json: Any
    form: Mapping[str, str]
    body: bytes
    idempotency: tuple[str, str] | None
    repeatable: bool
    accept: Collection[int]
    expect_json: bool
    quota: str
    cost: float
    total_timeout: float


class BindOptions(TypedDict, total=False):
    """Options of a bound session.

    Attributes:
        base_url: Relative addresses are appended to it.
        headers: Added to those bound before.
        auth: Signs every call.
        errors: The plugin's table from answers to errors.
        quota: Quota key of calls that name none.
        request_id_headers: Where the vendor puts its id of a call; first one wins.
        correlation_header: Header that carries a fresh UUID per call.
        correlation_id: Id of the work these calls belong to; becomes the trace id.
        deadline: `clock.monotonic()` value after which no answer is of use.
    """

    base_url: str
    headers: Mapping[str, str]
    auth: Auth | None
    errors: ErrorMapper | None
    quota: str
    request_id_headers: tuple[str, ...]
    correlation_header: str
    correlation_id: str
    deadline: float | None
