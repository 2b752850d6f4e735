"""Enterprise management, billing units and enterprise usage (§4.1, §4.2)."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from entrepot.sdk.simulator import company, json_response
from werkzeug.wrappers import Request, Response

from entrepot_ibm.simulator import paging, render
from entrepot_ibm.simulator.metering import Month
from entrepot_ibm.simulator.model import Account, Wire
from entrepot_ibm.simulator.refusals import service

if TYPE_CHECKING:
    from entrepot_ibm.simulator.app import IbmSimulator

_MOST_ACCOUNTS = 1000
_IAM_ID = re.compile(r"IBMid-[0-9A-Z]{6,}")
_ALIVE = ("provisioning", "active", "inactive", "pending_reclamation")


class EnterpriseApi:
    """Endpoints of the enterprise that the reseller owns."""

    def __init__(self, vendor: IbmSimulator) -> None:
        self._vendor, self._book = vendor, vendor.book
        root = "/enterprise/v1"
        vendor.route("GET", f"{root}/enterprises", self.enterprises)
        vendor.route("GET", f"{root}/enterprises/<enterprise>", self.enterprise)
        vendor.route(
            "PUT",
            f"{root}/enterprises/<enterprise>/import/accounts/<account>",
            self.take,
        )
        vendor.route("GET", f"{root}/accounts", self.accounts)
        vendor.route("POST", f"{root}/accounts", self.create)
        vendor.route("GET", f"{root}/accounts/<account>", self.account)
        vendor.route("PATCH", f"{root}/accounts/<account>", self.move)
        vendor.route("DELETE", f"{root}/accounts/<account>", self.close)
        vendor.route("GET", f"{root}/account-groups", self.groups)
        vendor.route("GET", "/billing/v1/billing-units", self.units)
        vendor.route("GET", "/billing/v1/billing-units/<unit>", self.unit)
        vendor.route("GET", "/billing/v1/billing-options", self.options)
        vendor.route("GET", "/billing/v1/credit-pools", self.pools)
        vendor.route("GET", "/enterprise-usage/v1/resource-usage-reports", self.usage)

    # Enterprise

    def enterprises(self, request: Request) -> Response:
        """The one enterprise."""
        body = paging.by_url(
            request, [render.enterprise(self._book)], None, "next_docid", null=True
        )
        return json_response(body)

    def enterprise(self, request: Request, enterprise: str) -> Response:
        """The enterprise by id."""
        del request
        self._ours(enterprise)
        return json_response(render.enterprise(self._book))

    def groups(self, request: Request) -> Response:
        """No account groups: all accounts hang under the enterprise."""
        return json_response(paging.by_url(request, [], None, "next_docid", null=True))

    def accounts(self, request: Request) -> Response:
        """Accounts of the enterprise; closed ones only when asked for (B08)."""
        vendor, now = self._vendor, self._vendor.clock.now()
        enterprise = request.args.get("enterprise_id")
        parent = request.args.get("parent") or request.args.get("account_group_id")
        if enterprise is not None:
            self._ours(enterprise)
        elif not parent:
            raise service(400, "bad_request", "enterprise_id or parent is required")
        size = paging.number(request, "limit", 10, 100)
        token = request.args.get("next_docid")
        start = 0 if token is None else int(paging.unseal(request, token, now)["p"])
        start = vendor.shift_page(request, start, size)
        closed = request.args.get("include_deleted") == "true"
        items: list[Wire] = []
        place = start
        while place <= self._book.positions and len(items) < size:
            found = self._at(place)
            place += 1
            if self._visible(found) and (closed or not found.deleted):
                items.append(render.account(found, self._book))
        vendor.spoil(request, items, "state")
        more = paging.seal(now, p=place) if place <= self._book.positions else None
        body = paging.by_url(request, items, more, "next_docid", null=vendor.null_ends)
        return json_response(body)

    def account(self, request: Request, account: str) -> Response:
        """One account; a fresh one is not readable at once (B04)."""
        del request
        return json_response(render.account(self._account(account), self._book))

    def create(self, request: Request) -> Response:
        """A new account: 202, readable later, its key shown once (B04, B05, B07)."""
        vendor, now = self._vendor, self._vendor.clock.now()
        body = request.get_json()
        name, owner = str(body.get("name", "")), str(body.get("owner_iam_id", ""))
        if not 3 <= len(name) <= 60:
            raise service(400, "invalid_name", "name must have 3 to 60 characters")
        if not _IAM_ID.fullmatch(owner):
            raise service(401, "not_authenticated", "Not Authenticated")
        if self._book.positions >= max(_MOST_ACCOUNTS, self._book.generator.count + 9):
            raise service(400, "limit_reached", "The enterprise has 1000 accounts")
        made = self._make(uuid.uuid4().hex, name, owner)
        made.visible_from = now + timedelta(seconds=vendor.create_seconds)
        made.state = "PENDING"
        self._book.add(made)
        answer: Wire = {"account_id": made.id}
        wanted = (body.get("options") or {}).get(
            "create_iam_service_id_with_apikey_and_owner_policies"
        )
        if wanted:
            answer |= {
                "iam_service_id": f"ServiceId-{uuid.uuid4()}",
                "iam_apikey_id": f"ApiKey-{uuid.uuid4()}",
                "iam_apikey": vendor.authority.make_key(made.id, now),
            }
        return json_response(answer, 202)

    def take(self, request: Request, enterprise: str, account: str) -> Response:
        """Import of an existing account: 202, visible later, once only (B06)."""
        self._ours(enterprise)
        if self._book.find(account, self._vendor.clock.now()) is not None:
            raise service(409, "already_member", "The account is in an enterprise")
        if not re.fullmatch(r"[0-9a-f]{32}", account):
            raise service(404, "not_found", "The account was not found")
        del request
        made = self._make(account, f"Imported {account[:6]}", "IBMid-0000000002")
        delay = timedelta(seconds=self._vendor.create_seconds)
        made.visible_from = self._vendor.clock.now() + delay
        self._book.add(made)
        return Response(status=202)

    def move(self, request: Request, account: str) -> Response:
        """Another parent: 202, takes effect later, within the enterprise (B09)."""
        found = self._account(account)
        parent = str((request.get_json() or {}).get("parent", ""))
        if self._book.own.id not in parent:
            raise service(400, "invalid_parent", "The parent is not of this enterprise")
        found.parent_wanted = parent.rpartition("::")[2]
        found.parent_due = self._vendor.clock.now() + timedelta(seconds=60)
        return Response(status=202)

    def close(self, request: Request, account: str) -> Response:
        """Remove and cancel an account; refused while it holds anything (B08)."""
        del request
        found = self._account(account)
        if any(i.state in _ALIVE for i in found.instances.values()):
            raise service(409, "has_resources", "Resources must be deleted first")
        found.deleted, found.state = True, "CANCELED"
        return Response(status=204)

    # Billing

    def units(self, request: Request) -> Response:
        """Billing units of the enterprise."""
        enterprise = request.args.get("enterprise_id")
        account = request.args.get("account_id")
        if enterprise is not None:
            self._ours(enterprise)
        elif account != self._book.own.id:
            raise service(400, "bad_request", "enterprise_id or account_id is required")
        body = paging.by_url(request, [self._unit()], None, "start", null=True)
        return json_response(body)

    def unit(self, request: Request, unit: str) -> Response:
        """One billing unit."""
        del request
        self._is_unit(unit)
        return json_response(self._unit())

    def options(self, request: Request) -> Response:
        """Billing options of a unit."""
        self._is_unit(request.args.get("billing_unit_id", ""))
        own = self._book.own
        items = [render.unit_option(own, o, self._book) for o in own.options]
        return self._paged(request, items)

    def pools(self, request: Request) -> Response:
        """Credit pools of a unit in a month."""
        self._is_unit(request.args.get("billing_unit_id", ""))
        month = self._vendor.month(request, "date")
        now = self._vendor.clock.now()
        return self._paged(
            request, render.pools(self._book.own, month, now, self._book)
        )

    def usage(self, request: Request) -> Response:
        """Usage of one account or of all; paged by `next.href` alone."""
        month = self._vendor.month(request, "month")
        names = ("enterprise_id", "account_group_id", "account_id")
        given = [name for name in names if request.args.get(name)]
        if len(given) != 1:
            raise service(400, "bad_request", f"exactly one of {', '.join(names)}")
        found = self._reported(request, given[0])
        size = paging.number(request, "limit", 30, 100)
        start = paging.number(request, "offset", 0, 10**9)
        start = self._vendor.shift_page(request, start, size)
        page, more = paging.cut(found, start, size)
        path = "/v1/resource-usage-reports"
        query = {**request.args, "limit": size}
        body: Wire = {
            "limit": size,
            "first": {"href": render.next_link(path, **{**query, "offset": None})},
            "reports": [self._report(a, month) for a in page],
        }
        if more is not None:
            body["next"] = {"href": render.next_link(path, **{**query, "offset": more})}
        return json_response(body)

    # Helpers

    def _report(self, found: Account, month: Month) -> Wire:
        now = self._vendor.clock.now()
        made = render.report(found, month, now, "RESELLER", "USA")
        unit = self._book.generator.billing_unit
        return {**made, "billing_unit_id": unit, "billing_unit_name": "Master"}

    def _reported(self, request: Request, name: str) -> list[Account]:
        if name == "account_id":
            return [self._account(request.args[name])]
        if name == "enterprise_id":
            self._ours(request.args[name])
        count = self._book.positions + 1
        return [a for a in (self._at(i) for i in range(count)) if not a.deleted]

    def _at(self, place: int) -> Account:
        """Our own account comes first."""
        if place == 0:
            return self._book.own
        return self._book.at(place - 1, self._vendor.clock.now())

    def _account(self, account: str) -> Account:
        found = self._book.find(account, self._vendor.clock.now())
        if found is None or found.deleted or not self._visible(found):
            raise service(404, "not_found", "The account was not found")
        return found

    def _visible(self, found: Account) -> bool:
        since = found.visible_from
        return since is None or since <= self._vendor.clock.now()

    def _make(self, account: str, name: str, owner: str) -> Account:
        now, index = self._vendor.clock.now(), self._book.positions
        return Account(
            id=account,
            index=-2,
            name=name,
            make_facts=partial(company, index, self._vendor.options.seed, "US"),
            created=now,
            updated=now,
            group_id=uuid.uuid4().hex,
            parent=f"enterprise:{self._book.generator.enterprise_id}",
            owner_iam_id=owner,
        )

    def _ours(self, enterprise: str) -> None:
        if enterprise != self._book.generator.enterprise_id:
            raise service(404, "not_found", "The enterprise was not found")

    def _is_unit(self, unit: str) -> None:
        if unit != self._book.generator.billing_unit:
            raise service(404, "not_found", "The billing unit was not found")

    def _unit(self) -> Wire:
        generator = self._book.generator
        return {
            "id": generator.billing_unit,
            "crn": f"crn:v1:bluemix:public:billing::a/{self._book.own.id}::"
            f"billing-unit:{generator.billing_unit}",
            "name": "Master",
            "enterprise_id": generator.enterprise_id,
            "currency_code": "USD",
            "country_code": "USA",
            "master": True,
            "created_at": "2020-01-01T00:00:00.000Z",
        }

    def _paged(self, request: Request, items: list[Wire]) -> Response:
        now = self._vendor.clock.now()
        size = paging.number(request, "limit", 100, 100)
        token = request.args.get("start")
        start = 0 if token is None else int(paging.unseal(request, token, now)["p"])
        page, more = paging.cut(items, start, size)
        sealed = None if more is None else paging.seal(now, p=more)
        null = self._vendor.null_ends
        return json_response(paging.by_url(request, page, sealed, "start", null=null))
