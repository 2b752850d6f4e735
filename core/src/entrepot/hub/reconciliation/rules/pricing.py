"""Unit costs and unit prices of a key on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from entrepot.hub.reconciliation.rules.books import Books
from entrepot.hub.reconciliation.rules.numbers import money, unit
from entrepot.hub.reconciliation.rules.policy import (
    CostMode,
    CostRule,
    PriceMode,
    PriceRule,
    ProductMapEntry,
)
from entrepot.hub.reconciliation.rules.psa_records import Agreement
from entrepot.hub.reconciliation.rules.records import (
    ONE,
    ZERO,
    Phase,
    VendorSubscription,
)

_HUNDRED = Decimal(100)
CURRENCY = "currency"
CYCLE = "cycle"
_MONTHLY = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one subscription adds to a key on one day, in PSA units."""

    subscription: VendorSubscription
    phase: Phase
    entry: ProductMapEntry
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Unit amounts of a key on a day.

    Attributes:
        price: Two places; None = not managed or not known.
        cost: Four places; None = not managed or not known.
        converted: The cost was converted from another currency.
        problems: `CURRENCY` and `CYCLE`, when they stop price and cost.
        floor: Least margin in percent; None = off.
    """

    price: Decimal | None = None
    cost: Decimal | None = None
    price_managed: bool = False
    converted: bool = False
    problems: frozenset[str] = frozenset()
    floor: Decimal | None = None


def price_rule_for(
    books: Books, company: str, product: str, entries: Sequence[ProductMapEntry]
) -> PriceRule:
    """Customer price list over product rule over the connection's default."""
    named = [
        rule
        for rule in books.policy.prices
        if rule.company in ("", company) and rule.product in ("", product)
    ]
    own = [rule for rule in named if rule.company]
    if own:
        return max(own, key=lambda rule: bool(rule.product))
    for entry in entries:
        if entry.price_rule is not None:
            return entry.price_rule
    if named:
        return max(named, key=lambda rule: bool(rule.product))
    return PriceRule()


def cost_rule_for(books: Books, company: str, product: str) -> CostRule:
    """The most specific cost rule; the vendor's price when there is none."""
    named = [
        rule
        for rule in books.policy.costs
        if rule.company in ("", company) and rule.product in ("", product)
    ]
    if not named:
        return CostRule()
    return max(named, key=lambda rule: (bool(rule.company), bool(rule.product)))


def quote(
    books: Books,
    company: str,
    product: str,
    agreement: Agreement | None,
    parts: Sequence[Contribution],
    day: date,
) -> Quote:
    """Price and cost of a key on a day, weighted over its contributions."""
    if not parts:
        return Quote()
    entries = [part.entry for part in parts]
    costing = cost_rule_for(books, company, product)
    pricing = price_rule_for(books, company, product, entries)
    divisors = [_divisor(part.phase, agreement, costing.spread) for part in parts]
    problems: set[str] = {CYCLE} if None in divisors else set()
    currency = agreement.currency if agreement else parts[0].subscription.currency
    costs = [
        _cost(books, part, divisor or ONE, costing)
        for part, divisor in zip(parts, divisors, strict=True)
    ]
    price = _price(books, pricing, product, currency, parts, costs, divisors)
    managed = pricing.mode is not PriceMode.KEEP and all(
        e.manage_price for e in entries
    )
    if managed and price is None and _foreign(books, pricing, product, currency, parts):
        problems.add(CURRENCY)
    cost, converted = _weighted_cost(books, costing, currency, parts, costs, day)
    if cost is None and costing.mode is not CostMode.KEEP and None not in costs:
        problems.add(CURRENCY)
    shown = all(entry.manage_cost for entry in entries)
    usable = not problems and costing.mode is not CostMode.KEEP and shown
    return Quote(
        price=price if managed and not problems else None,
        cost=cost if usable else None,
        price_managed=managed,
        converted=converted,
        problems=frozenset(problems),
        floor=pricing.floor,
    )


def _divisor(phase: Phase, agreement: Agreement | None, spread: int) -> Decimal | None:
    """Agreement cycles in one vendor charge; None = they do not fit together."""
    bought = phase.billing_cycle.months
    billed = agreement.billing_cycle.months if agreement else _MONTHLY
    if bought is None or billed is None:
        same = agreement is not None and phase.billing_cycle is agreement.billing_cycle
        return ONE if same else None
    if bought == billed:
        return ONE
    if agreement is None or (spread and billed * spread == bought):
        return Decimal(bought) / Decimal(billed)
    return None


