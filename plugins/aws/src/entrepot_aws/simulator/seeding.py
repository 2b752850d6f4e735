"""The state in neutral words, for other simulators."""

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

from entrepot_aws.simulator.agreements import plan_arn
from entrepot_aws.simulator.catalog import BY_ID, OFFERINGS, PRODUCTS, SELECTORS
from entrepot_aws.simulator.state import ACTIVE, Account, Agreement, Plan, Transfer

if TYPE_CHECKING:
    from entrepot_aws.simulator.app import AwsSimulator

ACCOUNT = "aws.account"
TRANSFER = "aws.billing-transfer"
CURRENCY = "USD"
_FREE = Decimal(0)
_MARGIN = Decimal("1.25")


def export_seed(vendor: AwsSimulator) -> Seed:
    """Customers, offers and subscriptions as they are now.

    Accounts and transfers are charged by usage: no agreement line stands for them.
    """
    customers, subscriptions = [], []
    for unit in vendor.book.customer_units():
        customers.append(_customer(vendor, unit.id, unit.company, unit.name))
        for account in vendor.book.accounts_below(unit.id):
            subscriptions.append(_account(unit.id, account))
            subscriptions += _bought(vendor, unit.id, account)
    for transfer in vendor.book.transfers.values():
        if transfer.company >= 0:
            customers.append(
                _customer(vendor, transfer.account, transfer.company, transfer.name)
            )
        subscriptions.append(_transfer(transfer))
    return Seed(
        vendor=vendor.name,
        seed=vendor.options.seed,
        as_of=vendor.clock.now().date(),
        customers=tuple(customers),
        offers=_offers(),
        subscriptions=tuple(subscriptions),
    )


def _customer(
    vendor: AwsSimulator, vendor_id: str, index: int, name: str
) -> SeedCustomer:
    facts = vendor.generator.facts(index)
    return SeedCustomer(
        vendor_id=vendor_id,
        index=facts.index,
        name=name,
        domain=facts.domain,
        country=facts.country,
        city=facts.city,
        state=facts.state,
        postal_code=facts.postal_code,
        street=facts.street,
        phone=facts.phone,
        tax_id=facts.tax_id,
        currency=CURRENCY,
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


def _account(customer: str, account: Account) -> SeedSubscription:
    return _usage(
        account.id, customer, ACCOUNT, "AWS account", account.joined, account.state
    )


def _bought(
    vendor: AwsSimulator, customer: str, account: Account
) -> list[SeedSubscription]:
    """Agreements that run, or ended last of their chain, and Savings Plans."""
    if account.state != ACTIVE:
        return []
    book = vendor.book
    last = {
        book.agreements[a].first: book.agreements[a]
        for a in book.bought.get(account.id, ())
    }
    found = [_agreement(customer, each) for each in last.values()]
    return found + [_plan(customer, each) for each in book.plans.get(account.id, ())]


def _agreement(customer: str, found: Agreement) -> SeedSubscription:
    key, count = next(iter(found.quantities.items()))
    dimension = BY_ID[found.product].dimension(key)
    cost = dimension.price(found.selector) * found.price
    return SeedSubscription(
        vendor_id=f"{found.first}/{key}",
        customer_vendor_id=customer,
        sku=f"{found.product}|{key}",
        name=dimension.title,
        term="P1M" if found.selector == "P1M" else "P1Y",
        billing_cycle="monthly" if found.selector == "P1M" else "annual",
        quantity=count,
        unit_cost=cost,
        unit_price=cost * _MARGIN,
        currency=CURRENCY,
        start=found.start.date(),
        end=(found.end - timedelta(days=1)).date(),
        status="active" if found.status == ACTIVE else "deleted",
        billed=found.status == ACTIVE,
        renews=found.renews,
    )


def _plan(customer: str, found: Plan) -> SeedSubscription:
    offering = OFFERINGS[found.kind]
    name = f"{offering.kind} Savings Plan, {offering.payment}"
    return _usage(
        plan_arn(found), customer, "aws.savings-plan", name, found.start, "ACTIVE"
    )


def _transfer(transfer: Transfer) -> SeedSubscription:
    return _usage(
        transfer.id,
        transfer.account,
        TRANSFER,
        "AWS billing transfer",
        transfer.start,
        transfer.status,
    )


def _usage(
    vendor_id: str, customer: str, sku: str, name: str, since: datetime, status: str
) -> SeedSubscription:
    return SeedSubscription(
        vendor_id=vendor_id,
        customer_vendor_id=customer,
        sku=sku,
        name=name,
        term="",
        billing_cycle="none",
        quantity=1,
        unit_cost=_FREE,
        unit_price=_FREE,
        currency=CURRENCY,
        start=since.date(),
        end=None,
        status="active" if status in ("ACTIVE", "ACCEPTED") else status.lower(),
        billed=False,
    )


def _offers() -> tuple[SeedOffer, ...]:
    return _fixed() + tuple(
        SeedOffer(
            sku=f"{product.id}|{each.key}",
            product_id=product.id,
            name=each.title,
            term="P1M" if selector == "P1M" else "P1Y",
            billing_cycle="monthly" if selector == "P1M" else "annual",
            unit_cost=each.price(selector),
            unit_price=each.price(selector) * _MARGIN,
            currency=CURRENCY,
        )
        for product in PRODUCTS
        for each in product.dimensions
        for selector in SELECTORS
    )


def _fixed() -> tuple[SeedOffer, ...]:
    named = ((ACCOUNT, "AWS account"), (TRANSFER, "AWS billing transfer"))
    return tuple(
        SeedOffer(
            sku=sku,
            product_id=sku,
            name=name,
            term="",
            billing_cycle="none",
            unit_cost=_FREE,
            unit_price=_FREE,
            currency=CURRENCY,
        )
        for sku, name in named
    )
