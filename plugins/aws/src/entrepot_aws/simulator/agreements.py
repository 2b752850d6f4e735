"""Marketplace agreements and offers, Savings Plans (§3.7, §4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request

from entrepot_aws.simulator.catalog import (
    BY_ID,
    BY_OFFER,
    OFFERINGS,
    SELECTORS,
    SELLER,
    YEAR,
    Offering,
    Product,
)
from entrepot_aws.simulator.codec import Data, Refusal
from entrepot_aws.simulator.instalments import instalments, value_of
from entrepot_aws.simulator.keys import Caller
from entrepot_aws.simulator.paging import page
from entrepot_aws.simulator.state import Agreement, Plan

if TYPE_CHECKING:
    from entrepot_aws.simulator.app import AwsSimulator

_MOST = 50
SELLER_ACCOUNT = "999988887777"
# What an acceptor may combine with its party and the agreement's kind (§4.2).
_WITH = frozenset(
    ["ResourceIdentifier", "OfferId", "OfferSetId", "ResourceType", "Status", "EndTime"]
)


class AgreementsApi:
    """Endpoints of three services. Called under the simulator's lock."""

    def __init__(self, vendor: AwsSimulator) -> None:
        self._vendor = vendor
        served: dict[tuple[str, str], Callable[..., Data]] = {
            ("marketplace-agreement", "SearchAgreements"): self.search,
            ("marketplace-agreement", "DescribeAgreement"): self.describe,
            ("marketplace-agreement", "GetAgreementTerms"): self.terms,
            ("marketplace-agreement", "ListAgreementCharges"): self.charges,
            ("savingsplans", "DescribeSavingsPlans"): self.plans,
            ("savingsplans", "DescribeSavingsPlansOfferings"): self.offerings,
            ("marketplace-discovery", "ListPurchaseOptions"): self.options,
            ("marketplace-discovery", "GetOfferTerms"): self.offer_terms,
        }
        for (service, name), operation in served.items():
            vendor.serve_operation(service, name, operation)

    # Agreements

    def search(self, given: Data, request: Request, by: Caller) -> Data:
        """Agreements of the caller as one of the parties."""
        del request
        wanted = _filters(given)
        _fitting(wanted)
        book = self._vendor.book
        if wanted.get("PartyType") == "Proposer":
            every = book.agreements.values()
            mine = [each for each in every if each.proposer == by.account]
        else:
            ids = book.bought.get(by.account, [])
            mine = [book.agreements[each] for each in ids]
        if "Status" in wanted:
            mine = [each for each in mine if each.status == wanted["Status"]]
        bound = f"{by.account} {sorted(wanted.items())}"
        return page(
            given,
            mine,
            "agreementViewSummaries",
            self._summary,
            most=_MOST,
            bound=bound,
        )

    def describe(self, given: Data, request: Request, by: Caller) -> Data:
        """One agreement."""
        del request
        found = self._found(given["agreementId"], by)
        shown = self._summary(found)
        for listed in ("lastUpdateTime", "endTimeBehaviorType"):
            shown.pop(listed, None)
        shown["estimatedCharges"] = {
            "currencyCode": "USD",
            "agreementValue": f"{value_of(found)}",
        }
        shown["endTimeBehavior"] = {"type": "RENEW" if found.renews else "EXPIRE"}
        return shown

    def terms(self, given: Data, request: Request, by: Caller) -> Data:
        """The accepted terms with the buyer's choice."""
        del request
        found = self._found(given["agreementId"], by)
        bought = _pricing(BY_ID[found.product], found)
        bought["configuration"] = {
            "selectorValue": found.selector,
            "dimensions": [
                {"dimensionKey": key, "dimensionValue": count}
                for key, count in found.quantities.items()
            ],
        }
        legal = {"type": "LegalTerm", "id": "term-legal", "documents": []}
        renewal = {
            "type": "RenewalTerm",
            "id": "term-renewal",
            "configuration": {"enableAutoRenew": found.renews},
        }
        items = [
            {"legalTerm": legal},
            {"configurableUpfrontPricingTerm": bought},
            {"renewalTerm": renewal},
        ]
        return page(
            given,
            items,
            "acceptedTerms",
            lambda each: each,
            most=_MOST,
            bound=found.id,
        )

    def charges(self, given: Data, request: Request, by: Caller) -> Data:
        """What the caller's agreements ask for; a seller is refused (§4.2)."""
        del request
        named = given.get("agreementId")
        mine = self._vendor.book.bought.get(by.account, [])
        if named is not None:
            if self._found(named, by).account != by.account:
                text = "Only the acceptor may list an agreement's charges."
                raise Refusal(
                    "AccessDeniedException", text, 403, reason="INVALID_ACCESS"
                )
            mine = [named]
        every = (self._vendor.book.agreements[each] for each in mine)
        items = [shown for each in every for shown in instalments(each)]
        return page(
            given,
            items,
            "items",
            lambda each: {
                "id": each.id,
                "revision": 1,
                "agreementId": each.agreement,
                "agreementType": "PurchaseAgreement",
                "currencyCode": "USD",
                "amount": f"{each.amount}",
                "time": each.at,
            },
            most=_MOST,
            bound=f"{by.account} {named}",
        )

    # Savings Plans

    def plans(self, given: Data, request: Request, by: Caller) -> Data:
        """Savings Plans of the caller's account."""
        del request
        mine = self._vendor.book.plans.get(by.account, [])
        if given.get("states"):
            mine = [each for each in mine if each.state in given["states"]]
        bound = by.account
        return page(given, mine, "savingsPlans", _plan, most=1000, bound=bound)

    def offerings(self, given: Data, request: Request, by: Caller) -> Data:
        """Savings Plans that can be bought."""
        del request, by
        kinds = given.get("planTypes") or []
        every = [each for each in OFFERINGS if not kinds or each.kind in kinds]
        return page(given, every, "searchResults", _offering, most=1000)

    # Offers

    def options(self, given: Data, request: Request, by: Caller) -> Data:
        """Purchase options of a product."""
        del request, by
        wanted = {each["filterType"]: each["filterValues"] for each in given["filters"]}
        if not wanted.keys() & {"PRODUCT_ID", "VISIBILITY_SCOPE"}:
            text = "PRODUCT_ID or VISIBILITY_SCOPE must be present."
            raise Refusal("ValidationException", text)
        products = [BY_ID[p] for p in wanted.get("PRODUCT_ID", ()) if p in BY_ID]
        return page(given, products, "purchaseOptions", _option, most=100)

    def offer_terms(self, given: Data, request: Request, by: Caller) -> Data:
        """Terms of an offer."""
        del request, by
        found = BY_OFFER.get(given["offerId"])
        if found is None:
            raise Refusal("ResourceNotFoundException", "No such offer.", 404)
        items = [{"configurableUpfrontPricingTerm": _pricing(found, None)}]
        return page(given, items, "offerTerms", lambda each: each, most=25)

    # Helpers

    def _found(self, agreement: str, by: Caller) -> Agreement:
        found = self._vendor.book.agreements.get(agreement)
        if found is None or by.account not in (found.account, found.proposer):
            raise Refusal(
                "ResourceNotFoundException",
                "No such agreement.",
                404,
                resourceId=agreement,
                resourceType="Agreement",
            )
        return found

    def _summary(self, found: Agreement) -> Data:
        return {
            "agreementId": found.id,
            "initialAgreementId": found.first,
            "acceptanceTime": found.start,
            "startTime": found.start,
            "endTime": found.end,
            "lastUpdateTime": found.updated or found.start,
            "agreementType": "PurchaseAgreement",
            "acceptor": {"accountId": found.account},
            "proposer": {"accountId": found.proposer or SELLER_ACCOUNT},
            "proposalSummary": {
                "resources": [{"id": found.product, "type": "SaaSProduct"}],
                "offerId": BY_ID[found.product].offer,
            },
            "status": found.status,
            "endTimeBehaviorType": "RENEW" if found.renews else "EXPIRE",
        }


