"""What can be bought, as offers (reference §1.2; pure)."""

from __future__ import annotations

from decimal import Decimal

from entrepot.sdk.model import BillingCycle, Offer

from entrepot_aws.mapping.accounts import ACCOUNT_SKU, TRANSFER_SKU

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
