"""Calls to AWS; answers come as wire records (reference §3, §4)."""

from __future__ import annotations

from typing import Any

from entrepot.sdk.errors import NotFound

from entrepot_aws import wire
from entrepot_aws.agreement_calls import AgreementCalls
from entrepot_aws.billing_calls import BillingCalls
from entrepot_aws.calls import PAGE, Part, paging, part, read_part
from entrepot_aws.partner_calls import PartnerCalls


class Client(AgreementCalls, BillingCalls, PartnerCalls):
    """All calls of one connection."""

    # Who we are

    def caller(self) -> str:
        """Id of the account the connection works in."""
        return str(self.call("sts", "sts", "get_caller_identity")["Account"])

    def organization(self) -> wire.OrganizationWire:
        """The organization of the connection's account."""
        found = self._organizations("describe_organization")
        return read_part(found["Organization"], wire.OrganizationWire)

    # Customers of the shared-payer layout

    def root(self) -> str:
        """Id of the organization's root.

        Raises:
            NotFound: There is none.
        """
        for found in self._organizations("list_roots").get("Roots", ()):
            return read_part(found, wire.UnitWire).id
        raise NotFound("root_missing", "The organization has no root.")

    def units(
        self, parent: str, token: str | None = None, size: int = PAGE
    ) -> Part[wire.UnitWire]:
        """One page of the units directly below a parent."""
        found = self._organizations(
            "list_organizational_units_for_parent",
            ParentId=parent,
            **paging(token, size),
        )
        return part(found, "OrganizationalUnits", wire.UnitWire)

    def unit(self, unit_id: str) -> wire.UnitWire:
        """One organizational unit."""
        found = self._organizations(
            "describe_organizational_unit", OrganizationalUnitId=unit_id
        )
        return read_part(found["OrganizationalUnit"], wire.UnitWire)

    def accounts(
        self, parent: str, token: str | None = None, size: int = PAGE
    ) -> Part[wire.AccountWire]:
        """One page of the accounts directly below a parent; may be empty (T02)."""
        found = self._organizations(
            "list_accounts_for_parent", ParentId=parent, **paging(token, size)
        )
        return part(found, "Accounts", wire.AccountWire)

    def members(self, token: str | None = None) -> Part[wire.AccountWire]:
        """One page of all accounts of the organization; may be empty (T02)."""
        found = self._organizations("list_accounts", **paging(token, PAGE))
        return part(found, "Accounts", wire.AccountWire)

    def account(self, account_id: str) -> wire.AccountWire:
        """One account."""
        found = self._organizations("describe_account", AccountId=account_id)
        return read_part(found["Account"], wire.AccountWire)

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
        return self.every(
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
        return self.every(
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
        for each in part(found, "ResponsibilityTransfers", wire.TransferWire).items:
            return each
        raise NotFound("transfer_missing", "AWS does not know this billing transfer.")

    def _organizations(self, operation: str, **params: object) -> dict[str, Any]:
        return self.call("organizations", "organizations", operation, params)
