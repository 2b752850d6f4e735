"""Marketplace agreements as subscriptions (reference §4.2, §6.1, §7; pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from entrepot.sdk.model import (
    BillingCycle,
    ScheduledChange,
    ScheduledKind,
    Subscription,
    SubscriptionStatus,
    Term,
)

import entrepot_aws.wire as wire
from entrepot_aws.mapping.spelling import amount, facts, utc

_STATES = {
    "ACTIVE": SubscriptionStatus.ACTIVE,
    **dict.fromkeys(
        (
            "CANCELLED",
            "TERMINATED",
            "EXPIRED",
            "ARCHIVED",
            "RENEWED",
            "REPLACED",
            "SUPERSEDED",
            "ROLLED_BACK",
        ),
        SubscriptionStatus.ENDED,
    ),
}
_FOLLOWED = frozenset({"RENEWED", "REPLACED", "SUPERSEDED"})
_CYCLES = {
    1: BillingCycle.MONTHLY,
    3: BillingCycle.QUARTERLY,
    6: BillingCycle.SEMIANNUAL,
    12: BillingCycle.ANNUAL,
    24: BillingCycle.BIENNIAL,
    36: BillingCycle.TRIENNIAL,
}


def current(found: Iterable[wire.AgreementWire]) -> list[wire.AgreementWire]:
    """One agreement per chain: renewals and replacements follow one another (T06).

    The chain is named by the first agreement's id; its last one tells the state.
    """
    last: dict[str, wire.AgreementWire] = {}
    for each in found:
        key = key_of(each)
        if key not in last or _order(each) > _order(last[key]):
            last[key] = each
    return [last[key] for key in sorted(last)]


def key_of(found: wire.AgreementWire) -> str:
    """The id that stays through renewals and replacements."""
    return found.initial_agreement_id or found.agreement_id


def _order(found: wire.AgreementWire) -> tuple[bool, float, float, str]:
    start, accepted = found.start_time, found.acceptance_time
    return (
        found.status not in _FOLLOWED,
        start.timestamp() if start else 0.0,
        accepted.timestamp() if accepted else 0.0,
        found.agreement_id,
    )


def subscriptions(
    found: wire.AgreementWire,
    terms: Sequence[wire.TermWire],
    customer_id: str,
    now: datetime,
) -> list[Subscription]:
    """One subscription per bought dimension; one for an agreement without any."""
    bought = next(
        (
            t.configurable_upfront_pricing_term
            for t in terms
            if t.configurable_upfront_pricing_term is not None
        ),
        None,
    )
    choice = bought.configuration if bought else None
    if bought is None or choice is None or not choice.dimensions:
        return [_whole(found, terms, customer_id, now)]
    return [
        _dimension(found, terms, bought, choice, each, customer_id, now)
        for each in choice.dimensions
    ]


def _dimension(
    found: wire.AgreementWire,
    terms: Sequence[wire.TermWire],
    bought: wire.PricingTermWire,
    choice: wire.ChoiceWire,
    each: wire.DimensionWire,
    customer_id: str,
    now: datetime,
) -> Subscription:
    rate = _rate(bought, choice.selector_value, each.dimension_key)
    length = term(choice.selector_value)
    return _made(
        found,
        customer_id,
        now,
        vendor_id=f"{key_of(found)}/{each.dimension_key}",
        sku=offer_key(_product(found), "", each.dimension_key),
        offer=offer_key(
            found.proposal_summary.offer_id, choice.selector_value, each.dimension_key
        ),
        name=(rate.display_name if rate else "") or each.dimension_key,
        quantity=Decimal(each.dimension_value),
        price=amount(rate.price) if rate else None,
        currency=bought.currency_code,
        length=length,
        cycle=cycle_of(length),
        renews=_renews(terms),
        unit=rate.unit if rate else "",
    )


def _whole(
    found: wire.AgreementWire,
    terms: Sequence[wire.TermWire],
    customer_id: str,
    now: datetime,
) -> Subscription:
    """An agreement without chosen quantities: fixed price, usage or a free trial."""
    fixed = next((t.fixed_upfront_pricing_term for t in terms), None)
    monthly = next(
        (t.recurring_payment_term for t in terms if t.recurring_payment_term), None
    )
    priced = monthly or fixed
    usage = any(t.usage_based_pricing_term for t in terms)
    cycle = BillingCycle.USAGE if usage else BillingCycle.ONE_TIME
    return _made(
        found,
        customer_id,
        now,
        vendor_id=key_of(found),
        sku=_product(found),
        offer=found.proposal_summary.offer_id,
        name=_product(found),
        quantity=Decimal(1),
        price=amount(priced.price) if priced else None,
        currency=priced.currency_code if priced else "",
        length=term(fixed.duration) if fixed else None,
        cycle=BillingCycle.MONTHLY if monthly else cycle,
        renews=_renews(terms),
        unit="agreement",
    )


def _made(
    found: wire.AgreementWire,
    customer_id: str,
    now: datetime,
    *,
    vendor_id: str,
    sku: str,
    offer: str,
    name: str,
    quantity: Decimal,
    price: Decimal | None,
    currency: str,
    length: Term | None,
    cycle: BillingCycle,
    renews: bool | None,
    unit: str,
) -> Subscription:
    status = _STATES.get(found.status, SubscriptionStatus.UNKNOWN)
    start, end = utc(found.start_time), utc(found.end_time)
    if status is SubscriptionStatus.ACTIVE and start is not None and start > now:
        status = SubscriptionStatus.PENDING
    active = status is SubscriptionStatus.ACTIVE
    ends = active and end is not None and renews is not True
    return Subscription(
        vendor_id=vendor_id,
        customer_id=customer_id,
        sku=sku,
        product_id=_product(found),
        offer_key=offer,
        name=name,
        quantity=quantity,
        unit=unit,
        status=status,
        vendor_status=found.status,
        billed=active,
        term=length,
        billing_cycle=cycle,
        currency=currency,
        unit_cost=price,
        started_at=start,
        term_start=start,
        term_end=end,
        ended_at=end if status is SubscriptionStatus.ENDED else None,
        auto_renew=renews,
        scheduled=(
            (ScheduledChange(kind=ScheduledKind.END, effective_at=end),) if ends else ()
        ),
        order_id=found.agreement_id,
        changed_at=utc(found.last_update_time),
        attributes=facts(
            agreement=found.agreement_id,
            acceptor=found.acceptor.account_id,
            proposer=found.proposer.account_id,
            at_the_end=found.end_time_behavior_type,
        ),
    )


def offer_key(head: str, selector: str, dimension: str) -> str:
    """Identity of a way to buy: offer, duration and dimension (§7)."""
    return "|".join(part for part in (head, selector, dimension) if part)


def term(text: str) -> Term | None:
    """A duration, whole years in years; None for nothing and for one in hours."""
    try:
        found = Term(text.strip().upper())
    except ValueError:
        return None
    years, rest = divmod(found.months, 12)
    return Term(f"P{years}Y") if years and not rest else found


def cycle_of(length: Term | None) -> BillingCycle:
    """Upfront prices are paid once per duration."""
    return _CYCLES.get(length.months if length else 0, BillingCycle.ONE_TIME)


def _product(found: wire.AgreementWire) -> str:
    resources = found.proposal_summary.resources
    return resources[0].id if resources else found.proposal_summary.offer_id


def _rate(
    bought: wire.PricingTermWire, selector: str, dimension: str
) -> wire.RateWire | None:
    for card in bought.rate_cards:
        if card.selector.value in ("", selector):
            for rate in card.rate_card:
                if rate.dimension_key == dimension:
                    return rate
    return None


def _renews(terms: Iterable[wire.TermWire]) -> bool | None:
    for each in terms:
        if each.renewal_term is not None:
            choice = each.renewal_term.configuration
            return None if choice is None else choice.enable_auto_renew
    return None
