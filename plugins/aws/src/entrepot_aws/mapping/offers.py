"""What can be bought, as offers (reference §1.2; pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from entrepot.sdk.model import BillingCycle, Offer

import entrepot_aws.wire as wire
from entrepot_aws.mapping.accounts import ACCOUNT_SKU, TRANSFER_SKU
from entrepot_aws.mapping.agreements import cycle_of, offer_key, term
from entrepot_aws.mapping.spelling import amount, utc

PUBLISHER = "Amazon Web Services"


def fixed() -> tuple[Offer, ...]:
    """The plugin's own catalogue: AWS sells these without a price list."""
    return (
        _fixed(ACCOUNT_SKU, "AWS account", "account"),
        _fixed(TRANSFER_SKU, "AWS billing transfer", "organization"),
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
