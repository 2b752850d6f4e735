"""The vendor's answers as our errors: code and text first, status second (§5.1)."""

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
    Rejected,
)
from entrepot.sdk.http import HttpResponse

BAD_KEY = "BXNIM0415E"
DEAD_TOKEN = "BXNIM0407E"  # noqa: S105 - the name of an error
_NEW_KEY = "Create a new API key in your account and enter it in this connection."


@dataclass(frozen=True, slots=True)
class Fault:
    """What an error body says, whatever its shape; empty for HTML.

    Attributes:
        code: The vendor's code as text.
        text: The vendor's words, cut to a sensible length.
        transaction: The vendor's id of the call, where the body has it.
    """

    code: str = ""
    text: str = ""
    transaction: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: type[EntrepotError]
    text: str
    remedy: str | None = None
    field: str | None = None


_IAM = {
    BAD_KEY: _Entry(
        AuthRequired, "The vendor does not know this API key.", _NEW_KEY, "api_key"
    ),
    DEAD_TOKEN: _Entry(
        AuthRequired, "The vendor no longer accepts this sign-in.", _NEW_KEY
    ),
    "BXNIM0408E": _Entry(
        AuthRequired, "The vendor no longer accepts this sign-in.", _NEW_KEY
    ),
    "BXNIM0439E": _Entry(
        AuthRequired,
        "The sign-in behind this API key is inactive.",
        "Activate its user or service ID at the vendor, or enter another key.",
    ),
    "BXNIM0106E": _Entry(
        ConfigInvalid,
        "The vendor does not understand this API key.",
        _NEW_KEY,
        "api_key",
    ),
}

# Proven texts, matched loosely (§5.1); the codes behind them are not documented.
_TEXTS: tuple[tuple[re.Pattern[str], _Entry], ...] = (
    (
        re.compile(r"one (service )?instance|per account|one-per-account", re.I),
        _Entry(Rejected, "The plan permits one instance per account only."),
    ),
    (
        re.compile(r"pending_reclamation|in reclamation", re.I),
        _Entry(
            Conflict,
            "The instance waits for its removal.",
            "Restore it before anything else.",
        ),
    ),
    (
        re.compile(r"\block(ed)?\b", re.I),
        _Entry(Rejected, "The instance is locked.", "Unlock it at the vendor first."),
    ),
    (
        re.compile(r"suspended", re.I),
        _Entry(
            Rejected,
            "The account or its resource group is suspended.",
            "Have the vendor reactivate the account.",
        ),
    ),
)


def read_fault(content: bytes) -> Fault:
    """Code and text of an error body, in any of the families (§5.1)."""
    try:
        body = json.loads(content)
    except ValueError:
        return Fault()
    if not isinstance(body, dict):
        return Fault()
    listed = body.get("errors")
    first = listed[0] if isinstance(listed, list) and listed else {}
    inner: dict[str, Any] = first if isinstance(first, dict) else {}
    code = inner.get("code") or body.get("errorCode") or body.get("code") or ""
    texts = (inner.get("message"), body.get("error"), body.get("message"))
    text = next((t for t in (*texts, body.get("errorMessage")) if t), "")
    transaction = body.get("transaction_id") or body.get("trace") or ""
    return Fault(str(code), str(text)[:300], str(transaction))


def error_for(response: HttpResponse) -> EntrepotError | None:
    """Our error for an answer of any service; None to use the usual reading."""
    fault = read_fault(response.content)
    entry = _IAM.get(fault.code) or _by_text(response, fault) or _by_status(response)
    return None if entry is None else _made(entry, response, fault)


def customer_error_for(response: HttpResponse) -> EntrepotError | None:
    """The same inside a customer's account.

    A refusal concerns that customer only and must not park the connection.
    """
    error = error_for(response)
    return of_customer(error) if error is not None else None


def of_customer(error: EntrepotError) -> EntrepotError:
    """An error of one customer's credential as a refusal of that customer."""
    if not isinstance(error, AuthRequired | ConfigInvalid):
        return error
    return Rejected(
        error.code,
        "The credential for this customer's account is not accepted.",
        detail=error.info.detail,
        vendor_request_id=error.info.vendor_request_id,
        field="customer_keys",
        remedy="Enter a new key for this customer, or have it make the trusted "
        "profile again.",
    )


def _by_text(response: HttpResponse, fault: Fault) -> _Entry | None:
    # A 503 may hide a broker's lasting refusal (§5.1, T25).
    if response.status not in (400, 409, 422, 503):
        return None
    return next((e for found, e in _TEXTS if found.search(fault.text)), None)


def _by_status(response: HttpResponse) -> _Entry | None:
    status = response.status
    if status == 401:
        return _Entry(
            AuthRequired, "The vendor no longer accepts this sign-in.", _NEW_KEY
        )
    if status == 403:
        return _Entry(
            Rejected,
            "The account of this connection lacks the right for this.",
            "Give its service ID the role that the documentation names.",
        )
    if status in (404, 410):
        return _Entry(NotFound, "The vendor does not know this object.")
    if status in (409, 422):
        return _Entry(Conflict, "The object is in another state than expected.")
    if 400 <= status < 500 and status not in (408, 425, 429):
        return _Entry(Rejected, "The vendor refused the request.")
    return None


def _made(entry: _Entry, response: HttpResponse, fault: Fault) -> EntrepotError:
    where = f"{response.method} {response.url}: HTTP {response.status}"
    return entry.kind(
        fault.code or f"http_{response.status}",
        entry.text,
        detail=f"{where} {fault.text}".strip(),
        vendor_request_id=response.request_id or fault.transaction or None,
        field=entry.field,
        remedy=entry.remedy,
    )
