"""One call as it is about to be sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from entrepot.sdk.http.errors import ErrorMapper
from entrepot.sdk.http.policy import Auth

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_IDEMPOTENT = _READS | {"PUT", "DELETE"}

Params = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a bound session adds to each of its calls; see `HttpSession.bound`."""

    base_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: Auth | None = field(default=None, repr=False)
    errors: ErrorMapper | None = None
    quota: str = ""
    request_id_headers: tuple[str, ...] = ()
    correlation_header: str = ""
    correlation_id: str = ""
    deadline: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A prepared call.

    Attributes:
        method: Capital letters.
        url: Complete, with query.
        headers: Without those of `auth`.
        body: Bytes to send, or None.
        repeatable: Sending it twice does no more than sending it once.
        accept: Statuses beside 2xx that are answers, not errors.
        expect_json: Read the body as JSON before the answer counts as received.
        quota: Quota key within the connection.
        cost: What the call costs of the quota.
        fast: Send through the bare pool.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    repeatable: bool
    accept: Collection[int] = ()
    expect_json: bool = False
    quota: str = ""
    cost: float = 1.0
    fast: bool = False
    total_timeout: float | None = None

    @property
    def writes(self) -> bool:
        """True when the call may change something on the other side."""
        return self.method not in _READS

    @property
    def where(self) -> str:
        """Method and address without query, fit for errors and logs."""
        return f"{self.method} {bare(self.url)}"


def is_repeatable(method: str, idempotency: tuple[str, str] | None) -> bool:
    """True for idempotent methods, and for others that carry an idempotency key."""
    return method in _IDEMPOTENT or idempotency is not None


def full_url(base: str, url: str, params: Params) -> str:
    """The address with its query.

    A relative address is appended to the base, with or without a leading slash; an
    absolute one replaces it.
    """
    if "://" not in url and base:
        url = urljoin(base.rstrip("/") + "/", url.lstrip("/")) if url else base
    if not params:
        return url
    given = [(k, v) for k, v in params.items() if v is not None]
    query = urlencode(given, doseq=True)
    return f"{url}{'&' if urlsplit(url).query else '?'}{query}" if query else url


def bare(url: str) -> str:
    """An address without query and credentials."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"
