"""Cloud Channel: products, SKUs, offers and prices (reference §3.2, §5)."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from entrepot_google.wire.base import Number, Wire


class MoneyWire(Wire):
    """An amount; both parts have the same sign, units are left out for 0."""

    currency_code: str = ""
    units: Number = 0
    nanos: int = 0


class PeriodWire(Wire):
    """A length of time."""

    duration: int = 0
    period_type: str = ""


class PriceWire(Wire):
    """A price per resource and period."""

    base_price: MoneyWire | None = None
    effective_price: MoneyWire | None = None
    price_period: PeriodWire | None = None


class PriceTier(Wire):
    """A price from one number of seats to another."""

    first_resource: int = 0
    last_resource: int = 0
    price: PriceWire | None = None


class PricePhase(Wire):
    """A price for some periods after the start."""

    first_period: int = 0
    last_period: int = 0
    price: PriceWire | None = None
    price_tiers: tuple[PriceTier, ...] = ()


class PriceByResource(Wire):
    """The price of one kind of resource."""

    resource_type: str = ""
    price: PriceWire | None = None
    price_phases: tuple[PricePhase, ...] = ()


class MarketingInfo(Wire):
    """Name and text for people; the text may be HTML."""

    display_name: str = ""
    description: str = ""


class ProductWire(Wire):
    """A product."""

    name: str = ""
    marketing_info: MarketingInfo | None = None


class SkuWire(Wire):
    """A SKU with its product."""

    name: str = ""
    marketing_info: MarketingInfo | None = None
    product: ProductWire | None = None


class PlanWire(Wire):
    """How an offer is paid."""

    payment_plan: str = ""
    payment_type: str = ""
    payment_cycle: PeriodWire | None = None
    trial_period: PeriodWire | None = None
    billing_account: str = ""


class ValueWire(Wire):
    """A parameter's value, one of these."""

    int64_value: Number | None = msgspec.field(default=None, name="int64Value")
    string_value: str | None = None
    double_value: Decimal | None = None
    bool_value: bool | None = None


class ParameterDefinition(Wire):
    """What may be chosen in an order."""

    name: str = ""
    min_value: ValueWire | None = None
    max_value: ValueWire | None = None


class CustomerConstraints(Wire):
    """Who may buy an offer."""

    allowed_regions: tuple[str, ...] = ()
    allowed_customer_types: tuple[str, ...] = ()
    promotional_order_types: tuple[str, ...] = ()


class Constraints(Wire):
    """Limits of an offer."""

    customer_constraints: CustomerConstraints | None = None


class OfferWire(Wire):
    """An offer: a SKU, a plan and prices."""

    name: str
    sku: SkuWire | None = None
    plan: PlanWire | None = None
    marketing_info: MarketingInfo | None = None
    constraints: Constraints | None = None
    price_by_resources: tuple[PriceByResource, ...] = ()
    parameter_definitions: tuple[ParameterDefinition, ...] = ()
    start_time: str = ""
    end_time: str = ""
    deal_code: str = ""


class OffersPage(Wire):
    """A page of offers."""

    offers: tuple[OfferWire, ...] = ()
    next_page_token: str = ""


class PurchasableOffer(Wire):
    """An offer with the caller's prices for one customer."""

    offer: OfferWire
    price_reference_id: str = ""


class PurchasableOffersPage(Wire):
    """A page of purchasable offers."""

    purchasable_offers: tuple[PurchasableOffer, ...] = ()
    next_page_token: str = ""


OFFER = msgspec.json.Decoder(OfferWire)
OFFERS = msgspec.json.Decoder(OffersPage)
PURCHASABLE = msgspec.json.Decoder(PurchasableOffersPage)
