"""A vendor's state of our own, for a PSA emulator that runs alone."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

from entrepot.sdk.simulator import (
    Seed,
    SeedContact,
    SeedCustomer,
    SeedOffer,
    SeedSubscription,
    company,
)

VENDOR = "cloud"
_FAMILIES = ("Office", "Mail", "Backup", "Endpoint", "Identity", "Telephony", "Archive",
             "Analytics", "Projects", "Desktop")  # fmt: skip
_EDITIONS = ("Basic", "Standard", "Premium", "Enterprise")


def own_seed(seed: int, customers: int, per_customer: float, today: date) -> Seed:
    """A seed with 40 products; same arguments, same seed."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    offers = _offers()
    people = tuple(_customer(number, seed) for number in range(customers))
    owned = tuple(
        subscription
        for customer in people
        for subscription in _owned(customer, offers, per_customer, today, rng)
    )
    return Seed(
        vendor=VENDOR,
        seed=seed,
        as_of=today,
        customers=people,
        offers=offers,
        subscriptions=owned,
    )


def _offers() -> tuple[SeedOffer, ...]:
    found = []
    for number, family in enumerate(_FAMILIES):
        for step, edition in enumerate(_EDITIONS):
            cost = Decimal(4 + 3 * number + 5 * step)
            found.append(
                SeedOffer(
                    sku=f"CLD-{family[:4].upper()}-{edition[:3].upper()}",
                    product_id=f"CLD-{family[:4].upper()}",
                    name=f"{family} Cloud {edition}",
                    term="P1Y",
                    billing_cycle="annual" if number % 5 == 4 else "monthly",
                    unit_cost=cost,
                    unit_price=(cost * Decimal("1.20")).quantize(Decimal("0.01")),
                    currency="USD",
                )
            )
    return tuple(found)


def _customer(number: int, seed: int) -> SeedCustomer:
    facts = company(number, seed)
    return SeedCustomer(
        vendor_id=f"cust-{number:06d}",
        index=number,
        name=facts.name,
        domain=facts.domain,
        country=facts.country,
        city=facts.city,
        state=facts.state,
        postal_code=facts.postal_code,
        street=facts.street,
        phone=facts.phone,
        tax_id=facts.tax_id,
        currency="USD",
        contacts=tuple(
            SeedContact(
                first_name=one.first_name,
                last_name=one.last_name,
                email=one.email,
                phone=one.phone,
                role=one.role,
            )
            for one in facts.contacts
        ),
    )


def _owned(
    customer: SeedCustomer,
    offers: tuple[SeedOffer, ...],
    per_customer: float,
    today: date,
    rng: random.Random,
) -> list[SeedSubscription]:
    count = min(len(offers), max(1, round(rng.gauss(per_customer, per_customer / 4))))
    return [
        SeedSubscription(
            vendor_id=f"{customer.vendor_id}-{number}",
            customer_vendor_id=customer.vendor_id,
            sku=offer.sku,
            name=offer.name,
            term=offer.term,
            billing_cycle=offer.billing_cycle,
            quantity=rng.randint(1, 60),
            unit_cost=offer.unit_cost,
            unit_price=offer.unit_price,
            currency=offer.currency,
            start=today - timedelta(days=rng.randint(10, 340)),
            end=None,
            status="active",
            billed=True,
        )
        for number, offer in enumerate(rng.sample(offers, count))
    ]
