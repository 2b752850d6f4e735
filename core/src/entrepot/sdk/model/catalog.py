"""What a vendor offers, and for how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from entrepot.sdk.model.quick import quick
from entrepot.sdk.model.time import BillingCycle, Term, require_aware


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One way to buy one product: product, SKU, term, billing cycle and segment.

    Attributes:
        key: Stable identity of this way to buy; never contains parts that the
            vendor rotates.
        product_id: The vendor's product id.
        sku: The vendor's SKU, unique across products (product and SKU joined where
            the vendor numbers SKUs within a product).
        name: What the vendor calls it.
        unit_cost: What the reseller pays per unit and billing cycle; None = unknown.
        list_price: The vendor's recommended price per unit and billing cycle.
        min_quantity: Smallest purchasable quantity.
        max_quantity: Largest; None = no limit known.
        purchasable: Whether new orders are accepted.
        part_numbers: Further numbers by which PSA catalogues may know it.
    """

    key: str
    product_id: str
    sku: str
    name: str
    description: str = ""
    term: Term | None = None
    billing_cycle: BillingCycle = BillingCycle.UNKNOWN
    segment: str = ""
    market: str = ""
    currency: str = ""
    unit_cost: Decimal | None = None
    list_price: Decimal | None = None
    min_quantity: Decimal = Decimal(1)
    max_quantity: Decimal | None = None
    unit: str = ""
    is_trial: bool = False
    is_addon: bool = False
    is_usage: bool = False
    purchasable: bool = True
    prerequisite_skus: tuple[str, ...] = ()
    part_numbers: tuple[str, ...] = ()
    publisher: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_aware(self.valid_from, "valid_from")
        require_aware(self.valid_to, "valid_to")
        for name in ("unit_cost", "list_price", "min_quantity", "max_quantity"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Decimal):
                msg = f"{name} must be Decimal"
                raise TypeError(msg)
