"""The reading methods of the Cloud Channel API (§3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_google.simulator import filters, render
from entrepot_google.simulator.catalog import SKUS, Offer, Sku, opaque
from entrepot_google.simulator.model import Customer, Wire
from entrepot_google.simulator.refusals import refuse

if TYPE_CHECKING:
    from entrepot_google.simulator.app import GoogleSimulator

_HIDDEN = 5  # seconds a new customer is missing from filtered listings (§3.5)
_C = "/v1/accounts/<account>/customers"
_E = f"{_C}/<customer>/entitlements"


class ChannelApi:
    """Customers, entitlements, catalogue and operations, read only."""

    def __init__(self, vendor: GoogleSimulator) -> None:
        self._vendor = vendor
        vendor.route("GET", _C, self.customers)
        vendor.route("GET", f"{_C}/<customer>", self.customer)
        vendor.route("GET", f"{_C}/<customer>:listPurchasableSkus", self.skus_to_buy)
        vendor.route(
            "GET", f"{_C}/<customer>:listPurchasableOffers", self.offers_to_buy
        )
        vendor.route("GET", _E, self.entitlements)
        vendor.route("GET", f"{_E}/<entitlement>", self.entitlement)
        vendor.route("GET", f"{_E}/<entitlement>:lookupOffer", self.lookup_offer)
        vendor.route("GET", f"{_E}/<entitlement>:listEntitlementChanges", self.changes)
        vendor.route("GET", "/v1/accounts/<account>/offers", self.offers)
        vendor.route("GET", "/v1/products", self.products)
        vendor.route("GET", "/v1/products/<product>/skus", self.skus)

    def customers(self, request: Request, account: str) -> Response:
        """``customers.list``; a filter sees new customers later."""
        vendor, now = self._vendor, self._vendor.clock.now()
        own = vendor.own(account)
        with vendor.lock:
            wanted = filters.parse(request.args.get("filter", ""))
            if wanted is None:
                ids, rest = vendor.pager.page(request, vendor.book.listed(), 10, 50)
                found = [vendor.book.customer(each) for each in ids]
            else:
                seen = [
                    each
                    for each in vendor.book.every()
                    if not each.partner
                    and (now - each.created).total_seconds() >= _HIDDEN
                    and wanted(_filtered(each))
                ]
                chunk, rest = vendor.pager.page(request, seen, 10, 50)
                found = list(chunk)
            shown = [self._shown(own, each) for each in found]
        return _listing("customers", shown, rest)

    def _shown(self, own: str, found: Customer) -> Wire:
        links = self._vendor.book.links
        return render.customer(own, found, links.get(found.partner))

    def customer(self, request: Request, account: str, customer: str) -> Response:
        """``customers.get``."""
        del request
        vendor = self._vendor
        own = vendor.own(account)
        with vendor.lock:
            return json_response(self._shown(own, vendor.book.customer(customer)))

    def entitlements(self, request: Request, account: str, customer: str) -> Response:
        """``entitlements.list``; what is gone is not listed."""
        vendor = self._vendor
        own = vendor.own(account)
        with vendor.lock:
            every = list(vendor.book.customer(customer).entitlements.values())
            found, rest = vendor.pager.page(request, every, 50, 100)
            shown = [
                render.entitlement(own, customer, e, renewal=not vendor.list_omits)
                for e in found
            ]
        strange = vendor.struck(request).get("unknown_enum")
        if strange is not None and shown:
            shown[0]["provisioningState"] = strange.value
        return _listing("entitlements", shown, rest)

    def entitlement(
        self, request: Request, account: str, customer: str, entitlement: str
    ) -> Response:
        """``entitlements.get``."""
        del request
        vendor = self._vendor
        own = vendor.own(account)
        with vendor.lock:
            found = vendor.book.entitlement(customer, entitlement)
            return json_response(render.entitlement(own, customer, found))

    def lookup_offer(
        self, request: Request, account: str, customer: str, entitlement: str
    ) -> Response:
        """``entitlements.lookupOffer``; knows retired offers."""
        del request
        vendor = self._vendor
        own = vendor.own(account)
        with vendor.lock:
            found = vendor.book.entitlement(customer, entitlement)
            bought = vendor.catalog.every[found.offer.id]
            return json_response(render.offer(own, bought, own_price=True))

    def changes(
        self, request: Request, account: str, customer: str, entitlement: str
    ) -> Response:
        """``listEntitlementChanges``; ``-`` for all of the customer, newest first."""
        vendor = self._vendor
        own = vendor.own(account)
        with vendor.lock:
            every = vendor.book.customer(customer).changes
            wanted = [c for c in every if entitlement in ("-", c.entitlement)]
            wanted.sort(key=lambda c: (c.at, c.entitlement, c.kind), reverse=True)
            found, rest = vendor.pager.page(request, wanted, 10, 50)
            shown = [render.change(own, customer, each) for each in found]
        return _listing("entitlementChanges", shown, rest)

    # Catalogue

    def offers(self, request: Request, account: str) -> Response:
        """``offers.list``: list prices only."""
        vendor = self._vendor
        own = vendor.own(account)
        with vendor.lock:
            every = vendor.catalog.listed()
            if request.args.get("showFutureOffers") == "true":
                every = []
            found, rest = vendor.pager.page(request, every, 500, 1000)
            shown = [render.offer(own, each, own_price=False) for each in found]
        strange = vendor.struck(request).get("exact_amount")
        if strange is not None:
            for each in shown:
                render.write_amount(each, Decimal(strange.value))
        return _listing("offers", shown, rest)

    def products(self, request: Request) -> Response:
        """``products.list``."""
        self._needs_account(request)
        families = list(dict.fromkeys(sku.family for sku in SKUS.values()))
        found, rest = self._vendor.pager.page(request, families, 100, 1000)
        return _listing("products", [render.product(each) for each in found], rest)

    def skus(self, request: Request, product: str) -> Response:
        """``products.skus.list``; ``-`` for all products."""
        self._needs_account(request)
        wanted = [s for s in SKUS.values() if product in ("-", opaque(s.family))]
        if not wanted:
            raise refuse("NOT_FOUND", f"Product {product} not found.")
        found, rest = self._vendor.pager.page(request, wanted, 100, 1000)
        return _listing("skus", [render.sku(each) for each in found], rest)

    def skus_to_buy(self, request: Request, account: str, customer: str) -> Response:
        """``listPurchasableSkus`` for new entitlements and for changes."""
        vendor = self._vendor
        vendor.own(account)
        product = request.args.get("createEntitlementPurchase.product", "")
        change = request.args.get("changeOfferPurchase.entitlement", "")
        _exactly_one(product, change)
        with vendor.lock:
            vendor.book.customer(customer)
            wanted = [s for s in SKUS.values() if self._in(s, product, change)]
        found, rest = vendor.pager.page(request, wanted, 100, 1000)
        shown = [{"sku": render.sku(each)} for each in found]
        return _listing("purchasableSkus", shown, rest)

    def _in(self, sku: Sku, product: str, change: str) -> bool:
        if product:
            return product == f"products/{opaque(sku.family)}"
        parts = change.split("/")
        if len(parts) != 6:
            raise refuse("INVALID_ARGUMENT", "Invalid entitlement name.")
        held = self._vendor.book.entitlement(parts[3], parts[5])
        return held.offer.sku.family == sku.family

    def offers_to_buy(self, request: Request, account: str, customer: str) -> Response:
        """``listPurchasableOffers``: with the partner's own prices."""
        vendor = self._vendor
        own = vendor.own(account)
        sku = request.args.get("createEntitlementPurchase.sku", "")
        sku = sku or request.args.get("changeOfferPurchase.newSku", "")
        change = request.args.get("changeOfferPurchase.entitlement", "")
        if not sku and not change:
            raise refuse("INVALID_ARGUMENT", "A purchase must be given.")
        with vendor.lock:
            country = vendor.book.customer(customer).facts.country
            wanted = [
                offer
                for offer in vendor.catalog.listed()
                if offer.sku.path == sku and self._sold(offer, country)
            ]
        found, rest = vendor.pager.page(request, wanted, 100, 1000)
        shown = [
            {
                "offer": render.offer(own, each, own_price=True),
                "priceReferenceId": f"prf-{each.id}",
            }
            for each in found
        ]
        return _listing("purchasableOffers", shown, rest)

    def _sold(self, offer: Offer, country: str) -> bool:
        plan = next(iter(offer.sku.plans))
        return (
            self._vendor.catalog.offer(offer.sku.code, plan, country).currency
            == offer.currency
        )

    def _needs_account(self, request: Request) -> None:
        name = request.args.get("account", "")
        if name != self._vendor.account:
            raise refuse("PERMISSION_DENIED", "The caller does not have permission.")


def _exactly_one(*given: str) -> None:
    if sum(bool(each) for each in given) != 1:
        raise refuse("INVALID_ARGUMENT", "Exactly one purchase must be given.")


def _filtered(found: Customer) -> dict[str, str]:
    return {
        "domain": found.facts.domain,
        "org_display_name": found.facts.name,
        "cloud_identity_id": found.identity,
        "channel_partner_id": "",
    }


def _listing(name: str, shown: Sequence[Wire], rest: dict[str, str]) -> Response:
    body: dict[str, Any] = {**rest}
    if shown:
        body[name] = list(shown)
    return json_response(body)
