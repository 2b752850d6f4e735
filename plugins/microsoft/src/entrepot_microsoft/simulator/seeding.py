"""History at the start, and the state in neutral words for other simulators."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot.sdk.simulator import (
    Seed,
    SeedContact,
    SeedCustomer,
    SeedNextTerm,
    SeedOffer,
    SeedSubscription,
)

from entrepot_microsoft.simulator import catalog
from entrepot_microsoft.simulator.catalog import Sku
from entrepot_microsoft.simulator.model import Customer, Sub

if TYPE_CHECKING:
    from entrepot_microsoft.simulator.app import MicrosoftSimulator

_HISTORY_CUSTOMERS = 200
_BILLED = {"active", "suspended"}


def write_history(vendor: MicrosoftSimulator) -> None:
    """Write activity records of the last thirty days for the first customers."""
    now = vendor.clock.now()
    found: list[tuple[Customer, Sub]] = []
    for index in range(min(vendor.book.generator.count, _HISTORY_CUSTOMERS)):
        customer = vendor.book.generator.customer(index)
        since = now - timedelta(days=30)
        found += [(customer, s) for s in customer.subs.values() if s.created > since]
    for customer, sub in sorted(found, key=lambda pair: pair[1].created):
        vendor.audit.note(
            sub.created,
            customer.id,
            customer.facts.name,
            "order",
            "create_order",
            sub.order_id,
            {
                "OrderId": sub.order_id,
                "SubscriptionId-0": sub.id,
                "Quantity-0": str(sub.quantity),
            },
        )


def export_seed(vendor: MicrosoftSimulator) -> Seed:
    """Customers, offers and subscriptions as they are now."""
    now = vendor.clock.now()
    customers, subscriptions = [], []
    markets = set()
    for customer_id in vendor.book.every_customer_id():
        customer = vendor.book.customer(customer_id, now)
        markets.add(customer.market)
        customers.append(_customer(customer))
        subscriptions += [
            _subscription(vendor, customer, s) for s in customer.subs.values()
        ]
    offers = [o for market in sorted(markets) for o in _offers(vendor, market)]
    return Seed(
        vendor=vendor.name,
        seed=vendor.options.seed,
        as_of=now.date(),
        customers=tuple(customers),
        offers=tuple(offers),
        subscriptions=tuple(subscriptions),
    )


def _customer(customer: Customer) -> SeedCustomer:
    facts = customer.facts
    return SeedCustomer(
        vendor_id=customer.id,
        index=customer.index,
        name=facts.name,
        domain=facts.domain,
        country=facts.country,
        city=facts.city,
        state=facts.state,
        postal_code=facts.postal_code,
        street=facts.street,
        phone=facts.phone,
        tax_id=facts.tax_id,
        currency=catalog.MARKETS[customer.market][0],
        contacts=tuple(
            SeedContact(
                first_name=p.first_name,
                last_name=p.last_name,
                email=p.email,
                phone=p.phone,
                role=p.role,
            )
            for p in facts.contacts
        ),
    )


def _subscription(
    vendor: MicrosoftSimulator, customer: Customer, sub: Sub
) -> SeedSubscription:
    return SeedSubscription(
        vendor_id=sub.id,
        customer_vendor_id=customer.id,
        sku=sub.item,
        name=sub.name,
        term=sub.term,
        billing_cycle=sub.cycle,
        quantity=sub.quantity,
        unit_cost=sub.cost,
        unit_price=sub.erp,
        currency=catalog.MARKETS[customer.market][0],
        start=sub.term_start.date(),
        end=None if sub.term_end is None else (sub.term_end - timedelta(days=1)).date(),
        status="trial" if sub.is_trial and sub.status == "active" else sub.status,
        billed=_is_billed(sub),
        parent_vendor_id=sub.parent_id,
        renews=_goes_on(sub),
        following=_following(vendor, customer, sub),
    )


def _goes_on(sub: Sub) -> bool:
    """Whether it is charged for beyond its term.

    Active seats that are not renewed roll into an extended term, unless they are
    cancelled for its end (§5.9).
    """
    cancelled = any(one.get("actionType") == "Cancel" for one in sub.actions)
    extended = sub.status == "active" and sub.kind == catalog.SEATS and not cancelled
    return sub.auto_renew or sub.term_end is None or extended


def _following(
    vendor: MicrosoftSimulator, customer: Customer, sub: Sub
) -> SeedNextTerm | None:
    """The plan scheduled for the next term, where it is another one."""
    coming, start = sub.next_term, sub.term_end
    if coming is None or start is None or sub.is_trial or not sub.auto_renew:
        return None
    plan = (coming.term or sub.term, coming.cycle or sub.cycle)
    if plan == (sub.term, sub.cycle) or coming.sku_key != sub.item:
        return None
    cost, erp = vendor.book.prices.at(sub.item, *plan, customer.market, start)
    return SeedNextTerm(
        start=start.date(),
        term=plan[0],
        billing_cycle=plan[1],
        quantity=coming.quantity or sub.quantity,
        unit_cost=cost,
        unit_price=erp,
    )


def _is_billed(sub: Sub) -> bool:
    if sub.is_trial or sub.status not in _BILLED:
        return False
    return not (sub.is_legacy and sub.status == "suspended")


def _offers(vendor: MicrosoftSimulator, market: str) -> list[SeedOffer]:
    found = [o for sku in catalog.SKUS.values() for o in _plans(vendor, sku, market)]
    currency = catalog.MARKETS[market][0]
    for offer in catalog.LEGACY.values():
        for cycle in ("monthly", "annual"):
            found.append(
                SeedOffer(
                    sku=offer.offer_id,
                    product_id=offer.offer_id,
                    name=offer.title,
                    term="",
                    billing_cycle=cycle,
                    unit_cost=catalog.convert(offer.cost(cycle), market),
                    unit_price=catalog.convert(offer.erp(cycle), market),
                    currency=currency,
                    is_addon=bool(offer.base),
                    is_legacy=True,
                )
            )
    return found


def _plans(vendor: MicrosoftSimulator, sku: Sku, market: str) -> list[SeedOffer]:
    now = vendor.clock.now()
    found = []
    for plan in sku.plans:
        cost, erp = vendor.book.prices.at(sku.key, plan.term, plan.cycle, market, now)
        found.append(
            SeedOffer(
                sku=sku.key,
                product_id=sku.product_id,
                name=sku.sku_title,
                term=plan.term,
                billing_cycle=plan.cycle,
                unit_cost=cost,
                unit_price=erp,
                currency=catalog.MARKETS[market][0],
                is_addon=bool(sku.base),
                is_trial=sku.is_trial,
            )
        )
    return found
