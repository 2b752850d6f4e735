"""Products, SKUs and availabilities; and the price sheets on their own host."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_microsoft.simulator import catalog
from entrepot_microsoft.simulator.catalog import Plan, Sku
from entrepot_microsoft.simulator.model import Wire
from entrepot_microsoft.simulator.refusals import model_binding, refuse

if TYPE_CHECKING:
    from entrepot_microsoft.simulator.app import MicrosoftSimulator

_VIEWS = {
    "onlineservices": (catalog.SEATS,),
    "softwaresubscriptions": (catalog.SOFTWARE,),
    "software": (catalog.SOFTWARE,),
    "azure": (catalog.AZURE,),
    "microsoftazure": (catalog.AZURE,),
}
_SEGMENTS = ("", "commercial", "education", "government", "nonprofit")
_COLUMNS = (
    "ProductTitle",
    "ProductId",
    "SkuId",
    "SkuTitle",
    "Publisher",
    "SkuDescription",
    "UnitOfMeasure",
    "TermDuration",
    "BillingPlan",
    "Market",
    "Currency",
    "UnitPrice",
    "PricingTierRangeMin",
    "PricingTierRangeMax",
    "EffectiveStartDate",
    "EffectiveEndDate",
    "Tags",
    "ERP Price",
    "Segment",
)
_SHEETS = {
    "updatedlicensebased": (catalog.SEATS,),
    "software": (catalog.SOFTWARE,),
}


class CatalogueApi:
    """Endpoints of the catalogue (§3.1) and of price sheets (§3.3)."""

    def __init__(self, vendor: MicrosoftSimulator) -> None:
        self._vendor = vendor
        vendor.route("GET", "/v1/products", self.products)
        vendor.route("GET", "/v1/products/<product>", self.product)
        vendor.route("GET", "/v1/products/<product>/skus", self.skus)
        vendor.route("GET", "/v1/products/<product>/skus/<sku>", self.sku)
        vendor.route(
            "GET", "/v1/products/<product>/skus/<sku>/availabilities", self.available
        )
        vendor.route("GET", "/v1.0/sales/pricesheets(<args>)/$value", self.sheet)
        vendor.route("GET", "/v1.0/sales/fxrates(<args>)/$value", self.fx_rates)
        vendor.route("GET", "/v1/offers", self.legacy_offers)

    def products(self, request: Request) -> Response:
        """Products of a view; country and view are required (B19)."""
        country = self._country(request)
        view = request.args.get("targetView", "").lower()
        if view not in _VIEWS:
            raise refuse(403, "400036", "The target view is not allowed.")
        seen: dict[str, Wire] = {}
        for sku in catalog.SKUS.values():
            if sku.kind in _VIEWS[view]:
                seen.setdefault(sku.product_id, _product(sku, country))
        return self._items(request, list(seen.values()))

    def product(self, request: Request, product: str) -> Response:
        """One product."""
        found = self._skus(product)
        return self._one(request, _product(found[0], self._country(request)))

    def skus(self, request: Request, product: str) -> Response:
        """SKUs of a product."""
        country = self._country(request)
        return self._items(request, [_sku(s, country) for s in self._skus(product)])

    def sku(self, request: Request, product: str, sku: str) -> Response:
        """One SKU."""
        return self._one(
            request, _sku(self._find(product, sku), self._country(request))
        )

    def available(self, request: Request, product: str, sku: str) -> Response:
        """Availabilities of a SKU, with its terms; ids rotate daily (B20)."""
        country = self._country(request)
        found = self._find(product, sku)
        rotation = self._vendor.clock.now().toordinal()
        return self._items(request, [_availability(found, country, rotation)])

    def _country(self, request: Request) -> str:
        country = request.args.get("country", "").upper()
        if not country:
            raise model_binding("The request is invalid: country is required.")
        if country not in catalog.MARKETS:
            raise refuse(400, "800070", "The country is not supported.")
        if request.args.get("targetSegment", "").lower() not in _SEGMENTS:
            raise refuse(403, "400030", "The segment is not allowed.")
        return country

    def _skus(self, product: str) -> list[Sku]:
        found = [s for s in catalog.SKUS.values() if s.product_id == product]
        if not found:
            raise refuse(404, "400013", "The product was not found.")
        return found

    def _find(self, product: str, sku: str) -> Sku:
        for found in self._skus(product):
            if found.sku_id == sku:
                return found
        raise refuse(404, "400018", "The SKU was not found.")

    def _gone(self, request: Request) -> Response | None:
        """An item that is gone answers 200 with a code in its body (B21, T12)."""
        if request.path.split("/")[3:4] == [self._vendor.gone_product]:
            body = {"code": "400072", "description": "The item is not available."}
            return json_response(body)
        return None

    def _items(self, request: Request, items: list[Wire]) -> Response:
        body = {
            "totalCount": len(items),
            "items": items,
            "attributes": {"objectType": "Collection"},
        }
        return self._gone(request) or json_response(body)

    def _one(self, request: Request, item: Wire) -> Response:
        return self._gone(request) or json_response(item)

    def legacy_offers(self, request: Request) -> Response:
        """Offers of the old commerce; ids are GUIDs (§3.1)."""
        country = self._country(request)
        items: list[Wire] = [
            {
                "id": offer.offer_id,
                "name": offer.title,
                "minimumQuantity": 1,
                "maximumQuantity": 300,
                "country": country,
                "isAddOn": bool(offer.base),
                "prerequisiteOffers": [offer.base] if offer.base else [],
                "unitType": "Licenses",
                "supportedBillingCycles": ["monthly", "annual"],
                "attributes": {"objectType": "Offer"},
            }
            for offer in catalog.LEGACY.values()
        ]
        return self._items(request, items)

    # Price sheets

    def sheet(self, request: Request, args: str) -> Response:
        """A price sheet as CSV, or zipped when deflate is accepted (§3.3)."""
        asked = _arguments(args)
        market = asked.get("market", "").upper()
        kinds = _SHEETS.get(asked.get("pricesheetview", "").lower())
        if market not in catalog.MARKETS or kinds is None:
            raise refuse(404, "1000", "There is no such price sheet.")
        timeline = request.args.get("timeline", "current").lower()
        if timeline == "future":
            raise refuse(404, "1000", "There are no future prices.")
        content = self._csv(market, kinds).encode("utf-8-sig")
        if "deflate" in request.headers.get("Accept-Encoding", ""):
            return Response(_zipped(content), mimetype="application/octet-stream")
        return Response(content, mimetype="text/csv")

    def _csv(self, market: str, kinds: tuple[str, ...]) -> str:
        out = io.StringIO()
        writer = csv.DictWriter(out, _COLUMNS, lineterminator="\r\n")
        writer.writeheader()
        now = self._vendor.clock.now()
        for sku in catalog.SKUS.values():
            if sku.kind in kinds:
                for plan in sku.plans:
                    writer.writerow(self._row(sku, plan, market, now))
        return out.getvalue()

    def _row(self, sku: Sku, plan: Plan, market: str, now: datetime) -> dict[str, str]:
        prices = self._vendor.book.prices
        cost, erp = prices.at(sku.key, plan.term, plan.cycle, market, now)
        since = prices.since((sku.key, plan.term, plan.cycle), now)
        start = since or self._vendor.book.generator.epoch.replace(
            month=1, day=1, hour=0, minute=0, second=0, microsecond=0
        )
        return {
            "ProductTitle": sku.title,
            "ProductId": sku.product_id,
            "SkuId": sku.sku_id,
            "SkuTitle": sku.sku_title,
            "Publisher": "Microsoft Corporation",
            "SkuDescription": f"{sku.sku_title} for organisations",
            "UnitOfMeasure": "1 license",
            "TermDuration": plan.term,
            "BillingPlan": plan.cycle.capitalize(),
            "Market": market,
            "Currency": catalog.MARKETS[market][0],
            "UnitPrice": str(cost),
            "PricingTierRangeMin": "",
            "PricingTierRangeMax": "",
            "EffectiveStartDate": start.strftime("%m/%d/%Y %H:%M:%S"),
            "EffectiveEndDate": "12/31/9999 23:59:59",
            "Tags": "",
            "ERP Price": str(erp),
            "Segment": sku.segment.capitalize(),
        }

    def fx_rates(self, request: Request, args: str) -> Response:
        """Monthly exchange rates as CSV."""
        del request
        month = _arguments(args).get("month", "")
        rows = ["CurrencyCode,USDPerUnit,Month"]
        rates = {code: rate for code, _, rate in catalog.MARKETS.values()}
        for code, rate in rates.items():
            per_unit = (Decimal(1) / rate).quantize(Decimal("1e-6"))
            rows.append(f"{code},{per_unit},{month}")
        return Response("\r\n".join(rows) + "\r\n", mimetype="text/csv")


def _arguments(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {name.strip().lower(): value.strip(" '") for name, _, value in pairs}


def _zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pricesheet.csv", content)
    return out.getvalue()


def _product(sku: Sku, country: str) -> Wire:
    return {
        "id": sku.product_id,
        "title": sku.title,
        "description": f"{sku.title} for organisations",
        "productType": {"id": sku.kind, "displayName": sku.kind},
        "isMicrosoftProduct": True,
        "publisherName": "Microsoft Corporation",
        "links": {
            "skus": {
                "uri": f"/products/{sku.product_id}/skus?country={country}",
                "method": "GET",
            }
        },
    }


def _sku(sku: Sku, country: str) -> Wire:
    return {
        "id": sku.sku_id,
        "productId": sku.product_id,
        "title": sku.sku_title,
        "description": sku.sku_title,
        "minimumQuantity": 1,
        "maximumQuantity": sku.maximum,
        "isTrial": sku.is_trial,
        "supportedBillingCycles": sorted({p.cycle for p in sku.plans}),
        "purchasePrerequisites": ["MicrosoftCustomerAgreement"],
        "inventoryVariables": [],
        "provisioningVariables": [],
        "actions": [],
        "dynamicAttributes": {
            "isMicrosoftProduct": True,
            "hasConstraints": False,
            "isAddon": bool(sku.base),
            "prerequisiteSkus": [sku.base] if sku.base else [],
            "upgradeTargetOffers": [],
            "provisioningId": sku.provisioning_id,
        },
        "links": {
            "self": {
                "uri": f"/products/{sku.product_id}/skus/{sku.sku_id}"
                f"?country={country}",
                "method": "GET",
            }
        },
    }


def _availability(sku: Sku, country: str, rotation: int) -> Wire:
    availability = catalog.availability_id(sku, rotation)
    currency, symbol, _ = catalog.MARKETS[country]
    return {
        "id": availability,
        "productId": sku.product_id,
        "skuId": sku.sku_id,
        "catalogItemId": f"{sku.key}:{availability}",
        "defaultCurrency": {"code": currency, "symbol": symbol},
        "segment": sku.segment,
        "country": country,
        "isPurchasable": True,
        "isRenewable": not sku.is_trial,
        "renewalInstructions": [],
        "terms": [
            {
                "id": f"{plan.term}-{plan.cycle}",
                "duration": plan.term,
                "description": f"{plan.term} commitment",
                # Terms spell cycles with a capital (§1.4, T18).
                "billingCycle": plan.cycle.capitalize(),
                "cancellationPolicies": [
                    {
                        "refundOptions": [
                            {"sequenceId": 0, "type": "Full", "expiresAfter": "P1D"}
                        ]
                    }
                ],
            }
            for plan in sku.plans
        ],
        "includedQuantityOptions": [{"minQuantity": 1, "maxQuantity": sku.maximum}],
    }
