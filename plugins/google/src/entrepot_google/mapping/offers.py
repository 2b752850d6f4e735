"""Offers with their plans and prices (reference §3.2, §5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from entrepot.sdk.model import BillingCycle, Offer, Term

from entrepot_google.mapping.skus import workspace_ids
from entrepot_google.mapping.spelling import (
    amount,
    cycle,
    last_part,
    moment,
    months,
    number,
    term_of,
)
from entrepot_google.wire import catalogue as wire

COMMITMENT = "COMMITMENT"
FLEXIBLE = "FLEXIBLE"
FREE = "FREE"
TRIAL = "TRIAL"
_YEAR = 12
_SEATS = ("num_units", "max_units")
_UNITS = {
    "SEAT": "seat",
    "LICENSED_USER": "licensed user",
    "MAU": "monthly active user",
    "GB": "GB",
    "MINUTES": "minute",
    "IAAS_USAGE": "usage",
    "SUBSCRIPTION": "subscription",
}


def sku_of(found: wire.OfferWire) -> str:
    """``product/sku`` of an offer, the opaque ids of the Cloud Channel API."""
    name = found.sku.name if found.sku else ""
    parts = name.split("/")
    return f"{parts[1]}/{parts[3]}" if len(parts) == 4 else name


def name_of(found: wire.OfferWire) -> str:
    """What the vendor calls the SKU."""
    info = found.sku.marketing_info if found.sku else None
    own = found.marketing_info
    return (info.display_name if info else "") or (own.display_name if own else "")


def plan_of(found: wire.OfferWire) -> str:
    """The payment plan's word; a trial period makes an offer a trial (§5.2)."""
    plan = found.plan or wire.PlanWire()
    return plan.payment_plan


def term_of_offer(found: wire.OfferWire) -> Term | None:
    """A commitment's usual length: a year, or the payment cycle if that is longer.

    An offer states no length; what was really agreed stands in the entitlement.
    """
    plan = found.plan or wire.PlanWire()
    if plan.payment_plan != COMMITMENT:
        return None
    return term_of(max(_YEAR, months(plan.payment_cycle) or 0))


def cycle_of(found: wire.OfferWire) -> BillingCycle:
    """The billing cycle; usage for Google Cloud, none for what is free."""
    plan = found.plan or wire.PlanWire()
    if is_usage(found):
        return BillingCycle.USAGE
    if plan.payment_plan in (FREE, TRIAL):
        return BillingCycle.NONE
    return cycle(plan.payment_cycle)


def is_usage(found: wire.OfferWire) -> bool:
    """Whether consumption is billed instead of seats."""
    kinds = {each.resource_type for each in found.price_by_resources}
    return bool(kinds) and kinds <= {"IAAS_USAGE", "MINUTES", "AI_CREDITS"}


def is_trial(found: wire.OfferWire) -> bool:
    """A trial plan, or a paid plan that begins with a trial."""
    plan = found.plan or wire.PlanWire()
    return plan.payment_plan == TRIAL or plan.trial_period is not None


def currency_of(found: wire.OfferWire) -> str:
    """Currency of the offer's prices; empty when it has none."""
    price = price_of(found)
    money = (price.base_price or price.effective_price) if price else None
    return money.currency_code if money else ""


def price_of(found: wire.OfferWire) -> wire.PriceWire | None:
    """The price of one resource; of phases and tiers the first (§5.1)."""
    for resource in found.price_by_resources:
        if resource.price is not None:
            return resource.price
        for phase in resource.price_phases:
            tiers = [tier.price for tier in phase.price_tiers]
            price = phase.price or next(iter(tiers), None)
            if price is not None:
                return price
    return None


def key_of(found: wire.OfferWire) -> str:
    """Identity of a way to buy.

    Offer ids differ per partner and change with each price (§5.1), so SKU, plan,
    cycle and currency name it.
    """
    plan = found.plan or wire.PlanWire()
    parts = [sku_of(found), plan.payment_plan, cycle_of(found).value]
    parts += [currency_of(found), _types(found)]
    if found.deal_code:
        parts.append(found.deal_code)
    if plan.trial_period is not None:
        parts.append("trial")
    return "|".join(parts)


def _types(found: wire.OfferWire) -> str:
    """Who may buy it, where it is not everybody: transfers have offers of their own."""
    limits = found.constraints.customer_constraints if found.constraints else None
    if limits is None:
        return ""
    return "+".join(
        sorted({*limits.allowed_customer_types, *limits.promotional_order_types})
    )


