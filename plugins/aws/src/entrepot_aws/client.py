"""Calls to AWS; answers come as wire records (reference §3, §4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from entrepot.sdk.errors import AuthRequired, NotFound, Retryable
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


class Client:
    """One connection's calls. Cheap to make; clients and pool are shared.

    Args:
        services: boto3 clients of the connection.
        http: Core's session.
        ring: Finds keys.
    """

    def __init__(self, services: Services, http: HttpSession, ring: KeyRing) -> None:
        self._services, self._http, self._ring = services, http, ring

    # Who we are

    def caller(self) -> str:
        """Id of the account the connection works in."""
        return str(self._call("sts", "sts", "get_caller_identity")["Account"])

    def organization(self) -> wire.OrganizationWire:
        """The organization of the connection's account."""
        found = self._organizations("describe_organization")
        return _read(found["Organization"], wire.OrganizationWire)

    # Customers of the shared-payer layout

    def root(self) -> str:
        """Id of the organization's root.

        Raises:
            NotFound: There is none.
        """
        for found in self._organizations("list_roots").get("Roots", ()):
            return _read(found, wire.UnitWire).id
        raise NotFound("root_missing", "The organization has no root.")

    def units(
        self, parent: str, token: str | None = None, size: int = PAGE
    ) -> Part[wire.UnitWire]:
        """One page of the units directly below a parent."""
        found = self._organizations(
            "list_organizational_units_for_parent",
            ParentId=parent,
            **_paging(token, size),
        )
        return _part(found, "OrganizationalUnits", wire.UnitWire)

    def unit(self, unit_id: str) -> wire.UnitWire:
        """One organizational unit."""
        found = self._organizations(
            "describe_organizational_unit", OrganizationalUnitId=unit_id
        )
        return _read(found["OrganizationalUnit"], wire.UnitWire)

    def accounts(
        self, parent: str, token: str | None = None, size: int = PAGE
    ) -> Part[wire.AccountWire]:
        """One page of the accounts directly below a parent; may be empty (T02)."""
        found = self._organizations(
            "list_accounts_for_parent", ParentId=parent, **_paging(token, size)
        )
        return _part(found, "Accounts", wire.AccountWire)

    def account(self, account_id: str) -> wire.AccountWire:
        """One account."""
        found = self._organizations("describe_account", AccountId=account_id)
        return _read(found["Account"], wire.AccountWire)

    def parent(self, child: str) -> str:
        """Id of the unit or root above an account or unit.

        Raises:
            NotFound: There is none.
        """
        for found in self._organizations("list_parents", ChildId=child)["Parents"]:
            return str(found["Id"])
        raise NotFound("parent_missing", "AWS names no parent of this object.")

    def tags(self, resource: str) -> list[wire.TagWire]:
        """All tags of a unit or account."""
        return self._all(
            "organizations",
            "organizations",
            "list_tags_for_resource",
            "Tags",
            wire.TagWire,
            ResourceId=resource,
        )

    # Customers of the billing-transfer layout

    def transfers(self) -> list[wire.TransferWire]:
        """All billing transfers to us; botocore has no paginator for them (§5.1)."""
        return self._all(
            "organizations",
            "organizations",
            "list_inbound_responsibility_transfers",
            "ResponsibilityTransfers",
            wire.TransferWire,
            Type="BILLING",
            MaxResults=PAGE,
        )

    def transfer(self, transfer_id: str) -> wire.TransferWire:
        """One billing transfer.

        Raises:
            NotFound: There is none of that id.
        """
        found = self._organizations(
            "list_inbound_responsibility_transfers", Type="BILLING", Id=transfer_id
        )
        for each in _part(found, "ResponsibilityTransfers", wire.TransferWire).items:
            return each
        raise NotFound("transfer_missing", "AWS does not know this billing transfer.")

    # How calls are made

    def _organizations(self, operation: str, **params: object) -> dict[str, Any]:
        return self._call("organizations", "organizations", operation, params)

    def _call(
        self,
        quota: str,
        service: str,
        operation: str,
        params: Mapping[str, object] | None = None,
        account: str = HOME,
    ) -> dict[str, Any]:
        """One call in an account; expired temporary keys are renewed once."""
        keys = self._ring.keys(account)
        via = Via(self._http, keys, quota)
        try:
            return self._services.call(via, service, operation, params or {})
        except AuthRequired as error:
            if error.code not in EXPIRED or not self._ring.forget(account, keys):
                raise
        fresh = Via(self._http, self._ring.keys(account), quota)
        return self._services.call(fresh, service, operation, params or {})

    def _all(
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
            found += [_read(item, kind) for item in page.get(member, ())]
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
            page = self._call(quota, service, operation, paged, account)
            yield page
            following = page.get(token_name)
            if not following:
                return
            if following == token:
                raise _stuck(service, operation)
            token = str(following)
        raise _stuck(service, operation)


def _paging(token: str | None, size: int) -> dict[str, object]:
    given: dict[str, object] = {"MaxResults": max(1, min(size, PAGE))}
    return given if token is None else {**given, "NextToken": token}


def _part(found: Mapping[str, Any], member: str, kind: type[T]) -> Part[T]:
    items = [_read(item, kind) for item in found.get(member, ())]
    return Part(items, found.get("NextToken") or None)


def _read(found: Any, kind: type[T]) -> T:  # noqa: ANN401 - boto3's untyped dictionaries
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
