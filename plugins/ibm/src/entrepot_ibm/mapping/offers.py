"""Plans of the catalogue with their prices: track C (§4.5; pure)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from entrepot.sdk.model import BillingCycle, Offer

import entrepot_ibm.wire as wire
from entrepot_ibm.mapping.spelling import moment, tidy

_LINEAR = "linear tier"
_HUNDRED = Decimal(100)
_NOT_SOLD = ("free", "trial")


def plan_offer(
    service: wire.EntryWire,
    plan: wire.EntryWire,
    pricing: wire.PricingWire | None,
    country: str,
    currency: str,
    discount: Decimal | None,
    *,
    key: str = "",
) -> Offer:
    """A plan; with a price only where it has one metric at one price.

    Plans with several metrics or tiers keep them as attributes: one number would be
    wrong for them.
    """
    metrics = (pricing.metrics if pricing else None) or []
    price = _only_price(metrics, country, currency)
    kind = (pricing.type if pricing else "").lower()
    orderable, why_not = _orderable(service, plan)
    return Offer(
        key=key or plan.id,
        product_id=service.id,
        sku=plan.id,
        name=f"{_display(service)} {_display(plan)}",
        description=_text(plan) or _text(service),
        billing_cycle=BillingCycle.USAGE,
        market=country,
        currency=currency if price is not None else "",
        unit_cost=_after(price, discount),
        list_price=price,
        unit=_unit(metrics[0]) if len(metrics) == 1 else "",
        is_trial=kind in _NOT_SOLD,
        is_usage=True,
        purchasable=orderable,
        part_numbers=tuple(dict.fromkeys(m.part_ref for m in metrics if m.part_ref)),
        publisher=str((service.provider or {}).get("name") or "IBM"),
        valid_from=moment(pricing.effective_from) if pricing else None,
        valid_to=moment(pricing.effective_until) if pricing else None,
        attributes={
            "track": "C",
            "pricing": kind or "unknown",
            "ordering": "api" if orderable else "none",
            "actions": _actions(service, orderable),
            **({} if orderable else {"ordering_note": why_not}),
            **dict(_metric_facts(metrics, country, currency)),
        },
    )


def _orderable(service: wire.EntryWire, plan: wire.EntryWire) -> tuple[bool, str]:
    """Whether the plan can be ordered, and why not (§4.5)."""
    meta, own = plan.metadata, service.metadata
    rules = own.service if own else None
    if not plan.active or plan.disabled:
        return False, "The plan is not open for new instances."
    if not service.active or service.disabled:
        return False, "The service is not open for new instances."
    if meta is not None and meta.rc_compatible is False:
        return False, "The plan is not made by the resource controller."
    if rules is not None and rules.rc_provisionable is False:
        return False, "The service is not made by the resource controller."
    return True, ""


def _actions(service: wire.EntryWire, orderable: bool) -> str:
    rules = service.metadata.service if service.metadata else None
    found = ["order"] if orderable else []
    if rules is not None and rules.plan_updateable:
        found.append("change_plan")
    return ", ".join([*found, "rename", "cancel"])


def _only_price(
    metrics: list[wire.PriceMetricWire], country: str, currency: str
) -> Decimal | None:
    if len(metrics) != 1:
        return None
    tiers = _tiers(metrics[0], country, currency)
    linear = metrics[0].tier_model.lower() in (_LINEAR, "")
    prices = [tier.price for tier in tiers if tier.price is not None]
    return tidy(prices[0]) if len(prices) == 1 and linear else None


def _tiers(
    metric: wire.PriceMetricWire, country: str, currency: str
) -> list[wire.PriceWire]:
    """Prices of the wanted country and currency; the currency alone will do (T22).

    Another country's price is taken only when no other holds this currency, since
    the vendor's country codes are not always right.
    """
    fits = [a for a in metric.amounts or () if a.currency.upper() == currency]
    exact = [a for a in fits if a.country.upper() == country]
    if exact:
        return exact[0].prices or []
    return (fits[0].prices or []) if len(fits) == 1 else []


def _metric_facts(
    metrics: list[wire.PriceMetricWire], country: str, currency: str
) -> Iterator[tuple[str, str]]:
    for metric in metrics:
        name = metric.metric_id or metric.charge_unit_name or metric.part_ref
        tiers = [
            f"{tidy(tier.price):f} {currency} up to {tier.quantity_tier or 'any'}"
            for tier in _tiers(metric, country, currency)
            if tier.price is not None
        ]
        if tiers:
            model = metric.tier_model or "unknown tiers"
            yield f"price.{name}", f"{'; '.join(tiers)} per {_unit(metric)} ({model})"


def _unit(metric: wire.PriceMetricWire) -> str:
    return metric.charge_unit_display_name or metric.charge_unit or "unit"


def _after(price: Decimal | None, discount: Decimal | None) -> Decimal | None:
    if price is None or discount is None:
        return None
    return tidy(price * (_HUNDRED - discount) / _HUNDRED)


def _display(entry: wire.EntryWire) -> str:
    return _language(entry).display_name or entry.name or entry.id


def _text(entry: wire.EntryWire) -> str:
    return _language(entry).description


def _language(entry: wire.EntryWire) -> wire.DisplayWire:
    texts = entry.overview_ui or {}
    return texts.get("en") or next(iter(texts.values()), wire.DisplayWire())
