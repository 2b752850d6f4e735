"""How calls are made: in whose name, paged to the end, expired keys renewed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from entrepot.sdk.errors import AuthRequired, Retryable
from entrepot.sdk.http import HttpSession

from entrepot_aws import wire
from entrepot_aws.credentials import HOME, KeyRing
from entrepot_aws.errors import EXPIRED
from entrepot_aws.services import Services, Via

T = TypeVar("T")

PAGE = 20  # largest page of Organizations (§3.1)
_MOST_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One page: its items, and the token that asks for the next; None at the end."""

    items: list[T]
    token: str | None = None


class Calls:
    """One connection's calls. Cheap to make; clients and pool are shared.

    Args:
        services: boto3 clients of the connection.
        http: Core's session.
        ring: Finds keys.
    """

    def __init__(self, services: Services, http: HttpSession, ring: KeyRing) -> None:
        self._services, self._http, self._ring = services, http, ring

    def call(
        self,
        quota: str,
        service: str,
        operation: str,
        params: Mapping[str, object] | None = None,
        account: str = HOME,
    ) -> dict[str, Any]:
        """Make one call in an account; expired temporary keys are renewed once."""
        keys = self._ring.keys(account)
        via = Via(self._http, keys, quota)
        try:
            return self._services.call(via, service, operation, params or {})
        except AuthRequired as error:
            if error.code not in EXPIRED or not self._ring.forget(account, keys):
                raise
        fresh = Via(self._http, self._ring.keys(account), quota)
        return self._services.call(fresh, service, operation, params or {})

    def every(
        self,
        quota: str,
        service: str,
        operation: str,
        member: str,
        kind: type[T],
        *,
        token_name: str = "NextToken",  # noqa: S107 - name of a member
        account: str = HOME,
        **params: object,
    ) -> list[T]:
        """All items of a listing; only a missing token ends it (T02)."""
        found: list[T] = []
        for page in self._pages(quota, service, operation, token_name, account, params):
            found += [read_part(item, kind) for item in page.get(member, ())]
        return found

    def _pages(
        self,
        quota: str,
        service: str,
        operation: str,
        token_name: str,
        account: str,
        params: Mapping[str, object],
    ) -> Iterator[dict[str, Any]]:
        token: str | None = None
        for _ in range(_MOST_PAGES):
            paged = params if token is None else {**params, token_name: token}
            page = self.call(quota, service, operation, paged, account)
            yield page
            following = page.get(token_name)
            if not following:
                return
            if following == token:
                raise _stuck(service, operation)
            token = str(following)
        raise _stuck(service, operation)


def paging(token: str | None, size: int) -> dict[str, object]:
    """Size and token of an Organizations page."""
    given: dict[str, object] = {"MaxResults": max(1, min(size, PAGE))}
    return given if token is None else {**given, "NextToken": token}


def part(found: Mapping[str, Any], member: str, kind: type[T]) -> Part[T]:
    """The page's items, and its token."""
    items = [read_part(item, kind) for item in found.get(member, ())]
    return Part(items, found.get("NextToken") or None)


def read_part(found: Any, kind: type[T]) -> T:  # noqa: ANN401 - boto3's untyped dictionaries
    """The answer, or a part of it, as a record.

    Raises:
        Retryable: It is not what the service promises.
    """
    try:
        return wire.read(found, kind)
    except msgspec.ValidationError as error:
        raise Retryable(
            "answer_unreadable", "The answer of AWS cannot be read.", detail=str(error)
        ) from None


def _stuck(service: str, operation: str) -> Retryable:
    return Retryable(
        "paging_stuck",
        "AWS sent the same page twice.",
        detail=f"{service}.{operation}",
        after=5.0,
    )
