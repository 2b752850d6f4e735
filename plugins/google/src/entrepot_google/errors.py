"""Google's answers as our errors: reason first, status second (reference §2.6).

Three shapes exist: ``error`` as a text (sign-in), as an object with ``status`` and
``details`` (Cloud Channel), and as an object with ``errors[]`` (Reseller, BigQuery).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Conflict,
    EntrepotError,
    NotFound,
    RateLimited,
    Rejected,
    Retryable,
    Unsupported,
)
from entrepot.sdk.http import HttpResponse

_MINUTE = 60.0
_NEXT_DAY = 6 * 3600.0
_ACCOUNT_WIDE = re.compile(r"/v1/accounts/[^/]+(/customers|/offers)?(:\w+)?$")
_CONDITION = re.compile(r"[A-Z][A-Z_]{4,}(?=:|$)")


@dataclass(frozen=True, slots=True)
class Fault:
    """What an error body says, whatever its shape.

    Attributes:
        status: Canonical status such as ``NOT_FOUND``; empty when there is none.
        reason: The narrowest word for it, searched in details, ``errors[]`` and the
            message (§2.6); empty when there is none.
        text: The vendor's words, cut to a sensible length.
    """

    status: str = ""
    reason: str = ""
    text: str = ""

    @property
    def code(self) -> str:
        """The narrowest word the body has; empty when it has none."""
        return self.reason or self.status


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: type[EntrepotError]
    text: str
    remedy: str | None = None
    field: str | None = None
    after: float | None = None


_DELEGATION = (
    "In the Admin console of your reseller domain, authorise the service account's "
    "client id for the scopes named in the documentation of this plugin."
)
_KEY = "Create a new key for the service account and store it."
_DISABLED = _Entry(
    ConfigInvalid,
    "This API is not enabled in the project of the service account.",
    "Enable the API in the Google Cloud console, then check the connection again.",
    "service_account_key",
)
_SLOW_DOWN = _Entry(
    RateLimited,
    "The vendor limits the number of requests.",
    "Wait; the work continues by itself.",
    after=_MINUTE,
)
_TOMORROW = _Entry(
    RateLimited,
    "The vendor's daily number of requests is used up.",
    "Wait, or ask Google for a larger quota.",
    after=_NEXT_DAY,
)

_REASONS = {
    "accessNotConfigured": _DISABLED,
    "SERVICE_DISABLED": _DISABLED,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": _Entry(
        ConfigInvalid,
        "The service account is not authorised for this scope.",
        _DELEGATION,
        "service_account_key",
    ),
    "insufficientPermissions": _Entry(
        ConfigInvalid,
        "The service account is not authorised for this scope.",
        _DELEGATION,
        "service_account_key",
    ),
    "rateLimitExceeded": _SLOW_DOWN,
    "userRateLimitExceeded": _SLOW_DOWN,
    "quotaExceeded": _SLOW_DOWN,
    "RATE_LIMIT_EXCEEDED": _SLOW_DOWN,
    "dailyLimitExceeded": _TOMORROW,
}

_STATUSES = {
    "UNAUTHENTICATED": _Entry(
        AuthRequired, "The vendor no longer accepts this sign-in.", _KEY
    ),
    "NOT_FOUND": _Entry(NotFound, "The vendor does not know this object."),
    "ALREADY_EXISTS": _Entry(Conflict, "The vendor has this already."),
    "ABORTED": _Entry(Conflict, "Another change of it is under way."),
    "UNIMPLEMENTED": _Entry(Unsupported, "The vendor does not offer this."),
    "PERMISSION_DENIED": _Entry(
        Rejected,
        "The vendor refuses access to this.",
        "Check that it belongs to this partner account.",
    ),
    "INVALID_ARGUMENT": _Entry(Rejected, "The vendor refused the request."),
    "FAILED_PRECONDITION": _Entry(
        Rejected, "The object is in a state that does not allow this."
    ),
}

_SIGN_IN = {
    "invalid_grant": _Entry(
        AuthRequired,
        "The service account may not act for this administrator, or its key is gone.",
        "Check the administrator's address; if it is right, store a new key.",
        "admin_email",
    ),
    "unauthorized_client": _Entry(
        ConfigInvalid,
        "The service account is not authorised to act in your reseller domain.",
        _DELEGATION,
        "service_account_key",
    ),
    "invalid_scope": _Entry(
        ConfigInvalid,
        "The service account is not authorised for the scopes the hub needs.",
        _DELEGATION,
        "service_account_key",
    ),
    "invalid_client": _Entry(
        AuthRequired, "The service account does not exist (any more).", _KEY
    ),
}

_WRONG_ACCOUNT = _Entry(
    ConfigInvalid,
    "The administrator has no access to this partner account.",
    "Enter the account id of the Partner Sales Console, and an administrator of it.",
    "account_id",
)


def read_fault(content: bytes) -> Fault:
    """Status, reason and text of an error body; empty for HTML."""
    try:
        body = json.loads(content)
    except ValueError:
        return Fault()
    found = body.get("error") if isinstance(body, dict) else None
    if isinstance(found, str):
        return Fault(reason=found, text=str(body.get("error_description", ""))[:300])
    if not isinstance(found, dict):
        return Fault()
    text = str(found.get("message") or "")
    status = str(found.get("status") or "")
    return Fault(status, _reason(found, text), text[:300])


def _reason(found: dict[str, Any], text: str) -> str:
    """The narrowest word: ErrorInfo, then ``errors[]``, then the message (§2.6)."""
    for name in ("details", "errors"):
        parts = found.get(name)
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict) and part.get("reason"):
                return str(part["reason"])
    match = _CONDITION.match(text)
    return match[0] if match else ""


def error_for(response: HttpResponse) -> EntrepotError | None:
    """Our error for an answer of an API; None to use the usual reading."""
    fault = read_fault(response.content)
    entry = _REASONS.get(fault.reason)
    if entry is None and response.status == 403:
        entry = _forbidden(response)
    if entry is None and response.status == 503:
        return None
    if entry is None:
        entry = _STATUSES.get(fault.status) or _by_status(response.status)
    return None if entry is None else _made(entry, response, fault)


def _forbidden(response: HttpResponse) -> _Entry:
    # Foreign accounts and foreign customers get the same answer (§3.6); only the
    # address tells which of them was meant.
    if _ACCOUNT_WIDE.search(response.url):
        return _WRONG_ACCOUNT
    return _STATUSES["PERMISSION_DENIED"]


def _by_status(status: int) -> _Entry | None:
    names = {401: "UNAUTHENTICATED", 404: "NOT_FOUND", 501: "UNIMPLEMENTED"}
    known = names.get(status)
    return _STATUSES[known] if known else None


def sign_in_error(response: HttpResponse) -> EntrepotError | None:
    """Our error for an answer of the token endpoint; None for the usual reading."""
    fault = read_fault(response.content)
    entry = _SIGN_IN.get(fault.reason)
    return None if entry is None else _made(entry, response, fault)


def query_error(reason: str, text: str, where: str) -> EntrepotError:
    """Our error for a billing query that failed after it was accepted."""
    kind = Retryable if reason in ("backendError", "internalError") else Rejected
    return kind(
        reason or "query_failed",
        "The billing export could not be read.",
        detail=f"{where} {text[:300]}".strip(),
        remedy="Check the table's name and the service account's right to read it.",
        field="billing_table",
    )


def key_invalid(detail: str) -> EntrepotError:
    """The stored key is no key."""
    return ConfigInvalid(
        "key_invalid",
        "The service account key is not a JSON key file.",
        detail=detail,
        field="service_account_key",
        remedy="Store the whole text of the JSON key file of the service account.",
    )


def _made(entry: _Entry, response: HttpResponse, fault: Fault) -> EntrepotError:
    where = f"{response.method} {response.url}: HTTP {response.status}"
    return entry.kind(
        fault.code or f"http_{response.status}",
        entry.text,
        detail=f"{where} {fault.text}".strip(),
        vendor_request_id=response.request_id,
        field=entry.field,
        remedy=entry.remedy,
        after=entry.after,
    )