def _cost(
    books: Books, part: Contribution, divisor: Decimal, rule: CostRule
) -> Decimal | None:
    """Exact cost of one PSA unit and agreement cycle, in the vendor's currency."""
    if rule.mode is CostMode.FIXED:
        return rule.value
    vendor = part.phase.unit_cost
    if rule.mode is CostMode.VENDOR_INVOICE:
        for line in books.invoices.get(part.subscription.id, ()):
            if not line.refund and line.unit_cost is not None:
                vendor = line.unit_cost
    if vendor is None:
        return None
    return vendor / divisor / part.entry.factor


def _weighted_cost(
    books: Books,
    rule: CostRule,
    currency: str,
    parts: Sequence[Contribution],
    costs: Sequence[Decimal | None],
    day: date,
) -> tuple[Decimal | None, bool]:
    own: list[tuple[Decimal, Decimal]] = []
    converted = False
    for part, cost in zip(parts, costs, strict=True):
        if cost is None:
            return None, False
        source = part.subscription.currency
        if source != currency and rule.mode is not CostMode.FIXED:
            rate = _rate(books, source, currency, day)
            if rate is None:
                return None, False
            cost, converted = cost * rate, True
        own.append((part.quantity, cost))
    return unit(_average(own)), converted


def _average(weighted: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    total = sum((quantity for quantity, _ in weighted), ZERO)
    if total == 0:
        return sum((value for _, value in weighted), ZERO) / len(weighted)
    return sum((quantity * value for quantity, value in weighted), ZERO) / total


def _rate(books: Books, source: str, to: str, day: date) -> Decimal | None:
    known = [
        rate
        for rate in books.policy.fx
        if rate.source == source and rate.to == to and rate.dated <= day
    ]
    return max(known, key=lambda rate: rate.dated).rate if known else None


def _price(
    books: Books,
    rule: PriceRule,
    product: str,
    currency: str,
    parts: Sequence[Contribution],
    costs: Sequence[Decimal | None],
    divisors: Sequence[Decimal | None],
) -> Decimal | None:
    if _foreign(books, rule, product, currency, parts):
        return None
    if rule.mode is PriceMode.FIXED:
        return money(rule.value)
    if rule.mode is PriceMode.CATALOG:
        item = books.catalogue.get(product)
        return None if item is None or item.price is None else money(item.price)
    if rule.mode is PriceMode.VENDOR_LIST:
        basis = _list_price(parts, divisors)
        return None if basis is None else money(basis)
    known = [
        (part.quantity, cost)
        for part, cost in zip(parts, costs, strict=True)
        if cost is not None
    ]
    if rule.mode is PriceMode.KEEP or len(known) < len(parts):
        return None
    return money(_on_cost(rule, _average(known)))


def _on_cost(rule: PriceRule, cost: Decimal) -> Decimal:
    if rule.mode is PriceMode.MARGIN:
        return cost / (ONE - rule.value / _HUNDRED)
    return cost * (ONE + rule.value / _HUNDRED)


def _list_price(
    parts: Sequence[Contribution], divisors: Sequence[Decimal | None]
) -> Decimal | None:
    weighted: list[tuple[Decimal, Decimal]] = []
    for part, divisor in zip(parts, divisors, strict=True):
        if part.phase.list_price is None:
            return None
        share = part.phase.list_price / (divisor or ONE) / part.entry.factor
        weighted.append((part.quantity, share))
    return _average(weighted)


def _foreign(
    books: Books,
    rule: PriceRule,
    product: str,
    currency: str,
    parts: Sequence[Contribution],
) -> bool:
    """Whether the price exists in another currency only: it is never converted."""
    if rule.mode is PriceMode.KEEP:
        return False
    if rule.mode is PriceMode.FIXED:
        return rule.currency not in ("", currency)
    if rule.mode is PriceMode.CATALOG:
        item = books.catalogue.get(product)
        return item is not None and item.currency not in ("", currency)
    return any(part.subscription.currency != currency for part in parts)
