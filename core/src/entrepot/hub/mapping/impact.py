"""What a mapping decision would touch, told before it is saved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from entrepot.hub.catalog.price_lists import list_costs
from entrepot.hub.mapping.reading import Sku
from entrepot.hub.mapping.suggesting_products import Coverage
from entrepot.hub.mapping.tables import CustomerMap, ProductMap
from entrepot.hub.mapping.views import CustomerDecision, Impact, ProductDecision
from entrepot.hub.psa.tables import PsaCompany, PsaLine, PsaProductRow
from entrepot.hub.subscriptions.skus import SOLD
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.sdk.model import BillingCycle, Money

_MONTHS: Mapping[str, Decimal] = {
    BillingCycle.MONTHLY: Decimal(1),
    BillingCycle.BIMONTHLY: Decimal(2),
    BillingCycle.QUARTERLY: Decimal(3),
    BillingCycle.SEMIANNUAL: Decimal(6),
    BillingCycle.ANNUAL: Decimal(12),
    BillingCycle.BIENNIAL: Decimal(24),
    BillingCycle.TRIENNIAL: Decimal(36),
    BillingCycle.WEEKLY: Decimal(12) / Decimal(52),
    BillingCycle.BIWEEKLY: Decimal(6) / Decimal(26),
}
_CENT = Decimal("0.01")
_CHUNK = 500


@dataclass(slots=True)
class _Sums:
    revenue: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    cost: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    subscriptions: int = 0
    unpriced: int = 0


def preview_customers(
    session: Session, decisions: Sequence[CustomerDecision], today: date
) -> Impact:
    """What confirming these customers would touch.

    Args:
        session: In the reseller's scope.
        decisions: All against one PSA connection.
        today: Day from which lines count.
    """
    psa = decisions[0].psa_connection_id
    accounts = [one.account_id for one in decisions]
    chosen = {share.company_id for one in decisions for share in one.companies}
    before = set(_in_chunks(session, accounts, lambda part: _confirmed(psa, part)))
    entries = _entries(session, psa)
    subscriptions = _in_chunks(session, accounts, _sold_to)
    sums = _add_up(session, subscriptions, entries, _prices(session, psa))
    targets = {row.psa_product_id for row in entries if row.psa_product_id}
    lines = _lines(session, psa, today, companies=chosen | before, products=targets)
    return _impact(sums, lines, _warnings(session, psa, chosen))


def preview_products(
    session: Session, decisions: Sequence[ProductDecision], today: date
) -> Impact:
    """What saving these product-map entries would touch."""
    psa = decisions[0].psa_connection_id
    entries = [_as_row(one) for one in decisions]
    skus = [one.sku for one in decisions if one.sku]
    general = len(skus) < len(decisions)
    found = _everything(session) if general else _in_chunks(session, skus, _sold_as)
    concerned = [one for one in found if Coverage(entries).covers(_sku(one))]
    sums = _add_up(session, concerned, entries, _prices(session, psa))
    old = [
        row.psa_product_id
        for row in _entries(session, psa)
        if row.id in {one.id for one in decisions}
    ]
    targets = {one.psa_product_id for one in decisions} | set(old)
    lines = _lines(session, psa, today, companies=None, products=targets - {""})
    return _impact(sums, lines, ())


def _add_up(
    session: Session,
    subscriptions: Sequence[SubscriptionRow],
    entries: Iterable[ProductMap],
    prices: Mapping[str, tuple[Decimal, str]],
) -> _Sums:
    sums, coverage = _Sums(), Coverage(entries)
    listed = list_costs(session, subscriptions)
    for one in subscriptions:
        sums.subscriptions += 1
        months = _MONTHS.get(one.billing_cycle)
        cost, paid_in = one.unit_cost, one.currency
        if one.id in listed:
            cost, paid_in, _ = listed[one.id]
        if months is not None and cost is not None and paid_in:
            sums.cost[paid_in] += one.quantity * cost / months
        priced = False
        for entry in _most_specific(coverage.of(_sku(one))):
            price = prices.get(entry.psa_product_id)
            currency = price[1] or one.currency if price else ""
            if price is not None and months is not None and currency:
                units = one.quantity * entry.factor - entry.included_quantity
                sums.revenue[currency] += max(units, Decimal(0)) * price[0] / months
                priced = True
        sums.unpriced += not priced
    return sums


def _most_specific(entries: Sequence[ProductMap]) -> list[ProductMap]:
    def weight(row: ProductMap) -> int:
        names = (row.product_id, row.sku, row.term, row.billing_cycle)
        return sum(map(bool, names))

    best = max(map(weight, entries), default=0)
    return [row for row in entries if weight(row) == best]


def _impact(sums: _Sums, lines: Sequence[Any], warnings: tuple[str, ...]) -> Impact:
    return Impact(
        subscriptions=sums.subscriptions,
        lines=len(lines),
        agreements=len({line.agreement_vendor_id for line in lines}),
        monthly_revenue=_moneys(sums.revenue),
        monthly_cost=_moneys(sums.cost),
        unpriced=sums.unpriced,
        warnings=warnings,
    )


def _moneys(amounts: Mapping[str, Decimal]) -> tuple[Money, ...]:
    return tuple(
        Money(amount.quantize(_CENT, ROUND_HALF_UP), currency)
        for currency, amount in sorted(amounts.items())
    )


def _warnings(session: Session, psa: str, company_ids: set[str]) -> tuple[str, ...]:
    companies = session.scalars(
        select(PsaCompany)
        .where(
            PsaCompany.connection_id == psa,
            PsaCompany.vendor_id.in_(sorted(company_ids)),
            PsaCompany.is_customer.is_(False),
        )
        .order_by(PsaCompany.name)
    )
    return tuple(f"{row.name} is no customer in the PSA yet." for row in companies)


def _entries(session: Session, psa: str) -> list[ProductMap]:
    rows = session.scalars(
        select(ProductMap).where(
            ProductMap.psa_connection_id == psa, ProductMap.status == "confirmed"
        )
    )
    return list(rows)


def _prices(session: Session, psa: str) -> dict[str, tuple[Decimal, str]]:
    rows = session.execute(
        select(
            PsaProductRow.vendor_id, PsaProductRow.price, PsaProductRow.currency
        ).where(PsaProductRow.connection_id == psa, PsaProductRow.price.is_not(None))
    )
    return {row.vendor_id: (row.price, row.currency) for row in rows}


def _lines(
    session: Session,
    psa: str,
    today: date,
    *,
    companies: set[str] | None,
    products: set[str],
) -> list[Any]:
    wanted = select(PsaLine.vendor_id, PsaLine.agreement_vendor_id).where(
        PsaLine.connection_id == psa,
        PsaLine.gone_at.is_(None),
        PsaLine.product_vendor_id.in_(sorted(products)),
        or_(PsaLine.ends.is_(None), PsaLine.ends >= today),
    )
    if companies is not None:
        wanted = wanted.where(PsaLine.company_vendor_id.in_(sorted(companies)))
    return list(session.execute(wanted))


def _confirmed(psa: str, accounts: Sequence[str]) -> Any:  # noqa: ANN401 - a select
    return select(CustomerMap.psa_company_id).where(
        CustomerMap.psa_connection_id == psa,
        CustomerMap.account_id.in_(accounts),
        CustomerMap.status == "confirmed",
    )


def _sold_to(accounts: Sequence[str]) -> Any:  # noqa: ANN401 - a select
    return _sold().where(SubscriptionRow.account_id.in_(accounts))


def _sold_as(skus: Sequence[str]) -> Any:  # noqa: ANN401 - a select
    return _sold().where(SubscriptionRow.sku.in_(skus))


def _sold() -> Any:  # noqa: ANN401 - a select
    return select(SubscriptionRow).where(
        SubscriptionRow.gone_at.is_(None),
        SubscriptionRow.billed.is_(True),
        SubscriptionRow.status.in_(SOLD),
    )


def _everything(session: Session) -> list[SubscriptionRow]:
    return list(session.scalars(_sold()))


def _in_chunks(session: Session, keys: Sequence[str], query: Any) -> list[Any]:  # noqa: ANN401 - a function giving a select
    unique = sorted(set(keys))
    return [
        row
        for at in range(0, len(unique), _CHUNK)
        for row in session.scalars(query(unique[at : at + _CHUNK]))
    ]


def _sku(one: SubscriptionRow) -> Sku:
    return Sku(
        one.connection_id,
        one.sku,
        one.product_id,
        one.term,
        one.billing_cycle,
        one.name,
    )


def _as_row(one: ProductDecision) -> ProductMap:
    return ProductMap(
        vendor_connection_id=one.vendor_connection_id,
        product_id=one.product_id,
        sku=one.sku,
        term=one.term,
        billing_cycle=one.billing_cycle,
        psa_product_id=one.psa_product_id,
        factor=one.factor,
        included_quantity=one.included_quantity,
    )
