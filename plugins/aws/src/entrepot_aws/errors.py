"""The vendor's error codes as our errors, grouped by recovery (reference §2, §3.1)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Conflict,
    EntrepotError,
    NotFound,
    RateLimited,
    Rejected,
    Retryable,
)
from entrepot.sdk.http import HttpResponse

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
"""Codes of a temporary credential that is over; a new one is worth one attempt."""

_XML_CODE = re.compile(rb"<Code>([^<]{1,120})</Code>")
_XML_TEXT = re.compile(rb"<Message>([^<]{1,300})</Message>")


@dataclass(frozen=True, slots=True)
class Fault:
    """What an error body says, whatever its shape.

    Attributes:
        code: Without name-space; empty when the body has none.
        text: The vendor's words, cut to a sensible length.
        reason: The modelled reason beside them; empty when there is none.
    """

    code: str = ""
    text: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: type[EntrepotError]
    text: str
    remedy: str | None = None
    field: str | None = None


_KEYS = "Create a new access key for the IAM user of this connection and enter it."
_SIGN_IN = _Entry(
    AuthRequired, "AWS does not know the access key of this connection.", _KEYS
)
_SIGNATURE = _Entry(
    ConfigInvalid,
    "The secret access key does not belong to the access key.",
    _KEYS,
    "secret_access_key",
)
_EXPIRED = _Entry(
    AuthRequired,
    "The temporary credentials of this connection have expired.",
    "Enter the access key of an IAM user instead of temporary credentials.",
)
_THROTTLED = _Entry(RateLimited, "AWS limits the number of requests.")
_PASSING = _Entry(Retryable, "AWS has a passing problem.")
_GONE = _Entry(NotFound, "AWS does not know this object.")
_BUSY = _Entry(Conflict, "The object is being changed at AWS.")

CODES: dict[str, _Entry] = {
    "UnrecognizedClientException": _SIGN_IN,
    "InvalidClientTokenId": _SIGN_IN,
    "InvalidAccessKeyId": _SIGN_IN,
    "SignatureDoesNotMatch": _SIGNATURE,
    "InvalidSignatureException": _SIGNATURE,
    "RequestTimeTooSkewed": _Entry(
        ConfigInvalid,
        "The clock of this machine differs from AWS's by more than allowed.",
        "Set the machine's clock; a time service does it by itself.",
    ),
    **dict.fromkeys(EXPIRED, _EXPIRED),
    "TooManyRequestsException": _THROTTLED,
    "ThrottlingException": _THROTTLED,
    "Throttling": _THROTTLED,
    "LimitExceededException": _THROTTLED,  # Cost Explorer's word (§3.5)
    "SlowDown": _THROTTLED,
    "ServiceException": _PASSING,
    "InternalServerException": _PASSING,
    "InternalFailure": _PASSING,
    "InternalError": _PASSING,
    "ServiceUnavailable": _PASSING,
    "ServiceUnavailableException": _PASSING,
    "DataUnavailableException": _Entry(
        Retryable, "Cost Explorer is still preparing the data; it can take a day."
    ),
    "RequestChangedException": _Entry(
        Retryable, "The page token belongs to another question; the listing restarts."
    ),
    "InvalidNextTokenException": _Entry(
        Retryable, "The page token has expired; the listing starts again."
    ),
    "AccountNotFoundException": _GONE,
    "OrganizationalUnitNotFoundException": _GONE,
    "ParentNotFoundException": _GONE,
    "ChildNotFoundException": _GONE,
    "TargetNotFoundException": _GONE,
    "ResponsibilityTransferNotFoundException": _GONE,
    "ResourceNotFoundException": _GONE,
    "NoSuchKey": _GONE,
    "NoSuchBucket": _Entry(
        ConfigInvalid,
        "The bucket of the cost export does not exist.",
        "Enter the bucket that the data export writes to.",
        "cur_bucket",
    ),
    "PermanentRedirect": _Entry(
        ConfigInvalid,
        "The bucket of the cost export is in another region.",
        "Enter the region of the bucket.",
        "cur_region",
    ),
    "AWSOrganizationsNotInUseException": _Entry(
        ConfigInvalid,
        "The account of this connection manages no organization.",
        "Use a role of the organization's management account.",
        "role_arn",
    ),
    "ConcurrentModificationException": _BUSY,
    "ConflictException": _BUSY,
    "PreconditionFailed": _Entry(
        Retryable, "The cost export was replaced while it was read."
    ),
    "UnknownOperationException": _Entry(
        Rejected,
        "The address of this connection does not serve this part of AWS.",
        "Check the API address in the advanced settings.",
    ),
}
_DENIED = _Entry(
    Rejected,
    "The account of this connection lacks the right for this.",
    "Attach the reading policy from the plugin's documentation to its role.",
)
_DENIED_CODES = frozenset({"AccessDenied", "AccessDeniedException", "OptInRequired"})


def read_fault(response: HttpResponse) -> Fault:
    """Code, text and reason of an error body in any of its shapes."""
    header = response.header("x-amzn-errortype") or ""
    body = _json_body(response.content)
    if body is None:
        return _xml_fault(response.content, header)
    code = str(body.get("__type") or body.get("code") or header)
    text = str(body.get("message") or body.get("Message") or "")
    reason = str(body.get("reason") or body.get("Reason") or "")
    return Fault(_bare_code(code), text[:300], reason[:80])


def _json_body(content: bytes) -> dict[str, object] | None:
    try:
        body = json.loads(content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _xml_fault(content: bytes, header: str) -> Fault:
    code, text = _XML_CODE.search(content), _XML_TEXT.search(content)
    return Fault(
        code[1].decode("utf-8", "replace") if code else _bare_code(header),
        text[1].decode("utf-8", "replace") if text else "",
    )


def _bare_code(text: str) -> str:
    """``ns#Name:http://…`` is ``Name``."""
    return text.rpartition("#")[2].partition(":")[0]


def error_for(response: HttpResponse) -> EntrepotError | None:
    """Our error for an answer; None to use the usual reading of its status."""
    fault = read_fault(response)
    entry = CODES.get(fault.code)
    if entry is None and (response.status == 403 or fault.code in _DENIED_CODES):
        entry = _DENIED
    if entry is None and fault.code and 400 <= response.status < 500:
        entry = _Entry(Rejected, "AWS refused the request.")
    return None if entry is None else _made(entry, response, fault)


def _made(entry: _Entry, response: HttpResponse, fault: Fault) -> EntrepotError:
    words = " ".join(part for part in (fault.reason, fault.text) if part)
    return entry.kind(
        fault.code or f"http_{response.status}",
        entry.text,
        detail=f"{response.method} {response.url}: HTTP {response.status} {words}",
        vendor_request_id=response.request_id,
        field=entry.field,
        remedy=entry.remedy,
    )
