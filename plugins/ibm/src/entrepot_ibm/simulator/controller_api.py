"""Resource controller, read side, and usage by instance (§4.4, §4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_ibm.simulator import metering, paging, render
from entrepot_ibm.simulator.model import Account, Instance, Wire
from entrepot_ibm.simulator.refusals import controller, service

if TYPE_CHECKING:
    from entrepot_ibm.simulator.app import IbmSimulator

_SHOWN = ("active", "provisioning")
_STATES = (
    "active",
    "inactive",
    "failed",
    "pending_reclamation",
    "provisioning",
    "pre_provisioning",
    "removed",
)
_EQUAL = {
    "guid": "guid",
    "name": "name",
    "resource_group_id": "group_id",
    "resource_plan_id": "plan_id",
}


class ControllerApi:
    """Instances as the account of the token sees them."""

    def __init__(self, vendor: IbmSimulator) -> None:
        self._vendor, self._book = vendor, vendor.book
        root = "/rc/v2/resource_instances"
        vendor.route("GET", root, self.instances)
        vendor.route("GET", f"{root}/<path:instance>", self.instance)
        vendor.route("GET", "/rc/v1/reclamations", self.reclamations)
        vendor.route("GET", "/rc/v2/resource_groups", self.groups)
        vendor.route(
            "GET",
            "/billing/v4/accounts/<account>/resource_instances/usage/<month>",
            self.usage,
        )

    def instances(self, request: Request) -> Response:
        """Instances in one state; without a state only the living ones (B11).

        With a token every other filter is ignored (B12).
        """
        vendor, now = self._vendor, self._vendor.clock.now()
        account = vendor.signed_in(request)
        token = request.args.get("start")
        filters = dict(request.args)
        start, size = 0, paging.number(request, "limit", 10, 100)
        if token is not None:
            held = paging.unseal(request, token, now)
            start, size = int(held.pop("p")), int(held.pop("n"))
            filters = {name: str(value) for name, value in held.items()}
        found = self._chosen(account, filters)
        start = vendor.shift_page(request, start, size)
        page, more = paging.cut(found, start, size)
        items = [render.instance(one) for one in page]
        vendor.spoil(request, items, "state")
        kept = {k: v for k, v in filters.items() if k not in ("start", "limit")}
        sealed = None if more is None else paging.seal(now, p=more, n=size, **kept)
        body = paging.by_url(request, items, sealed, "start", null=vendor.null_ends)
        return json_response(body)

    def instance(self, request: Request, instance: str) -> Response:
        """One instance by GUID or CRN; a removed one answers too (T09)."""
        found = self.find(request, instance)[1]
        return json_response(render.instance(found))

    def reclamations(self, request: Request) -> Response:
        """What waits for its removal; not paged."""
        account = self._vendor.signed_in(request)
        wanted = request.args.get("resource_instance_id", "")
        items = [
            render.reclamation(one)
            for one in account.instances.values()
            if one.reclamation_id and wanted in ("", one.guid, metering.crn(one))
        ]
        return json_response({"resources": items})

    def groups(self, request: Request) -> Response:
        """The default resource group; suspended with its account (B10)."""
        account = self._vendor.signed_in(request)
        if request.args.get("account_id") not in (None, account.id):
            raise controller(403, "No access to this account")
        crn = "crn:v1:bluemix:public:resource-controller::"
        group = {
            "id": account.group_id,
            "crn": f"{crn}a/{account.id}::resource-group:{account.group_id}",
            "account_id": account.id,
            "name": "Default",
            "state": account.group_state,
            "default": True,
            "quota_id": "default",
            "resource_linkages": [],
        }
        return json_response({"resources": [group]})

    def usage(self, request: Request, account: str, month: str) -> Response:
        """Usage of every instance in a month; paged by `next.offset` (§4.6)."""
        vendor, now = self._vendor, self._vendor.clock.now()
        found = vendor.signed_in(request)
        if found.id != account:
            raise service(403, "forbidden", "No access to this account")
        try:
            wanted = metering.Month.of(month)
        except ValueError:
            raise service(400, "bad_request", "month must be yyyy-mm") from None
        rows = metering.instance_rows(found, wanted, now)
        size = paging.number(request, "_limit", 30, 200)
        token = request.args.get("_start")
        start = 0 if token is None else int(paging.unseal(request, token, now)["p"])
        page, more = paging.cut(rows, start, size)
        path = f"/v4/accounts/{account}/resource_instances/usage/{month}"
        body: Wire = {
            "limit": size,
            "count": len(page),
            "first": {"href": render.next_link(path, _limit=size)},
            "resources": page,
        }
        if more is not None:
            sealed = paging.seal(now, p=more)
            href = render.next_link(path, _limit=size, _start=sealed)
            body["next"] = {"href": href, "offset": sealed}
        return json_response(body)

    def find(self, request: Request, instance: str) -> tuple[Account, Instance]:
        """The instance and its account.

        Raises:
            Refusal: 404 for one that is unknown or of another account (B03).
        """
        account = self._vendor.signed_in(request)
        found = self._book.instance(account, instance)
        if found is None:
            raise controller(404, "The resource instance was not found")
        return account, found

    def _chosen(self, account: Account, filters: dict[str, str]) -> list[Instance]:
        state = filters.get("state")
        if state is not None and state not in _STATES:
            raise controller(400, f"state must be one of {', '.join(_STATES)}")
        states = (state,) if state else _SHOWN
        equal = [(own, filters[k]) for k, own in _EQUAL.items() if k in filters]
        return [
            one
            for one in account.instances.values()
            if one.state in states
            and all(getattr(one, own) == value for own, value in equal)
        ]
