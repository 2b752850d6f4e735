"""Calls about Marketplace agreements, offers and Savings Plans (§3.7, §4)."""

from __future__ import annotations

from entrepot_aws import wire
from entrepot_aws.calls import Calls, Part, part, read_part
from entrepot_aws.credentials import HOME

ACCEPTOR = "Acceptor"
PROPOSER = "Proposer"
OFFER = "Offer"
AUTHORIZATION = "ResaleAuthorization"
_KIND = {"name": "AgreementType", "values": ["PurchaseAgreement"]}
_MOST = 50
_OFFERINGS = 1000


class AgreementCalls(Calls):
    """What customers bought in the Marketplace or committed to, and what they could."""

    def agreements(self, party: str, account: str = HOME) -> list[wire.AgreementWire]:
        """All agreements in which the account is the party.

        Acceptors cannot search by the time of the last change (§4.2): the whole list
        is read.
        """
        return self.every(
            "agreement-search",
            "marketplace-agreement",
            "search_agreements",
            "agreementViewSummaries",
            wire.AgreementWire,
            token_name="nextToken",  # noqa: S106 - name of a member
            account=account,
            catalog="AWSMarketplace",
            filters=[{"name": "PartyType", "values": [party]}, _KIND],
            maxResults=_MOST,
        )

    def agreement_terms(
        self, agreement: str, account: str = HOME
    ) -> list[wire.TermWire]:
        """The accepted terms with the buyer's choices."""
        return self.every(
            "agreement-terms",
            "marketplace-agreement",
            "get_agreement_terms",
            "acceptedTerms",
            wire.TermWire,
            token_name="nextToken",  # noqa: S106 - name of a member
            account=account,
            agreementId=agreement,
            maxResults=_MOST,
        )

    def agreement_charges(self, account: str = HOME) -> list[wire.AgreementChargeWire]:
        """All charges of an account's agreements; acceptors only (§4.2)."""
        return self.every(
            "agreement-charges",
            "marketplace-agreement",
            "list_agreement_charges",
            "items",
            wire.AgreementChargeWire,
            token_name="nextToken",  # noqa: S106 - name of a member
            account=account,
            catalog="AWSMarketplace",
            agreementType="PurchaseAgreement",
            maxResults=_MOST,
        )

    def savings_plans(self, account: str = HOME) -> list[wire.PlanWire]:
        """All Savings Plans of an account, ended ones included."""
        return self.every(
            "savingsplans",
            "savingsplans",
            "describe_savings_plans",
            "savingsPlans",
            wire.PlanWire,
            token_name="nextToken",  # noqa: S106 - name of a member
            account=account,
            maxResults=_OFFERINGS,
        )

    def plan_offerings(
        self, token: str | None, size: int
    ) -> Part[wire.PlanOfferingWire]:
        """One page of the Savings Plans that can be bought in any region."""
        paged = {} if token is None else {"nextToken": token}
        found = self.call(
            "savingsplans",
            "savingsplans",
            "describe_savings_plans_offerings",
            {"planTypes": ["Compute", "SageMaker", "Database"], "maxResults": size}
            | paged,
        )
        items = found.get("searchResults", ())
        return Part(
            [read_part(item, wire.PlanOfferingWire) for item in items],
            found.get("nextToken") or None,
        )

    def purchase_options(self, product: str) -> list[wire.PurchaseOptionWire]:
        """The offers under which a product can be bought by us."""
        return self.every(
            "discovery",
            "marketplace-discovery",
            "list_purchase_options",
            "purchaseOptions",
            wire.PurchaseOptionWire,
            token_name="nextToken",  # noqa: S106 - name of a member
            filters=[{"filterType": "PRODUCT_ID", "filterValues": [product]}],
        )

    def entities(
        self, kind: str, token: str | None, size: int
    ) -> Part[wire.CatalogEntityWire]:
        """One page of our released offers, or of what we may resell (§4.3)."""
        params: dict[str, object] = {
            "Catalog": "AWSMarketplace",
            "EntityType": kind,
            "MaxResults": max(1, min(size, _MOST)),
        }
        if kind == OFFER:
            released = {"State": {"ValueList": ["Released"]}}
            params["EntityTypeFilters"] = {"OfferFilters": released}
        else:
            params["OwnershipType"] = "SHARED"
        if token is not None:
            params["NextToken"] = token
        found = self.call("catalog", "marketplace-catalog", "list_entities", params)
        return part(found, "EntitySummaryList", wire.CatalogEntityWire)

    def offer_terms(self, offer: str) -> list[wire.TermWire]:
        """Terms of an offer, prices included."""
        return self.every(
            "discovery",
            "marketplace-discovery",
            "get_offer_terms",
            "offerTerms",
            wire.TermWire,
            token_name="nextToken",  # noqa: S106 - name of a member
            offerId=offer,
        )