def _filters(given: Data) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given.get("filters", []):
        if len(each.get("values", [])) != 1:
            text = "A filter takes exactly one value."
            raise Refusal("ValidationException", text, reason="UNSUPPORTED_FILTERS")
        found[each["name"]] = each["values"][0]
    return found


def _fitting(wanted: dict[str, str]) -> None:
    """Refuse combinations that the real service refuses (T07)."""
    others = wanted.keys() - {"PartyType", "AgreementType"}
    named = {name.removeprefix("Before").removeprefix("After") for name in others}
    plain = "AgreementType" in wanted and "PartyType" in wanted
    if plain and (wanted["PartyType"] == "Proposer" or named <= _WITH):
        return
    text = "The combination of filters is not supported."
    raise Refusal("ValidationException", text, reason="UNSUPPORTED_FILTERS")


def _pricing(product: Product, found: Agreement | None) -> Data:
    factor = found.price if found else 1
    return {
        "type": "ConfigurableUpfrontPricingTerm",
        "id": "term-price",
        "currencyCode": "USD",
        "rateCards": [
            {
                "selector": {"type": "Duration", "value": selector},
                "constraints": {
                    "multipleDimensionSelection": "Allowed",
                    "quantityConfiguration": "Allowed",
                },
                "rateCard": [
                    {
                        "dimensionKey": each.key,
                        "price": f"{each.price(selector) * factor}",
                        **(
                            {"displayName": each.title, "unit": "Units"}
                            if found is None
                            else {}
                        ),
                    }
                    for each in product.dimensions
                ],
            }
            for selector in SELECTORS
        ],
    }


def _option(product: Product) -> Data:
    named = {"productId": product.id, "productName": product.title}
    return {
        "purchaseOptionId": product.offer,
        "catalog": "AWSMarketplace",
        "purchaseOptionType": "OFFER",
        "sellerOfRecord": SELLER,
        "associatedEntities": [
            {
                "product": {**named, "manufacturer": SELLER},
                "offer": {"offerId": product.offer, "sellerOfRecord": SELLER},
            }
        ],
    }


def plan_arn(found: Plan) -> str:
    """ARN of a Savings Plan."""
    return f"arn:aws:savingsplans::{found.account}:savingsplan/{found.id}"


def _plan(found: Plan) -> Data:
    offering = OFFERINGS[found.kind]
    return {
        "offeringId": offering.id,
        "savingsPlanId": found.id,
        "savingsPlanArn": plan_arn(found),
        "description": f"{offering.years} year {offering.payment} {offering.kind}",
        "start": _text(found.start),
        "end": _text(found.end),
        "state": found.state,
        "savingsPlanType": offering.kind,
        "paymentOption": offering.payment,
        "productTypes": ["EC2", "Fargate", "Lambda"],
        "currency": "USD",
        "commitment": f"{found.commitment}",
        "upfrontPaymentAmount": "0.0",
        "recurringPaymentAmount": f"{found.commitment}",
        "termDurationInSeconds": offering.years * YEAR,
        "returnableUntil": _text(found.start),
    }


def _offering(found: Offering) -> Data:
    return {
        "offeringId": found.id,
        "productTypes": ["EC2", "Fargate", "Lambda"],
        "planType": found.kind,
        "description": f"{found.years} year {found.payment} {found.kind} Savings Plan",
        "paymentOption": found.payment,
        "durationSeconds": found.years * YEAR,
        "currency": "USD",
        "properties": [],
    }


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
