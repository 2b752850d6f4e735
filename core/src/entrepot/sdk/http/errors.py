"""From what happened on the wire to an error that says what to do next."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
import urllib3.exceptions as urllib3_errors

from entrepot.sdk.errors import (
    AuthRequired,
    Conflict,
    EntrepotError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Retryable,
)
from entrepot.sdk.http.response import HttpResponse

ErrorMapper = Callable[[HttpResponse], EntrepotError | None]
"""A plugin's table: an answer to an error, or None to use the usual reading."""

REPEATABLE_STATUS = frozenset({408, 425, 500, 502, 503, 504})
"""Answers after which the same call may succeed."""

_SECONDS_IN_TEXT = re.compile(rb"(?:again|retry) (?:in|after) (\d+)\s*sec", re.I)
_LONGEST_AFTER = 24 * 3600.0


class WireFault(Exception):
    """A call that got no complete answer.

    Attributes:
        code: Machine word for the error that is made of it.
        sent: False when the other side certainly did not see the call.
    """

    def __init__(self, code: str, message: str, *, sent: bool, detail: str) -> None:
        super().__init__(message)
        self.code, self.message, self.sent, self.detail = code, message, sent, detail

    def as_error(self, *, may_have_written: bool) -> EntrepotError:
        """The error for the caller; unknown where a write may have happened."""
        if may_have_written and self.sent:
            return outcome_unknown(self.code, self.detail)
        return Retryable(self.code, self.message, detail=self.detail)


def outcome_unknown(
    code: str, detail: str, request_id: str | None = None
) -> OutcomeUnknown:
    """The error of a write without a clear answer."""
    return OutcomeUnknown(
        code,
        "It is not known whether the other side carried this out.",
        detail=detail,
        vendor_request_id=request_id,
        remedy="The hub looks it up by its reference before anything is sent again.",
    )


def error_for_status(response: HttpResponse) -> EntrepotError:
    """The usual reading of an answer that is not a success.

    The text names status, method and path only; a body may hold what must not be
    shown.
    """
    status = response.status
    detail = f"{response.method} {response.url}: HTTP {status}"
    code, known = f"http_{status}", response.request_id
    if status == 401:
        return AuthRequired(
            code,
            "The other side no longer accepts these credentials.",
            detail=detail,
            vendor_request_id=known,
            remedy="Enter valid credentials for this connection.",
        )
    if status == 403:
        return Rejected(
            code,
            "The account of this connection lacks the right for this.",
            detail=detail,
            vendor_request_id=known,
            remedy="Give the account the missing right on the other side.",
        )
    kinds: dict[int, tuple[type[EntrepotError], str]] = {
        404: (NotFound, "The other side does not know this object."),
        409: (Conflict, "The object is in another state than expected."),
        410: (NotFound, "The object no longer exists on the other side."),
        412: (Conflict, "The object was changed in the meantime."),
        429: (RateLimited, "The other side limits the number of requests."),
    }
    if status in REPEATABLE_STATUS:
        return Retryable(
            code,
            "The other side has a passing problem.",
            detail=detail,
            vendor_request_id=known,
        )
    usual = (Rejected, "The other side refused the request.")
    kind, text = kinds.get(status, usual)
    return kind(code, text, detail=detail, vendor_request_id=known)


def retry_after(response: HttpResponse, now: datetime) -> float | None:
    """Seconds the other side asks us to wait; None when it does not say.

    Reads `Retry-After` as seconds or HTTP date, else a body that says "try again in
    30 seconds". A date in the past gives 0; nothing is longer than a day.
    """
    text = (response.header("Retry-After") or "").strip()
    seconds = _seconds(text, now) if text else _seconds_from_body(response.content)
    return None if seconds is None else min(max(seconds, 0.0), _LONGEST_AFTER)


def _seconds(text: str, now: datetime) -> float | None:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - now).total_seconds()


def _seconds_from_body(content: bytes) -> float | None:
    match = _SECONDS_IN_TEXT.search(content[:2000])
    return float(match[1]) if match else None


_FAULTS: tuple[tuple[type[BaseException], str, str, bool], ...] = (
    (
        urllib3_errors.NameResolutionError,
        "host_unknown",
        "The address of the other side does not exist or cannot be found.",
        False,
    ),
    (
        urllib3_errors.NewConnectionError,
        "host_unreachable",
        "The other side cannot be reached at its address.",
        False,
    ),
    (
        urllib3_errors.ConnectTimeoutError,
        "connect_timeout",
        "The other side cannot be reached: nobody answers at its address.",
        False,
    ),
    (
        ssl.SSLCertVerificationError,
        "tls_failed",
        "The other side's certificate is not valid for its address.",
        False,
    ),
    (
        urllib3_errors.SSLError,
        "tls_failed",
        "The other side does not speak encrypted HTTP at this address.",
        True,
    ),
    (
        urllib3_errors.IncompleteRead,
        "answer_truncated",
        "The answer of the other side broke off.",
        True,
    ),
    (
        urllib3_errors.DecodeError,
        "answer_truncated",
        "The answer of the other side is damaged.",
        True,
    ),
    (
        urllib3_errors.ReadTimeoutError,
        "read_timeout",
        "The other side took too long to answer.",
        True,
    ),
)


def fault_of(error: BaseException, where: str) -> WireFault:
    """What a failed call means, from the exceptions of requests and urllib3.

    Args:
        error: The exception; its causes and wrapped reasons are looked at too.
        where: Method and address without query, for the detail.
    """
    chain = list(_chain(error))
    for kind, code, message, sent in _FAULTS:
        if any(isinstance(link, kind) for link in chain):
            return WireFault(code, message, sent=sent, detail=where)
    if any(isinstance(link, requests.exceptions.ConnectTimeout) for link in chain):
        return WireFault(
            "connect_timeout",
            "The other side cannot be reached: nobody answers at its address.",
            sent=False,
            detail=where,
        )
    if any(isinstance(link, requests.exceptions.Timeout) for link in chain):
        return WireFault(
            "read_timeout",
            "The other side took too long to answer.",
            sent=True,
            detail=where,
        )
    return WireFault(
        "connection_lost",
        "The connection to the other side broke.",
        sent=True,
        detail=f"{where}: {type(error).__name__}",
    )


def _chain(error: BaseException) -> list[BaseException]:
    """The exception with its causes, contexts, reasons and wrapped arguments."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        link = waiting.pop()
        if not isinstance(link, BaseException) or link in found:
            continue
        found.append(link)
        reason = getattr(link, "reason", None)
        waiting += [link.__cause__, link.__context__, reason, *link.args]
    return found
