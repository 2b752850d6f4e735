"""What can be bought, as offers (reference §1.2; pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from entrepot.sdk.model import BillingCycle, Offer

import entrepot_aws.wire as wire
from entrepot_aws.mapping.accounts import ACCOUNT_SKU, TRANSFER_SKU
from entrepot_aws.mapping.agreements import cycle_of, offer_key, term
from entrepot_aws.mapping.plans import moment
from entrepot_aws.mapping.spelling import amount, facts, utc

PUBLISHER = "Amazon Web Services"


_SUPPORT = {
    # What Partner Central can be asked for; it costs a share of the use (§3.3).
    "resold-enterprise": "AWS Enterprise Support, resold",
    "resold-unified-operations": "AWS Unified Operations, resold",
    "partner-led": "Partner-Led Support",
}


def fixed(*, support: bool = False) -> tuple[Offer, ...]:
    """The plugin's own catalogue: AWS sells these without a price list.

    Args:
        support: With the support plans of Partner Central.
    """
    plans = _SUPPORT if support else {}
    return (
        _fixed(ACCOUNT_SKU, "AWS account", "account"),
        _fixed(TRANSFER_SKU, "AWS billing transfer", "organization"),
        *(
            _fixed(f"aws.support-plan.{key}", name, "organization")
            for key, name in plans.items()
        ),
    )


def own(found: wire.CatalogEntityWire) -> Offer | None:
    """An offer that we made, or a permission to make some; None for anything else.

    Listings tell no prices: those stand in the terms of the agreement.
    """
    offered, allowed = found.offer_summary, found.resale_authorization_summary
    if offered is not None:
        return Offer(
            key=found.entity_id,
            product_id=offered.product_id,
            sku=offered.product_id or found.entity_id,
            name=offered.name or found.name or found.entity_id,
            unit="agreement",
            part_numbers=(found.entity_id,),
            valid_from=moment(offered.release_date),
            valid_to=moment(offered.availability_end_date),
            attributes=facts(
                kind="private offer",
                resale_authorization=offered.resale_authorization_id,
                buyers=", ".join(offered.buyer_accounts),
                replaces=offered.target_agreement_id,
            ),
        )
    if allowed is None:
        return None
    return Offer(
        key=found.entity_id,
        product_id=allowed.product_id,
        sku=allowed.product_id or found.entity_id,
        name=f"{allowed.product_name or allowed.name}: permission to resell",
        unit="agreement",
        purchasable=False,
        publisher=allowed.manufacturer_legal_name,
        valid_from=moment(allowed.created_date),
        valid_to=moment(allowed.availability_end_date),
        attributes=facts(kind="resale authorization", status=allowed.status),
    )


def _fixed(sku: str, name: str, unit: str) -> Offer:
    return Offer(
        key=sku,
        product_id=sku,
        sku=sku,
        name=name,
        billing_cycle=BillingCycle.USAGE,
        unit=unit,
        max_quantity=Decimal(1),
        is_usage=True,
        part_numbers=(sku,),
        publisher=PUBLISHER,
    )


def marketplace(
    product: str, found: wire.PurchaseOptionWire, terms: Iterable[wire.TermWire]
) -> Iterator[Offer]:
    """The ways to buy under one Marketplace offer: duration and dimension (§4.1)."""
    for each in terms:
        upfront = each.configurable_upfront_pricing_term
        for card in upfront.rate_cards if upfront else ():
            for rate in card.rate_card:
                currency = upfront.currency_code if upfront else ""
                yield _rated(product, found, card.selector.value, rate, currency)


def _rated(
    product: str,
    found: wire.PurchaseOptionWire,
    selector: str,
    rate: wire.RateWire,
    currency: str,
) -> Offer:
    entities = found.associated_entities
    offered = entities[0].offer.offer_id if entities else found.purchase_option_id
    named = entities[0].product.product_name if entities else product
    length = term(selector)
    sku = offer_key(product, "", rate.dimension_key)
    return Offer(
        key=offer_key(offered, selector, rate.dimension_key),
        product_id=product,
        sku=sku,
        name=f"{named}: {rate.display_name or rate.dimension_key}",
        term=length,
        billing_cycle=cycle_of(length),
        currency=currency,
        unit_cost=amount(rate.price),
        list_price=amount(rate.price),
        unit=rate.unit,
        part_numbers=(sku,),
        publisher=found.seller_of_record.display_name,
        valid_from=utc(found.available_from_time),
        valid_to=utc(found.expiration_time),
    )
