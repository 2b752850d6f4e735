"""The state in neutral words, for other simulators."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from entrepot.sdk.simulator import (
    Seed,
    SeedContact,
    SeedCustomer,
    SeedOffer,
    SeedSubscription,
)

from entrepot_aws.simulator.state import Account, Transfer

if TYPE_CHECKING:
    from entrepot_aws.simulator.app import AwsSimulator

ACCOUNT = "aws.account"
TRANSFER = "aws.billing-transfer"
CURRENCY = "USD"
_FREE = Decimal(0)


def export_seed(vendor: AwsSimulator) -> Seed:
    """Customers, offers and subscriptions as they are now.

    Accounts and transfers are charged by usage: no agreement line stands for them.
    """
    customers, subscriptions = [], []
    for unit in vendor.book.customer_units():
        customers.append(_customer(vendor, unit.id, unit.company, unit.name))
        for account in vendor.book.accounts_below(unit.id):
            subscriptions.append(_account(unit.id, account))
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
