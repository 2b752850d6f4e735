"""Organizations: units, accounts, billing transfers (§3.1, §3.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from werkzeug.wrappers import Request

from entrepot_aws.simulator.codec import Data, Refusal
from entrepot_aws.simulator.keys import Caller
from entrepot_aws.simulator.paging import position, token
from entrepot_aws.simulator.state import Account, Transfer, Unit

if TYPE_CHECKING:
    from entrepot_aws.simulator.app import AwsSimulator

T = TypeVar("T")
_MOST = 20
_STATUS_RETIRES = datetime(2026, 9, 9, tzinfo=UTC)
_OLD_STATUS = frozenset({"ACTIVE", "SUSPENDED", "PENDING_CLOSURE"})


class OrganizationsApi:
    """Endpoints of the service. Called under the simulator's lock."""

    def __init__(self, vendor: AwsSimulator) -> None:
        self._vendor = vendor
        for name in (
            "DescribeOrganization",
            "ListRoots",
            "ListOrganizationalUnitsForParent",
            "DescribeOrganizationalUnit",
            "ListAccounts",
            "ListAccountsForParent",
            "DescribeAccount",
            "ListParents",
            "ListTagsForResource",
            "ListInboundResponsibilityTransfers",
        ):
            vendor.serve_operation("organizations", name, getattr(self, _snake(name)))

    def describe_organization(self, given: Data, request: Request, by: Caller) -> Data:
        """The organization; every member may ask."""
        del given, request, by
        book = self._vendor.book
        account = book.management
        return {
            "Organization": {
                "Id": book.organization,
                "Arn": f"arn:aws:organizations::{account}:organization/"
                f"{book.organization}",
                "FeatureSet": "ALL",
                "MasterAccountArn": self._arn("account", account),
                "MasterAccountId": account,
                "MasterAccountEmail": book.email,
            }
        }

    def list_roots(self, given: Data, request: Request, by: Caller) -> Data:
        """The one root."""
        self._managed(by)
        root = self._vendor.book.root
        made = {"Id": root, "Arn": self._arn("root", root), "Name": "Root"}
        return self._page(given, request, [made], "Roots", lambda each: each)

    def list_organizational_units_for_parent(
        self, given: Data, request: Request, by: Caller
    ) -> Data:
        """Units directly below a parent."""
        self._managed(by)
        units = self._vendor.book.units
        below = [units[each] for each in self._unit(given["ParentId"]).units]
        return self._page(given, request, below, "OrganizationalUnits", self._shown)

    def describe_organizational_unit(
        self, given: Data, request: Request, by: Caller
    ) -> Data:
        """One unit."""
        del request
        self._managed(by)
        found = self._vendor.book.units.get(given["OrganizationalUnitId"])
        if found is None:
            raise Refusal("OrganizationalUnitNotFoundException", "No such unit.")
        return {"OrganizationalUnit": self._shown(found)}

    def list_accounts(self, given: Data, request: Request, by: Caller) -> Data:
        """All accounts of the organization."""
        self._managed(by)
        every = list(self._vendor.book.accounts.values())
        return self._page(given, request, every, "Accounts", self._account)

    def list_accounts_for_parent(
        self, given: Data, request: Request, by: Caller
    ) -> Data:
        """Accounts directly below a parent."""
        self._managed(by)
        accounts = self._vendor.book.accounts
        below = [accounts[each] for each in self._unit(given["ParentId"]).accounts]
        return self._page(given, request, below, "Accounts", self._account)

    def describe_account(self, given: Data, request: Request, by: Caller) -> Data:
        """One account."""
        del request
        self._managed(by)
        return {"Account": self._account(self._found(given["AccountId"]))}

    def list_parents(self, given: Data, request: Request, by: Caller) -> Data:
        """The unit or root above."""
        del request
        self._managed(by)
        child, book = given["ChildId"], self._vendor.book
        above = book.units[child].parent if child in book.units else ""
        if child in book.accounts:
            above = book.accounts[child].unit
        if not above:
            raise Refusal("ChildNotFoundException", "No such child.")
        kind = "ROOT" if above == book.root else "ORGANIZATIONAL_UNIT"
        return {"Parents": [{"Id": above, "Type": kind}]}

    def list_tags_for_resource(self, given: Data, request: Request, by: Caller) -> Data:
        """Tags of a unit; accounts have none here."""
        self._managed(by)
        wanted, book = given["ResourceId"], self._vendor.book
        if wanted not in book.units and wanted not in book.accounts:
            raise Refusal("TargetNotFoundException", "No such resource.")
        unit = book.units.get(wanted)
        tags = sorted(unit.tags.items()) if unit else []
        return self._page(
            given, request, tags, "Tags", lambda tag: {"Key": tag[0], "Value": tag[1]}
        )

    def list_inbound_responsibility_transfers(
        self, given: Data, request: Request, by: Caller
    ) -> Data:
        """Billing transfers to us, or the one of an id."""
        self._managed(by)
        every = list(self._vendor.book.transfers.values())
        if "Id" in given:
            every = [each for each in every if each.id == given["Id"]]
            if not every:
                code = "ResponsibilityTransferNotFoundException"
                raise Refusal(code, "No such transfer.")
        member = "ResponsibilityTransfers"
        return self._page(given, request, every, member, self._transfer)

    # Helpers

    def _managed(self, by: Caller) -> None:
        if by.account != self._vendor.book.management:
            text = "You don't have permissions to access this resource."
            raise Refusal("AccessDeniedException", text)

    def _unit(self, parent: str) -> Unit:
        found = self._vendor.book.units.get(parent)
        if found is None:
            raise Refusal("ParentNotFoundException", "No such parent.")
        return found

    def _found(self, account: str) -> Account:
        found = self._vendor.book.accounts.get(account)
        if found is None:
            raise Refusal("AccountNotFoundException", "No such account.")
        return found

    def _shown(self, unit: Unit) -> Data:
        return {"Id": unit.id, "Arn": self._arn("ou", unit.id), "Name": unit.name}

    def _account(self, found: Account) -> Data:
        shown: Data = {
            "Id": found.id,
            "Arn": self._arn("account", found.id),
            "Email": found.email,
            "Name": found.name,
            "State": found.state,
            "JoinedMethod": found.method,
            "JoinedTimestamp": found.joined,
        }
        # The old member retires, and never knew the new words (S08, T03).
        if found.state in _OLD_STATUS and self._vendor.clock.now() < _STATUS_RETIRES:
            shown["Status"] = found.state
        return shown

    def _transfer(self, found: Transfer) -> Data:
        book = self._vendor.book
        shown: Data = {
            "Id": found.id,
            "Arn": self._vendor.transfer_arn(found.id),
            "Name": found.name,
            "Type": "BILLING",
            "Status": found.status,
            "Source": {
                "ManagementAccountId": found.account,
                "ManagementAccountEmail": found.email,
            },
            "Target": {
                "ManagementAccountId": book.management,
                "ManagementAccountEmail": book.email,
            },
            "StartTimestamp": found.start,
        }
        if found.end is not None:
            shown["EndTimestamp"] = found.end
        return shown

    def _arn(self, kind: str, wanted: str) -> str:
        book = self._vendor.book
        owner = f"arn:aws:organizations::{book.management}"
        return f"{owner}:{kind}/{book.organization}/{wanted}"

    def _page(
        self,
        given: Data,
        request: Request,
        items: Sequence[T],
        member: str,
        shown: Callable[[T], object],
    ) -> Data:
        """One page of at most 20; sometimes an empty one with a token (S07)."""
        size = given.get("MaxResults", _MOST)
        bound = f"{member} {given.get('ParentId', '')}{given.get('ResourceId', '')}"
        start, rested = position(given.get("NextToken"), bound, _bad_token())
        if start and not rested and (start // size) % 3 == 1:
            return {member: [], "NextToken": token(start, bound, rested=True)}
        begin = self._vendor.shift_page(request, start, size)
        found: Data = {member: [shown(each) for each in items[begin : begin + size]]}
        if begin + size < len(items):
            found["NextToken"] = token(begin + size, bound)
        return found


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _bad_token() -> Refusal:
    text = "You specified an invalid next token."
    return Refusal("InvalidInputException", text, Reason="INVALID_NEXT_TOKEN")
