"""The state in neutral words, and the lists that no API gives."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from entrepot.sdk.simulator import (
    Seed,
    SeedContact,
    SeedCustomer,
    SeedOffer,
    SeedSubscription,
)

from entrepot_ibm.simulator import catalog
from entrepot_ibm.simulator.catalog import Plan
from entrepot_ibm.simulator.model import Account, Instance, Licence, Option

if TYPE_CHECKING:
    from entrepot_ibm.simulator.app import IbmSimulator

_DISCOUNT = Decimal("0.80")
_MARGIN = Decimal("1.25")
_BILLED = ("active", "inactive")
_STATUS = {
    "active": "active",
    "inactive": "suspended",
    "pending_reclamation": "suspended",
    "provisioning": "pending",
    "failed": "failed",
    "removed": "deleted",
}


def price_list() -> str:
    """Part numbers as the CSV of the connection's settings."""
    rows = ["part_number,name,track,term,cycle,unit_cost,list_price,currency,unit"]
    for part in catalog.PARTS:
        fields = (
            part.number,
            f'"{part.name}"',
            part.track,
            part.term,
            "monthly",
            str(part.monthly),
            str(part.monthly * _MARGIN),
            "USD",
            part.unit,
        )
        rows.append(",".join(fields))
    return "\n".join(rows)


def more_markets(vendor: IbmSimulator) -> str:
    """Price countries beside the first one that customers pay in, as the setting."""
    country = vendor.options.extra.get("country", "US")
    wanted = catalog.MARKET_OF if country == "mixed" else {country}
    found = (catalog.MARKET_OF[code] for code in wanted if code in catalog.MARKET_OF)
    return ", ".join(f"{each}:{catalog.MARKETS[each][0]}" for each in found)


def entitlements(vendor: IbmSimulator) -> str:
    """Licences of all customers as the CSV of the connection's settings."""
    head = "customer_id,part_number,quantity,start,end,order_id,charge_agreement,status"
    rows = [head]
    now = vendor.clock.now()
    for place in range(vendor.book.positions):
        account = vendor.book.at(place, now)
        for one in account.licences:
            fields = (
                account.id,
                one.part,
                str(one.quantity),
                f"{one.start:%Y-%m-%d}",
                f"{one.end - timedelta(days=1):%Y-%m-%d}",
                one.order_id,
                one.agreement,
                "active",
            )
            rows.append(",".join(fields))
    return "\n".join(rows)


def export_seed(vendor: IbmSimulator) -> Seed:
    """Customers, offers and subscriptions as they are now."""
    now = vendor.clock.now()
    accounts = [vendor.book.at(place, now) for place in range(vendor.book.positions)]
    open_accounts = [account for account in accounts if not account.deleted]
    return Seed(
        vendor=vendor.name,
        seed=vendor.options.seed,
        as_of=now.date(),
        customers=tuple(_customer(account) for account in open_accounts),
        offers=tuple(_offers(vendor)),
        subscriptions=tuple(
            sub for account in open_accounts for sub in _subscriptions(account, vendor)
        ),
    )


def _customer(account: Account) -> SeedCustomer:
    facts = account.facts
    return SeedCustomer(
        vendor_id=account.id,
        index=max(account.index, 0),
        name=account.name,
        domain=facts.domain,
        country=facts.country,
        city=facts.city,
        state=facts.state,
        postal_code=facts.postal_code,
        street=facts.street,
        phone=facts.phone,
        tax_id=facts.tax_id,
        currency=catalog.MARKETS[account.market][0],
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


def _subscriptions(account: Account, vendor: IbmSimulator) -> list[SeedSubscription]:
    now = vendor.clock.now()
    found = [_commitment(account, option, now) for option in account.options]
    found += [_licence(account, licence) for licence in account.licences]
    return found + [
        _instance(account, one, vendor) for one in account.instances.values()
    ]


def _instance(
    account: Account, found: Instance, vendor: IbmSimulator
) -> SeedSubscription:
    plan = catalog.PLANS[found.plan_id]
    currency, rate = catalog.MARKETS[account.market]
    price = _price(plan, vendor) * rate
    seats = plan.seats
    return SeedSubscription(
        vendor_id=found.guid,
        customer_vendor_id=account.id,
        sku=plan.id,
        name=_title(plan),
        term="",
        billing_cycle="monthly" if seats else "none",
        quantity=int(found.extensions.get(seats, 1)) if seats else 1,
        unit_cost=price * _DISCOUNT,
        unit_price=price,
        currency=currency,
        start=found.created.date(),
        end=None,
        status=_STATUS.get(found.state, found.state),
        billed=found.state in _BILLED,
    )


def _commitment(account: Account, option: Option, now: datetime) -> SeedSubscription:
    part = catalog.PART[option.part]
    currency, rate = catalog.MARKETS[account.market]
    return SeedSubscription(
        vendor_id=option.id,
        customer_vendor_id=account.id,
        sku=option.part,
        name=part.name,
        term=part.term,
        billing_cycle="monthly",
        quantity=1,
        unit_cost=option.monthly * rate,
        unit_price=option.monthly * rate * _MARGIN,
        currency=currency,
        start=option.start.date(),
        end=option.end.date(),
        status="active" if option.start <= now <= option.end else "expired",
        billed=option.start <= now <= option.end,
    )


def _licence(account: Account, licence: Licence) -> SeedSubscription:
    part = catalog.PART[licence.part]
    return SeedSubscription(
        vendor_id=f"saas:{account.id}:{licence.part}:{licence.agreement}",
        customer_vendor_id=account.id,
        sku=licence.part,
        name=part.name,
        term=part.term,
        billing_cycle="monthly",
        quantity=licence.quantity,
        unit_cost=part.monthly,
        unit_price=part.monthly * _MARGIN,
        currency="USD",
        start=licence.start.date(),
        end=(licence.end - timedelta(days=1)).date(),
        status="active",
        billed=True,
    )


def _offers(vendor: IbmSimulator) -> list[SeedOffer]:
    found = [
        SeedOffer(
            sku=plan.id,
            product_id=catalog.SERVICE_OF[plan.id].id,
            name=_title(plan),
            term="",
            billing_cycle="monthly" if plan.seats else "none",
            unit_cost=_price(plan, vendor) * _DISCOUNT,
            unit_price=_price(plan, vendor),
            currency="USD",
        )
        for plan in catalog.SOLD
    ]
    found += [
        SeedOffer(
            sku=part.number,
            product_id=part.number,
            name=part.name,
            term=part.term,
            billing_cycle="monthly",
            unit_cost=part.monthly,
            unit_price=part.monthly * _MARGIN,
            currency="USD",
        )
        for part in catalog.PARTS
    ]
    return found


def _price(plan: Plan, vendor: IbmSimulator) -> Decimal:
    factor = vendor.book.prices.get(plan.id, Decimal(1))
    return plan.metrics[0].price * factor if plan.metrics else Decimal(0)


def _title(plan: Plan) -> str:
    return f"{catalog.SERVICE_OF[plan.id].title} {plan.title}"