def offer(found: wire.OfferWire, paid: wire.OfferWire | None = None) -> Offer:
    """An offer.

    Args:
        found: As the catalogue lists it, with list prices.
        paid: The same way to buy with the partner's own prices, when they were read.
    """
    sku, plan = sku_of(found), found.plan or wire.PlanWire()
    low, high = _seats(found)
    return Offer(
        key=key_of(found),
        product_id=sku.partition("/")[0],
        sku=sku,
        name=name_of(found) or sku,
        description=_text(found),
        term=term_of_offer(found),
        billing_cycle=cycle_of(found),
        segment=_types(found),
        market=_region(found),
        currency=currency_of(found),
        unit_cost=unit_cost(paid) if paid is not None else unit_cost(found),
        list_price=list_price(found),
        min_quantity=low,
        max_quantity=high,
        unit=_unit(found),
        is_trial=is_trial(found),
        is_usage=is_usage(found),
        purchasable=plan.payment_plan != "OFFLINE",
        part_numbers=part_numbers(sku, name_of(found)),
        publisher="Google",
        valid_from=moment(found.start_time),
        valid_to=moment(found.end_time),
        attributes=_facts(found),
    )


def part_numbers(sku: str, name: str) -> tuple[str, ...]:
    """Numbers under which a PSA catalogue may know the SKU."""
    ids = workspace_ids(name)
    return (sku,) if ids is None else (sku, ids[1])


def unit_cost(found: wire.OfferWire) -> Decimal | None:
    """What the partner pays per unit and billing cycle; None when it is not told.

    The catalogue leaves effective prices out (§5.1); free offers cost nothing.
    """
    if plan_of(found) in (FREE, TRIAL):
        return Decimal(0)
    price = price_of(found)
    effective = price.effective_price if price else None
    return _per_cycle(found, price, effective)


def list_price(found: wire.OfferWire) -> Decimal | None:
    """The vendor's price per unit and billing cycle; None when there is none."""
    price = price_of(found)
    return _per_cycle(found, price, price.base_price if price else None)


def _per_cycle(
    found: wire.OfferWire,
    price: wire.PriceWire | None,
    money: wire.MoneyWire | None,
) -> Decimal | None:
    """An amount per price period as an amount per payment cycle (§5.1)."""
    if price is None or money is None:
        return None
    plan = found.plan or wire.PlanWire()
    billed, priced = months(plan.payment_cycle), months(price.price_period)
    if not billed or not priced:
        return amount(money)
    return amount(money) * billed / priced


def _seats(found: wire.OfferWire) -> tuple[Decimal, Decimal | None]:
    for definition in found.parameter_definitions:
        if definition.name in _SEATS:
            low = definition.min_value.int64_value if definition.min_value else None
            high = definition.max_value.int64_value if definition.max_value else None
            return number(low) or Decimal(1), number(high)
    return Decimal(1), None


def _unit(found: wire.OfferWire) -> str:
    for resource in found.price_by_resources:
        kind = resource.resource_type
        return _UNITS.get(kind, kind.lower().replace("_", " "))
    return ""


def _region(found: wire.OfferWire) -> str:
    limits = found.constraints.customer_constraints if found.constraints else None
    regions = limits.allowed_regions if limits else ()
    return regions[0] if len(regions) == 1 else ""


def _text(found: wire.OfferWire) -> str:
    info = found.sku.marketing_info if found.sku else None
    return info.description if info else ""


def _facts(found: wire.OfferWire) -> dict[str, str]:
    plan = found.plan or wire.PlanWire()
    ids = workspace_ids(name_of(found))
    given = {
        "offer_id": last_part(found.name),
        "payment_plan": plan.payment_plan,
        "payment_type": plan.payment_type,
        "deal_code": found.deal_code,
        "workspace_product": ids[0] if ids else "",
        "workspace_sku": ids[1] if ids else "",
    }
    return {name: value for name, value in given.items() if value}


def newest(found: Iterable[wire.OfferWire]) -> dict[str, wire.OfferWire]:
    """Of each way to buy the offer that began last, in the order of the keys.

    While one offer follows another both are listed (§5.1).
    """
    best: dict[str, wire.OfferWire] = {}
    for each in found:
        key = key_of(each)
        known = best.get(key)
        if known is None or (each.start_time, each.name) > (
            known.start_time,
            known.name,
        ):
            best[key] = each
    return dict(sorted(best.items()))


def offers(
    listed: Mapping[str, wire.OfferWire], paid: Mapping[str, wire.OfferWire]
) -> list[Offer]:
    """All offers; add-on SKUs are known by their names in the catalogue."""
    made = [offer(each, paid.get(key)) for key, each in listed.items()]
    return [replace(each, is_addon=_is_addon(each)) for each in made]


def _is_addon(made: Offer) -> bool:
    product = made.attributes.get("workspace_product", "")
    return product in ("Google-Vault", "101034", "101047", "101043", "101036")
