"""The vendor's answers as our errors: numeric code first, status second (§1.7)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Conflict,
    EntrepotError,
    NotFound,
    Rejected,
)
from entrepot.sdk.http import HttpResponse

_RENEWAL_WAIT = 120.0
_LOCK_WAIT = 86_400.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What an error body says, whatever its shape.

    Attributes:
        code: As text; the wire has numbers and texts for the same code. Empty when
            the body has none.
        text: The vendor's words, cut to a sensible length.
    """

    code: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: type[EntrepotError]
    text: str
    remedy: str | None = None
    field: str | None = None
    after: float | None = None


_CONSENT = (
    "Sign in again as an admin agent with multi-factor and store the new consent."
)

_CODES = {
    "900420": _Entry(
        ConfigInvalid,
        "The access token was issued for another service.",
        "Check the cloud of this connection.",
        "cloud",
    ),
    "10001": _Entry(AuthRequired, "The sign-in lacks multi-factor proof.", _CONSENT),
    "900150": _Entry(
        AuthRequired,
        "The user of this connection has no role in Partner Center.",
        "Give the user the role Admin agent, then consent again.",
    ),
    "2032": _Entry(
        ConfigInvalid,
        "This tenant may not call the API; indirect resellers cannot.",
        "Enter the tenant of the direct partner or provider.",
        "tenant_id",
    ),
    "900329": _Entry(
        ConfigInvalid,
        "This can be read as a user only, not as the application alone.",
        "Set the sign-in of this connection to app_user and store a consent.",
        "sign_in",
    ),
    "900308": _Entry(
        Rejected,
        "The customer has not granted the delegated rights this needs.",
        "Ask the customer to approve the admin relationship.",
    ),
    "900309": _Entry(
        Rejected,
        "The customer's conditional access refuses this connection.",
        "Ask the customer to exclude service provider users from that policy.",
    ),
    "20002": _Entry(NotFound, "There is no reseller relationship with this customer."),
    "60003": _Entry(NotFound, "This customer's tenant does not exist."),
    "20003": _Entry(NotFound, "This subscription does not exist."),
    "20000": _Entry(NotFound, "This order is not visible (yet)."),
    "400013": _Entry(NotFound, "This product does not exist."),
    "400018": _Entry(NotFound, "This SKU does not exist."),
    "400019": _Entry(NotFound, "This availability is gone."),
    "400072": _Entry(NotFound, "This item is not available any more."),
    "400030": _Entry(
        ConfigInvalid,
        "This segment is not open to this partner.",
        "Choose another segment.",
        "segment",
    ),
    "800070": _Entry(
        ConfigInvalid,
        "This market is not open to this partner.",
        "Choose the market your customers buy in.",
        "country",
    ),
    "800064": _Entry(Conflict, "The vendor is busy with this.", after=_RENEWAL_WAIT),
    "800082": _Entry(
        Conflict, "The subscription is being renewed.", after=_RENEWAL_WAIT
    ),
    "900278": _Entry(Conflict, "Another change of it is under way.", after=_LOCK_WAIT),
}

_SIGN_IN = {
    "invalid_client": _Entry(
        ConfigInvalid,
        "The client secret is wrong or has expired.",
        "Create a new secret for the app registration and enter its value.",
        "client_secret",
    ),
    "unauthorized_client": _Entry(
        ConfigInvalid,
        "This application is not known in the partner tenant.",
        "Enter the application (client) id of the app registration.",
        "client_id",
    ),
    "invalid_request": _Entry(
        ConfigInvalid,
        "The partner tenant is not known to the sign-in service.",
        "Enter the directory (tenant) id of your partner tenant.",
        "tenant_id",
    ),
    "invalid_resource": _Entry(
        ConfigInvalid,
        "The application may not use the partner service in this cloud.",
        "Check the cloud, and that the app may call Partner Center.",
        "cloud",
    ),
    "invalid_grant": _Entry(
        AuthRequired, "The stored consent is no longer valid.", _CONSENT
    ),
    "interaction_required": _Entry(
        AuthRequired, "The sign-in service asks for multi-factor again.", _CONSENT
    ),
}


def read_fault(content: bytes) -> Fault:
    """Code and text of an error body in any of its shapes; empty for HTML."""
    try:
        body = json.loads(content)
    except ValueError:
        return Fault()
    if not isinstance(body, dict):
        return Fault()
    found = {key[:1].lower() + key[1:]: value for key, value in body.items()}
    code = found.get("code", found.get("error", ""))
    text = found.get("description") or found.get("error_description")
    text = text or found.get("message") or ""
    return Fault(str(code) if code is not None else "", str(text)[:300])


def error_for(response: HttpResponse) -> EntrepotError | None:
    """Our error for an answer of the API; None to use the usual reading."""
    fault = read_fault(response.content)
    entry = _CODES.get(fault.code)
    if entry is None and response.status == 401:
        entry = _Entry(
            AuthRequired, "The vendor no longer accepts this sign-in.", _CONSENT
        )
    if entry is None:
        return None if not fault.code else _generic(response, fault)
    return _made(entry, response, fault)


def sign_in_error(response: HttpResponse) -> EntrepotError | None:
    """Our error for an answer of the token endpoint; None for the usual reading."""
    fault = read_fault(response.content)
    entry = _SIGN_IN.get(fault.code)
    return None if entry is None else _made(entry, response, fault)


def error_in_success(response: HttpResponse, code: str | int) -> EntrepotError:
    """The error that hides in an answer of status 200 (§1.7)."""
    known = _CODES.get(str(code))
    entry = known or _Entry(Rejected, "The vendor refused the request.")
    return _made(entry, response, read_fault(response.content))


def _generic(response: HttpResponse, fault: Fault) -> EntrepotError | None:
    if response.status != 400 and response.status != 403:
        return None
    text = "The vendor refused the request."
    return _made(_Entry(Rejected, text), response, fault)


def _made(entry: _Entry, response: HttpResponse, fault: Fault) -> EntrepotError:
    where = f"{response.method} {response.url}: HTTP {response.status}"
    return entry.kind(
        fault.code or f"http_{response.status}",
        entry.text,
        detail=f"{where} {fault.text}".strip(),
        vendor_request_id=own_id(response.request_id),
        field=entry.field,
        remedy=entry.remedy,
        after=entry.after,
    )


def own_id(header: str | None) -> str | None:
    """An id header's first part: the catalogue doubles them (§1.3)."""
    return header.split(",", 1)[0] if header else None
