"""Marketplace catalogue: our offers, and what we may resell (§4.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request

from entrepot_aws.simulator.catalog import BY_ID, PRODUCTS, Product
from entrepot_aws.simulator.codec import Data, Refusal
from entrepot_aws.simulator.keys import Caller
from entrepot_aws.simulator.paging import page
from entrepot_aws.simulator.state import Agreement

if TYPE_CHECKING:
    from entrepot_aws.simulator.app import AwsSimulator

_MOST = 50
_DAY = "%Y-%m-%dT00:00:00Z"
_OFFER, _AUTHORIZATION = "Offer", "ResaleAuthorization"


class SellerApi:
    """One endpoint of the service. Called under the simulator's lock."""

    def __init__(self, vendor: AwsSimulator) -> None:
        self._vendor = vendor
        vendor.serve_operation("marketplace-catalog", "ListEntities", self.entities)

    def entities(self, given: Data, request: Request, by: Caller) -> Data:
        """Entities of one type that are the caller's own, or shared with it."""
        del request
        kind, owned = given["EntityType"], given.get("OwnershipType", "SELF")
        if given["Catalog"] != "AWSMarketplace" or kind not in (_OFFER, _AUTHORIZATION):
            text = "The catalog or the entity type is not known."
            raise Refusal("ValidationException", text, 422)
        mine = by.account == self._vendor.book.management
        found: list[Data] = []
        if mine and (kind, owned) == (_OFFER, "SELF"):
            found = self._offers(_states(given))
        elif mine and (kind, owned) == (_AUTHORIZATION, "SHARED"):
            found = [self._authorization(each) for each in PRODUCTS]
        return page(
            given,
            found,
            "EntitySummaryList",
            lambda each: each,
            most=_MOST,
            bound=f"{kind} {owned} {_states(given)}",
            name="NextToken",
            size_name="MaxResults",
        )

    def _offers(self, states: list[str] | None) -> list[Data]:
        book = self._vendor.book
        sold = [a for a in book.agreements.values() if a.proposer == book.management]
        made = [self._offer(each, "Released") for each in sold]
        made += [self._offer(each, "Draft") for each in sold[:1]]
        return [
            each
            for each in made
            if states is None or each["OfferSummary"]["State"] in states
        ]

    def _offer(self, found: Agreement, state: str) -> Data:
        suffix = found.first.removeprefix("agmt-")
        entity = f"offer-{'d' if state == 'Draft' else ''}{suffix}"
        product = BY_ID[found.product]
        return {
            "Name": f"{product.title} for {found.account}",
            "EntityType": _OFFER,
            "EntityId": entity,
            "EntityArn": self._arn(_OFFER, entity),
            "LastModifiedDate": found.start.strftime(_DAY),
            "Visibility": "Public",
            "OfferSummary": {
                "Name": f"{product.title} for {found.account}",
                "ProductId": product.id,
                "ResaleAuthorizationId": _permission(product),
                "ReleaseDate": found.start.strftime(_DAY),
                "AvailabilityEndDate": found.end.strftime(_DAY),
                "BuyerAccounts": [found.account],
                "State": state,
                "Targeting": ["BuyerAccounts"],
            },
        }

    def _authorization(self, product: Product) -> Data:
        now, entity = self._vendor.clock.now(), _permission(product)
        until = (now + timedelta(days=365)).strftime(_DAY)
        return {
            "Name": product.title,
            "EntityType": _AUTHORIZATION,
            "EntityId": entity,
            "EntityArn": self._arn(_AUTHORIZATION, entity),
            "LastModifiedDate": "2026-01-05T00:00:00Z",
            "Visibility": "Restricted",
            "ResaleAuthorizationSummary": {
                "Name": product.title,
                "ProductId": product.id,
                "ProductName": product.title,
                "ManufacturerAccountId": "999988887777",
                "ManufacturerLegalName": "Simulated Software",
                "ResellerAccountID": self._vendor.book.management,
                "ResellerLegalName": "Reseller",
                "Status": "Active",
                "CreatedDate": "2026-01-05T00:00:00Z",
                "AvailabilityEndDate": until,
            },
        }

    def _arn(self, kind: str, entity: str) -> str:
        owner = self._vendor.book.management
        return (
            f"arn:aws:aws-marketplace:us-east-1:{owner}:AWSMarketplace/{kind}/{entity}"
        )


def _permission(product: Product) -> str:
    return product.id.replace("prod-", "resaleauthz-")


def _states(given: Data) -> list[str] | None:
    wanted: Data = given.get("EntityTypeFilters", {}).get("OfferFilters", {})
    if not wanted:
        return None
    if set(wanted) != {"State"}:
        text = "Filtering offers by anything but their state is not simulated."
        raise Refusal("ValidationException", text, 422)
    return list(wanted["State"]["ValueList"])
