"""Generated companies: the same for all, unique, harmless; and the seed file."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from entrepot.sdk.simulator import (
    Seed,
    SeedContact,
    SeedCustomer,
    SeedOffer,
    SeedSubscription,
    company,
)
from entrepot.sdk.simulator.people import countries


def test_same_number_and_seed_give_the_same_company() -> None:
    assert company(17, 3) == company(17, 3)
    assert company(17, 3) != company(17, 4)


def test_names_and_domains_are_unique() -> None:
    made = [company(i, 1) for i in range(20_000)]
    assert len({c.domain for c in made}) == 20_000
    assert len({c.short_name for c in made}) == 20_000


def test_nothing_reaches_real_people() -> None:
    for i in range(300):
        facts = company(i, 1)
        assert facts.domain.endswith(".example")
        assert all(p.email.endswith("@" + facts.domain) for p in facts.contacts)
        if facts.country in {"US", "CA"}:
            assert re.fullmatch(r"\+1 \d{3} 555 01\d\d", facts.phone)


def test_people_of_one_company_have_different_addresses() -> None:
    for i in range(2000):
        emails = [p.email for p in company(i, 1).contacts]
        assert len(set(emails)) == len(emails) >= 1


def test_country_can_be_chosen() -> None:
    for code in countries():
        assert company(5, 1, country=code).country == code
    with pytest.raises(ValueError, match="country"):
        company(5, 1, country="ZZ")


def test_seed_survives_the_file(tmp_path: Path) -> None:
    facts = company(0, 1)
    seed = Seed(
        vendor="acme",
        seed=1,
        as_of=date(2026, 3, 1),
        customers=(
            SeedCustomer(
                vendor_id="c-1",
                index=0,
                name=facts.name,
                domain=facts.domain,
                country=facts.country,
                city=facts.city,
                state=facts.state,
                postal_code=facts.postal_code,
                street=facts.street,
                phone=facts.phone,
                tax_id=facts.tax_id,
                currency=facts.currency,
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
            ),
        ),
        offers=(
            SeedOffer(
                sku="P:0001",
                product_id="P",
                name="Mail",
                term="P1Y",
                billing_cycle="monthly",
                unit_cost=Decimal("4.3210"),
                unit_price=Decimal("5.00"),
                currency="USD",
            ),
        ),
        subscriptions=(
            SeedSubscription(
                vendor_id="s-1",
                customer_vendor_id="c-1",
                sku="P:0001",
                name="Mail",
                term="P1Y",
                billing_cycle="monthly",
                quantity=5,
                unit_cost=Decimal("4.3210"),
                unit_price=Decimal("5.00"),
                currency="USD",
                start=date(2026, 1, 1),
                end=None,
                status="active",
                billed=True,
            ),
        ),
    )
    seed.save(tmp_path / "seed.json")
    again = Seed.load(tmp_path / "seed.json")
    assert again == seed
    assert str(again.offers[0].unit_cost) == "4.3210"
