"""Partner management: reports of the reseller's customers, read-only (§4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_ibm.simulator import paging, render
from entrepot_ibm.simulator.metering import SHARE, Month
from entrepot_ibm.simulator.model import Account, Wire
from entrepot_ibm.simulator.refusals import service

if TYPE_CHECKING:
    from entrepot_ibm.simulator.app import IbmSimulator

_MOST_OPTIONS = 200
_MOST_UNITS = 30


class PartnerApi:
    """The three operations of the partner programme."""

    def __init__(self, vendor: IbmSimulator) -> None:
        self._vendor, self._book = vendor, vendor.book
        vendor.route("GET", "/partner/v1/resource-usage-reports", self.usage)
        vendor.route("GET", "/partner/v1/billing-options", self.options)
        vendor.route("GET", "/partner/v1/credit-pools", self.pools)

    def usage(self, request: Request) -> Response:
        """Usage from a viewpoint, of customers or of the partner itself (B23)."""
        customer = self._asked(request)
        recurse = request.args.get("recurse") == "true"
        children = request.args.get("children") == "true"
        if customer and (children or recurse):
            text = "children and recurse do not go with customer_id"
            raise service(400, "bad_request", text)
        if recurse and request.args.get("reseller_id"):
            raise service(400, "bad_request", "recurse does not go with reseller_id")
        month = self._vendor.month(request, "month")
        view = self._viewpoint(request)
        size = paging.number(request, "limit", 30, 100)
        start = paging.number(request, "offset", 0, 10**9)
        start = self._vendor.shift_page(request, start, size)
        if customer or recurse or children:
            reports, more = self._of_customers(customer, month, view, start, size)
        else:
            reports, more = [self._of_partner(month, view)], None
        return json_response(self._envelope(request, reports, more, size))

    def options(self, request: Request) -> Response:
        """Billing options that run in a month, in pages of rows (B24)."""
        customer = self._asked(request)
        month = self._vendor.month(request, "date")
        size = paging.number(request, "limit", _MOST_OPTIONS, _MOST_OPTIONS)
        reseller = self._reseller()
        rows = (
            render.partner_option(found, option, month.text, self._book, reseller)
            for found in self._customers(customer)
            for option in render.runs_in(found, month)
        )
        return self._listed(request, list(rows), size)

    def pools(self, request: Request) -> Response:
        """Credit pools; the limit counts billing units, not rows (§4.3)."""
        customer, now = self._asked(request), self._vendor.clock.now()
        month = self._vendor.month(request, "date")
        size = paging.number(request, "limit", _MOST_UNITS, _MOST_UNITS)
        with_pools = [a for a in self._customers(customer) if a.options]
        start = self._start(request)
        page, more = paging.cut(with_pools, start, size)
        reseller_id, reseller_name = self._reseller()
        items = [
            {
                **pool,
                "customer_id": found.id,
                "customer_type": "ACCOUNT",
                "customer_name": found.name,
                "reseller_id": reseller_id,
                "reseller_name": reseller_name,
                "month": month.text,
            }
            for found in page
            for pool in render.pools(found, month, now, self._book)
        ]
        return self._answer(request, items, more)

    # Helpers

    def _asked(self, request: Request) -> str | None:
        """The customer that is asked for, after the checks of all three (B23)."""
        generator = self._book.generator
        partner = request.args.get("partner_id", "")
        if partner != generator.partner_id:
            raise service(403, "forbidden", "No access to this partner's reports")
        reseller = request.args.get("reseller_id")
        customer = request.args.get("customer_id")
        if reseller and customer:
            text = "reseller_id and customer_id exclude one another"
            raise service(400, "bad_request", text)
        if reseller and reseller != generator.partner_id:
            raise service(404, "not_found", "The reseller was not found")
        return customer

    def _viewpoint(self, request: Request) -> str:
        found = request.args.get("viewpoint", "RESELLER")
        if found not in SHARE:
            raise service(400, "bad_request", f"viewpoint must be one of {list(SHARE)}")
        return found

    def _customers(self, customer: str | None) -> Iterator[Account]:
        now = self._vendor.clock.now()
        if customer is not None:
            found = self._book.find(customer, now)
            if found is not None and found.index != -1 and not found.deleted:
                yield found
            return
        for place in range(self._book.positions):
            each = self._book.at(place, now)
            if not each.deleted:
                yield each

    def _of_customers(
        self, customer: str | None, month: Month, view: str, start: int, size: int
    ) -> tuple[list[Wire], int | None]:
        now, more = self._vendor.clock.now(), None
        page = list(self._customers(customer)) if customer else []
        if customer is None:
            end = min(start + size, self._book.positions)
            each = (self._book.at(place, now) for place in range(start, end))
            page = [found for found in each if not found.deleted]
            more = end if end < self._book.positions else None
        made = [render.report(found, month, now, view, found.market) for found in page]
        idle = self._vendor.options.extra.get("idle", "list")
        if idle == "hide":
            made = [report for report in made if report["resources"]]
        return [{**report, "viewpoint": view} for report in made], more

    def _of_partner(self, month: Month, view: str) -> Wire:
        now, book = self._vendor.clock.now(), self._book
        each = [
            render.report(a, month, now, view, "USA") for a in self._customers(None)
        ]
        names = ("billable_cost", "billable_rated_cost", "non_billable_cost")
        sums = {n: float(sum(r[n] for r in each)) for n in names}
        return {
            "entity_id": book.generator.partner_id,
            "entity_type": "enterprise",
            "entity_crn": "",
            "entity_name": book.own.name,
            "entity_partner_type": "RESELLER",
            "viewpoint": view,
            "month": month.text,
            "currency_code": "USD",
            "country_code": "USA",
            **sums,
            "non_billable_rated_cost": 0.0,
            "resources": [],
        }

    def _envelope(
        self, request: Request, reports: list[Wire], more: int | None, size: int
    ) -> Wire:
        path = "/v1/resource-usage-reports"
        query = {**request.args, "limit": size}
        body: Wire = {
            "limit": size,
            "first": {"href": render.next_link(path, **{**query, "offset": None})},
            "reports": reports,
        }
        if more is not None:
            href = render.next_link(path, **{**query, "offset": more})
            body["next"] = {"href": href, "offset": str(more)}
        return body

    def _listed(self, request: Request, rows: list[Wire], size: int) -> Response:
        start = self._vendor.shift_page(request, self._start(request), size)
        page, more = paging.cut(rows, start, size)
        self._vendor.spoil(request, page, "state")
        return self._answer(request, page, more)

    def _start(self, request: Request) -> int:
        token = request.args.get("start")
        if token is None:
            return 0
        return int(paging.unseal(request, token, self._vendor.clock.now())["p"])

    def _answer(
        self, request: Request, items: list[Wire], more: int | None
    ) -> Response:
        now, null = self._vendor.clock.now(), self._vendor.null_ends
        token = None if more is None else paging.seal(now, p=more)
        return json_response(paging.by_url(request, items, token, "start", null=null))

    def _reseller(self) -> tuple[str, str]:
        return self._book.generator.partner_id, self._book.own.name
