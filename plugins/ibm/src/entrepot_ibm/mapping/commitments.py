"""Billing options with their credit as subscriptions: track P (§4.3, §4.8; pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from entrepot.sdk.model import BillingCycle, Subscription, SubscriptionStatus

import entrepot_ibm.wire as wire
from entrepot_ibm.mapping.spelling import currency, end_moment, moment, term, tidy

_STATE = {
    "ACTIVE": SubscriptionStatus.ACTIVE,
    "SUSPENDED": SubscriptionStatus.SUSPENDED,
    "CANCELED": SubscriptionStatus.ENDED,
    "CANCELLED": SubscriptionStatus.ENDED,
}
_NAMES = {
    "PLATFORM": "IBM Cloud Platform",
    "SUPPORT": "IBM Cloud Support",
    "SERVICE": "IBM Cloud Service",
}


def commitments(
    options: Iterable[wire.OptionWire],
    pools: Sequence[wire.PoolWire],
    customer_id: str,
    now: datetime,
    *,
    names: dict[str, str] | None = None,
    fallback_currency: str = "",
) -> list[Subscription]:
    """One subscription per billing option; the last row of an id counts.

    A billing option is listed once per month of query; its identity is the id (§7).
    """
    latest = {option.id: option for option in options}
    return [
        commitment(option, pools, customer_id, now, names or {}, fallback_currency)
        for option in latest.values()
    ]


def commitment(
    option: wire.OptionWire,
    pools: Sequence[wire.PoolWire],
    customer_id: str,
    now: datetime,
    names: dict[str, str],
    fallback_currency: str = "",
) -> Subscription:
    """A commitment; what it costs a month, where the vendor says so."""
    sku = option.part_number or option.catalog_id or option.type or "commitment"
    start, end = moment(option.start_date), end_moment(option.end_date)
    status = _status(option, start, end, now)
    category = option.category.upper()
    money = currency(option.currency_code, fallback_currency)
    amount = (
        tidy(option.monthly_amount)
        if option.monthly_amount is not None and money
        else None
    )
    return Subscription(
        vendor_id=option.id,
        customer_id=customer_id,
        sku=sku,
        name=names.get(sku) or _name(option, category),
        quantity=Decimal(1),
        status=status,
        vendor_status=option.state,
        billed=status in (SubscriptionStatus.ACTIVE, SubscriptionStatus.SUSPENDED),
        product_id=option.catalog_id,
        offer_key=option.part_number,
        term=term(option.duration_in_months),
        billing_cycle=BillingCycle.MONTHLY
        if amount is not None
        else BillingCycle.UNKNOWN,
        currency=money,
        unit_cost=amount,
        unit="commitment",
        started_at=start,
        term_start=start,
        term_end=end,
        ended_at=end if status is SubscriptionStatus.ENDED else None,
        order_id=option.order_id or option.line_item_id,
        vendor_version=option.updated_at or "",
        attributes=_facts(option, pools),
    )


def _status(
    option: wire.OptionWire,
    start: datetime | None,
    end: datetime | None,
    now: datetime,
) -> SubscriptionStatus:
    """ACTIVE may lie in the future or the past (§6.1, T16)."""
    found = _STATE.get(option.state.upper(), SubscriptionStatus.UNKNOWN)
    if found is SubscriptionStatus.UNKNOWN:
        return found
    if end is not None and end <= now:
        return SubscriptionStatus.ENDED
    if found is SubscriptionStatus.ACTIVE and start is not None and start > now:
        return SubscriptionStatus.PENDING
    return found


def _name(option: wire.OptionWire, category: str) -> str:
    kind = _NAMES.get(category, "IBM Cloud commitment")
    return f"{kind} ({option.part_number})" if option.part_number else kind


def _facts(option: wire.OptionWire, pools: Sequence[wire.PoolWire]) -> dict[str, str]:
    given = {
        "track": "P",
        "category": option.category,
        "type": option.type,
        "catalog_id": option.catalog_id,
        "billing_unit": option.billing_unit_id,
        "po_number": option.po_number,
        "subscription_model": option.subscription_model,
        "renewal_mode": option.renewal_mode_code,
        "reseller": option.reseller_name,
        "vendor_errors": "; ".join(str(error) for error in option.errors or ()),
        **_credit(option, pools),
    }
    return {name: value for name, value in given.items() if value}


def _credit(option: wire.OptionWire, pools: Sequence[wire.PoolWire]) -> dict[str, str]:
    """The pool's term that belongs to this option; overage is the pool's (§7)."""
    for pool in pools:
        for credit in pool.term_credits or ():
            if credit.billing_option_id != option.id:
                continue
            overage = pool.overage.cost if pool.overage else None
            return {
                "credit_total": _text(credit.total_credits),
                "credit_starting": _text(credit.starting_balance),
                "credit_used": _text(credit.used_credits),
                "credit_balance": _text(credit.current_balance),
                "credit_until": credit.end_date or "",
                "pool_overage": _text(overage),
            }
    return {}


def _text(value: Decimal | None) -> str:
    return "" if value is None else f"{value:f}"
