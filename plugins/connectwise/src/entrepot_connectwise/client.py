"""HTTP to one ConnectWise PSA: discovery, signing, pages (connectwise.md §1-§8)."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    EntrepotError,
    NotFound,
    Retryable,
)
from entrepot.sdk.http import HttpResponse, HttpSession

from . import wire
from .errors import CANNOT_ROUTE, error_for
from .hosts import Site

T = TypeVar("T")
PAGE_SIZE = 1000
REFETCH_SECONDS = 300.0
_NEXT = re.compile(r"[?&]pageId=(\d+)[^>]*>;\s*rel=\"?next", re.IGNORECASE)
_RAW_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


class _OnlyId(msgspec.Struct, gc=False):
    id: int


_ID = msgspec.json.Decoder(_OnlyId)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where to and as whom.

    Attributes:
        private_key: Gives the secret at the moment of use.
    """

    site: Site
    company: str
    public_key: str
    private_key: Callable[[], str] = field(repr=False)
    client_id: str
    version: str


@dataclass(slots=True)
class Codebase:
    """The path segment of the current release, shared by all calls of a connection."""

    value: str = ""
    fetched_at: float = 0.0
    info: wire.CompanyInfo | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPage:
    """One page of a forward-only listing.

    Attributes:
        items: One encoded record each.
        next_id: `pageId` of the following page; None at the end.
        seen: Records read so far, this page included.
        missed: Records the vendor counts beyond those it listed; 0 when all is well.
    """

    items: list[bytes]
    next_id: int | None
    seen: int
    missed: int = 0


