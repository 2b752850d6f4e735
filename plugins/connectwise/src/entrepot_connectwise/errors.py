"""From the vendor's refusals to errors that say what to do next (connectwise.md §4).

Five shapes of body are read: a validation list, a bad condition, a security message,
a throttling message, and plain text of a gateway.
"""

from __future__ import annotations

import msgspec
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Conflict,
    EntrepotError,
    NotFound,
    Rejected,
)
from entrepot.sdk.http import HttpResponse

from .wire import Problem

CANNOT_ROUTE = "cannot_route"
ROLE_MISSING = "role_missing"
_PROBLEM = msgspec.json.Decoder(Problem)

RIGHTS = (
    ("company/companies", "Companies > Company Maintenance"),
    ("company/contacts", "Companies > Contacts"),
    ("finance/agreements", "Finance > Agreements"),
    ("finance/invoices", "Finance > Invoicing"),
    ("finance/billingCycles", "Finance > Agreements"),
    ("procurement", "Procurement > Product Catalog"),
    ("service", "Service Desk > Service Tickets"),
    ("system", "System > Table Setup"),
)
"""Which right of a security role opens which part (connectwise.md §3)."""


def error_for(response: HttpResponse) -> EntrepotError | None:
    """The error of a refusal; None leaves it to the usual reading."""
    problem = _problem(response)
    reader = _READERS.get(response.status)
    return None if reader is None else reader(response, problem)


def right_for(path: str) -> str:
    """The security role's right that a path needs, in the words of its screens."""
    tail = path.partition("/apis/3.0/")[2] or path
    for prefix, right in RIGHTS:
        if tail.lower().startswith(prefix.lower()):
            return right
    return "this part"


def role_missing(path: str, request_id: str | None, *, reading: bool) -> EntrepotError:
    """The error of a 403: parks the connection on reads, refuses a single write."""
    right = right_for(path)
    kind = ConfigInvalid if reading else Rejected
    verb = "read" if reading else "change"
    return kind(
        ROLE_MISSING,
        f"The API member may not {verb} {right} in ConnectWise.",
        detail=f"HTTP 403 for {path}",
        vendor_request_id=request_id,
        remedy=f"Give the API member's security role the right “{right}” at level All.",
    )


def _problem(response: HttpResponse) -> Problem:
    try:
        found = _PROBLEM.decode(response.content)
    except msgspec.MsgspecError:
        return Problem(message=response.text[:200])  # A gateway's text or page.
    return found


def _bad_request(response: HttpResponse, problem: Problem) -> EntrepotError:
    text = problem.message or ""
    if "cannot route" in text.lower():
        return ConfigInvalid(
            CANNOT_ROUTE,
            "ConnectWise does not know this company or release at this address.",
            detail=f"{response.method} {response.url}",
            vendor_request_id=response.request_id,
            field="company",
            remedy="Check site and company ID; enter the site without any path.",
        )
    if problem.errors:
        return _invalid(response, problem)
    return Rejected(
        problem.code or "bad_request",
        "ConnectWise refused the request.",
        detail=f"{response.method} {response.url}: {text}",
        vendor_request_id=response.request_id,
    )


def _invalid(response: HttpResponse, problem: Problem) -> EntrepotError:
    """A record refused field by field; the field may be one we did not touch (§7)."""
    listed = problem.errors or []
    first = listed[0]
    fields = ", ".join(sorted({one.field or "?" for one in listed}))
    detail = "; ".join(f"{one.field}: {one.message}" for one in listed)
    kind = Conflict if first.code == "ObjectExists" else Rejected
    return kind(
        first.code or problem.code or "InvalidObject",
        f"ConnectWise refuses the record because of: {fields}.",
        detail=f"{response.method} {response.url}: {detail}",
        vendor_request_id=response.request_id,
        field=first.field,
        remedy=f"Correct {fields} in ConnectWise, then try again.",
    )


def _unauthorized(response: HttpResponse, problem: Problem) -> EntrepotError:
    if "clientid" in (problem.message or "").lower():
        return _client_id(response)
    return AuthRequired(
        "credentials_refused",
        "ConnectWise does not accept the API keys of this connection.",
        detail=f"{response.method} {response.url}: HTTP {response.status}",
        vendor_request_id=response.request_id,
        field="private_key",
        remedy="Create a new key pair for the API member and enter both keys here.",
    )


def _client_id(response: HttpResponse) -> EntrepotError:
    return ConfigInvalid(
        "client_id_refused",
        "ConnectWise does not accept the client ID of this connection.",
        detail=f"{response.method} {response.url}: HTTP {response.status}",
        vendor_request_id=response.request_id,
        field="client_id",
        remedy="Enter a valid client ID of the vendor's developer portal.",
    )


def _forbidden(response: HttpResponse, problem: Problem) -> EntrepotError:
    text = (problem.message or "").lower()
    if "ssl is required" in text:
        return ConfigInvalid(
            "wrong_host",
            "This is the address of ConnectWise's pages, not of its interface.",
            vendor_request_id=response.request_id,
            field="site",
            remedy="Enter the host you sign in to, such as na.myconnectwise.net.",
        )
    if "clientid" in text:
        return _client_id(response)
    reading = response.method == "GET"
    return role_missing(response.url, response.request_id, reading=reading)


def _missing(response: HttpResponse, problem: Problem) -> EntrepotError:
    return NotFound(
        "not_found",
        "ConnectWise does not know this record (any more).",
        detail=f"{response.method} {response.url}",
        vendor_request_id=response.request_id,
    )


def _in_use(response: HttpResponse, problem: Problem) -> EntrepotError:
    return Conflict(
        problem.code or "conflict",
        "ConnectWise refuses because the record is in use.",
        detail=f"{response.method} {response.url}: {problem.message or ''}",
        vendor_request_id=response.request_id,
    )


_READERS = {
    400: _bad_request,
    401: _unauthorized,
    403: _forbidden,
    404: _missing,
    409: _in_use,
}
