"""The global catalogue: services, plans, prices; the only one with ETags (§4.5)."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_ibm.simulator import catalog, paging
from entrepot_ibm.simulator.catalog import Metric, Plan, Service
from entrepot_ibm.simulator.model import Wire
from entrepot_ibm.simulator.refusals import service as refuse

if TYPE_CHECKING:
    from entrepot_ibm.simulator.app import IbmSimulator

_ROOT = "/catalog/api/v1"
_STAMP = "2024-01-01T00:00:00.000Z"


class CatalogueApi:
    """Endpoints of the catalogue."""

    def __init__(self, vendor: IbmSimulator) -> None:
        self._vendor = vendor
        vendor.route("GET", f"{_ROOT}/", self.search)
        vendor.route("GET", f"{_ROOT}/<entry>", self.entry)
        vendor.route("GET", f"{_ROOT}/<entry>/pricing", self.pricing)
        vendor.route("GET", f"{_ROOT}/<entry>/pricing/deployment", self.deployments)
        vendor.route("GET", f"{_ROOT}/<entry>/<kind>", self.children)

    def search(self, request: Request) -> Response:
        """Services, or whatever kind the query names."""
        wanted = request.args.get("q", "")
        found = [_service(s) for s in catalog.SERVICES]
        if "kind:plan" in wanted:
            found = [_plan(p) for p in catalog.PLANS.values()]
        return self._listed(request, found)

    def entry(self, request: Request, entry: str) -> Response:
        """A service or a plan."""
        plan = catalog.PLANS.get(entry)
        found = _plan(plan) if plan else _service(self._service(entry))
        return self._tagged(request, found)

    def children(self, request: Request, entry: str, kind: str) -> Response:
        """Plans of a service."""
        plans = self._service(entry).plans if kind in ("plan", "*") else ()
        return self._listed(request, [_plan(plan) for plan in plans])

    def pricing(self, request: Request, entry: str) -> Response:
        """Prices of a plan; not every plan has some (B22)."""
        plan = catalog.PLANS.get(entry)
        if plan is None or not plan.active:
            raise refuse(404, "not_found", "The pricing was not found")
        return self._tagged(request, self._pricing(plan))

    def deployments(self, request: Request, entry: str) -> Response:
        """Prices of a plan in every region."""
        plan = catalog.PLANS.get(entry)
        if plan is None:
            raise refuse(404, "not_found", "The pricing was not found")
        regions = catalog.SERVICE_OF[plan.id].regions
        found = [
            {
                **self._pricing(plan),
                "deployment_id": f"{plan.id}:{region}",
                "deployment_region": region,
                "deployment_location": region,
            }
            for region in regions
        ]
        return self._listed(request, found)

    def _service(self, entry: str) -> Service:
        for found in catalog.SERVICES:
            if entry in (found.id, found.name):
                return found
        raise refuse(404, "not_found", "The catalog entry was not found")

    def _listed(self, request: Request, found: list[Wire]) -> Response:
        size = paging.number(request, "_limit", 50, 200)
        start = paging.number(request, "_offset", 0, 10**9)
        start = self._vendor.shift_page(request, start, size)
        page = found[start : start + size]
        body = {
            "offset": start,
            "limit": size,
            "count": len(found),
            "resource_count": len(page),
            "first": f"{_ROOT}/?_offset=0&_limit={size}",
            "resources": page,
        }
        return self._tagged(request, body)

    def _tagged(self, request: Request, body: Wire) -> Response:
        content = msgspec.json.encode(body)
        tag = f'"{hashlib.blake2b(content, digest_size=8).hexdigest()}"'
        if request.headers.get("If-None-Match") == tag:
            return Response(status=304, headers={"ETag": tag})
        return json_response(content, headers={"ETag": tag})

    def _pricing(self, plan: Plan) -> Wire:
        factor = self._vendor.book.prices.get(plan.id, Decimal(1))
        metrics = [_metric(plan, m, factor) for m in plan.metrics] or None
        return {
            "deployment_id": f"{plan.id}:us-south",
            "deployment_location": "us-south",
            "deployment_region": "us-south",
            "deployment_location_no_price_available": False,
            "type": plan.kind,
            "origin": "pricing_catalog",
            "starting_price": {},
            "metrics": metrics,
            "deployment_regions": list(catalog.SERVICE_OF[plan.id].regions),
            "effective_from": _STAMP,
            "effective_until": "9999-12-31T00:00:00.000Z",
            "require_login": False,
            "sales_avenue": ["catalog"],
        }


def _metric(plan: Plan, metric: Metric, factor: Decimal) -> Wire:
    tiers = metric.tiers or ((999_999_999, metric.price),)
    amounts = [
        {
            "country": country,
            "currency": currency,
            "prices": [
                {"quantity_tier": upper, "price": float(price * rate * factor)}
                for upper, price in tiers
            ],
        }
        for country, (currency, rate) in catalog.MARKETS.items()
    ]
    # A wrong country code beside the right ones (T22).
    odd = {"country": catalog.ODD_COUNTRY, "currency": "USD", "prices": []}
    return {
        "part_ref": plan.part,
        "metric_id": metric.id,
        "tier_model": "Granular Tier" if metric.tiers else "Linear Tier",
        "resource_display_name": plan.title,
        "charge_unit_display_name": metric.unit,
        "charge_unit_name": metric.id,
        "charge_unit": metric.unit,
        "charge_unit_quantity": 1,
        "usage_cap_qty": 0,
        "display_cap": 0,
        "effective_from": _STAMP,
        "effective_until": "9999-12-31T00:00:00.000Z",
        "amounts": [odd, *amounts],
    }


def _service(found: Service) -> Wire:
    return {
        **_entry(found.id, found.name, "service", found.title),
        "metadata": {
            "rc_compatible": True,
            "service": {
                "plan_updateable": found.updateable,
                "rc_provisionable": found.provisionable,
                "iam_compatible": True,
            },
        },
        "children_url": f"{_ROOT}/{found.id}/plan",
    }


def _plan(plan: Plan) -> Wire:
    parent = catalog.SERVICE_OF[plan.id]
    return {
        **_entry(plan.id, plan.name, "plan", plan.title),
        "active": plan.active,
        "disabled": plan.disabled,
        "parent_id": parent.id,
        "parent_url": f"{_ROOT}/{parent.id}",
        "pricing_tags": [plan.kind.lower()],
        "metadata": {
            "rc_compatible": True,
            "plan": {"bindable": True, "reservable": False},
            "pricing": {"type": plan.kind, "origin": "pricing_catalog"},
        },
    }


def _entry(entry: str, name: str, kind: str, title: str) -> Wire:
    return {
        "id": entry,
        "_id": entry,
        "_rev": "1-0",
        "name": name,
        "kind": kind,
        "active": True,
        "disabled": False,
        "catalog_crn": f"crn:v1:bluemix:public:globalcatalog::::{kind}:{entry}",
        "url": f"{_ROOT}/{entry}",
        "tags": [],
        "geo_tags": [],
        "provider": {"name": "IBM", "email": "cloud@ibm.example"},
        "overview_ui": {
            "en": {
                "display_name": title,
                "description": f"{title} on IBM Cloud",
                "long_description": f"{title} on IBM Cloud",
            }
        },
        "images": {"image": "https://images.example/icon.svg"},
        "visibility": {"restrictions": "public"},
        "created": _STAMP,
        "updated": _STAMP,
    }