class KeyAuth:
    """Basic authorisation with company, public and private key (§3)."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def headers(self) -> Mapping[str, str]:
        """The Authorization header."""
        access = self._access
        pair = f"{access.company}+{access.public_key}:{access.private_key()}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def refused(self, response: HttpResponse) -> bool:
        """Keys are not renewed by themselves."""
        return False


class ConnectWiseClient:
    """Calls of one connection; returns wire records.

    Args:
        http: The connection's session.
        access: Where to and as whom.
        codebase: Shared by all clients of the connection.
        monotonic: Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        http: HttpSession,
        access: Access,
        codebase: Codebase,
        monotonic: Callable[[], float],
    ) -> None:
        self._plain = http.bound(
            errors=error_for, quota="api", request_id_headers=("x-cw-request-id",)
        )
        version = f"application/vnd.connectwise.com+json; version={access.version}"
        self._signed = self._plain.bound(
            auth=KeyAuth(access),
            headers={"clientId": access.client_id, "Accept": version},
        )
        self._access = access
        self._codebase = codebase
        self._monotonic = monotonic

    # Discovery ----------------------------------------------------------------------

    def discover(self, *, again: bool = False) -> wire.CompanyInfo | None:
        """Ask which release serves the company, and remember it.

        Returns:
            The answer; None when it is remembered from before.

        Raises:
            ConfigInvalid: The host is no ConnectWise, or does not know the company.
        """
        with self._codebase.lock:
            if self._codebase.value and not again:
                return self._codebase.info
            info = self._company_info()
            self._codebase.value = info.codebase.strip("/") + "/"
            self._codebase.fetched_at = self._monotonic()
            self._codebase.info = info
            return info

    def _company_info(self) -> wire.CompanyInfo:
        company = quote(self._access.company, safe="")
        url = f"{self._access.site.api_root}/login/companyinfo/{company}"
        try:
            response = self._plain.get(url, headers={"Accept": "application/json"})
            found = msgspec.json.decode(response.content, type=wire.CompanyInfo | None)
        except (NotFound, ConfigInvalid, AuthRequired) as error:
            raise _no_such_site(error) from error
        except msgspec.MsgspecError as error:
            raise _no_such_site(error) from None
        if found is None:
            raise ConfigInvalid(
                "company_unknown",
                f"ConnectWise does not know the company “{self._access.company}”.",
                field="company",
                remedy="Enter the company ID exactly as on the sign-in page.",
            )
        return found

    def _refreshed(self) -> bool:
        """Ask for the codebase again, not too often; True when it changed."""
        before, asked = self._codebase.value, self._codebase.fetched_at
        if self._monotonic() - asked < REFETCH_SECONDS and asked:
            return False
        self.discover(again=True)
        return self._codebase.value != before

    # Calls --------------------------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        *,
        fast: bool = False,
        **options: Any,  # noqa: ANN401 - RequestOptions, checked by the session
    ) -> HttpResponse:
        """One signed call below `apis/3.0`; `fast` reads through the bare pool.

        A 404 or an unroutable path may mean that the release changed: the codebase is
        asked for again, and the call repeated only if it is another one now.

        Raises:
            EntrepotError: As `entrepot.sdk.http` and `errors.py` say.
        """
        self.discover()
        try:
            return self._send(method, path, fast, options)
        except (NotFound, ConfigInvalid) as error:
            stale = isinstance(error, NotFound) or error.code == CANNOT_ROUTE
            if not stale or not self._refreshed():
                raise
        return self._send(method, path, fast, options)

    def _send(
        self, method: str, path: str, fast: bool, options: dict[str, Any]
    ) -> HttpResponse:
        if fast:
            return self._signed.raw_get(self._url(path), **options)
        return self._signed.request(method, self._url(path), **options)

    def _url(self, path: str) -> str:
        return f"{self._access.site.api_root}/{self._codebase.value}apis/3.0/{path}"

    def read(self, path: str, kind: type[T], **params: Any) -> T:  # noqa: ANN401 - query values
        """GET one answer as `kind`.

        Raises:
            NotFound: There is no such record.
        """
        response = self.call("GET", path, params=params)
        return response.decode(msgspec.json.Decoder(kind))

    def write(
        self, method: str, path: str, body: object, kind: type[T]
    ) -> tuple[T, str | None]:
        """Send a body once; the answer as `kind`, and the vendor's id of the call.

        Raises:
            OutcomeUnknown: It may have been carried out.
        """
        response = self.call(method, path, json=body)
        return response.decode(msgspec.json.Decoder(kind)), response.request_id

    def delete(self, path: str) -> str | None:
        """DELETE, sent once; the vendor's id of the call."""
        return self.call("DELETE", path, repeatable=False).request_id

    def count(self, path: str, conditions: str = "") -> int:
        """How many records fit."""
        return self.read(
            f"{path}/count", wire.Count, conditions=conditions or None
        ).count

    def everything(self, path: str, kind: type[T], conditions: str = "") -> list[T]:
        """All records of a small table.

        Raises:
            Retryable: The vendor repeats a page or leaves one out.
        """
        decoder = msgspec.json.Decoder(kind)
        found: list[T] = []
        last, seen = 0, 0
        while True:
            page = self.page(path, last=last, seen=seen, conditions=conditions)
            found.extend(decoder.decode(item) for item in page.items)
            if page.missed:
                raise _page_lost(path, page.missed)
            if page.next_id is None:
                return found
            last, seen = page.next_id, page.seen

    # Pages --------------------------------------------------------------------------

    def page(
        self,
        path: str,
        *,
        last: int = 0,
        seen: int = 0,
        size: int = PAGE_SIZE,
        conditions: str = "",
        fast: bool = False,
    ) -> RawPage:
        """One forward-only page: records with ids above `last`, in id order (§6).

        A listing that took several pages is compared with the vendor's count at its
        end, since a page that was left out cannot be seen otherwise.

        Raises:
            Retryable: The vendor served an earlier page again.
        """
        response = self._page_response(path, last, size, conditions, fast)
        items = response.decode(_RAW_ITEMS)
        if items and _ID.decode(items[0]).id <= last:
            response = self._page_response(path, last, size, conditions, fast)
            items = response.decode(_RAW_ITEMS)
            if items and _ID.decode(items[0]).id <= last:
                raise _page_repeated(path)
        next_id = self._next_id(response, items, last, size)
        total = seen + len(items)
        missed = 0
        if next_id is None and last:
            missed = max(self.count(path, conditions) - total, 0)
        return RawPage(
            items=[bytes(item) for item in items],
            next_id=next_id,
            seen=total,
            missed=missed,
        )

    def _page_response(
        self, path: str, last: int, size: int, conditions: str, fast: bool
    ) -> HttpResponse:
        params = {
            "pageSize": min(size, PAGE_SIZE),
            "pageId": last or None,
            "conditions": conditions or None,
        }
        headers = {"pagination-type": "forward-only"}
        return self.call("GET", path, fast=fast, params=params, headers=headers)

    @staticmethod
    def _next_id(
        response: HttpResponse, items: list[msgspec.Raw], last: int, size: int
    ) -> int | None:
        link = response.header("Link")
        if not items or link == "":
            return None
        newest = _ID.decode(items[-1]).id
        match = _NEXT.search(link or "")
        if match is not None:
            # Our own last id, not the link's: the same in every honest answer.
            return newest if int(match[1]) > last else None
        return newest if len(items) >= size else None


def condition_text(value: str) -> str:
    """A string literal for `conditions`, escaped (§5)."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _no_such_site(error: Exception) -> ConfigInvalid:
    detail = error.info.detail if isinstance(error, EntrepotError) else str(error)
    return ConfigInvalid(
        "no_connectwise_here",
        "No ConnectWise answers at this site.",
        detail=detail,
        field="site",
        remedy="Enter the host name you sign in to, without any path.",
    )


def _page_repeated(path: str) -> Retryable:
    return Retryable(
        "page_repeated",
        "ConnectWise sent the same page of a list twice.",
        detail=f"GET {path}",
    )


def _page_lost(path: str, missed: int) -> Retryable:
    return Retryable(
        "page_lost",
        f"ConnectWise left {missed} records out of a list.",
        detail=f"GET {path}",
    )
