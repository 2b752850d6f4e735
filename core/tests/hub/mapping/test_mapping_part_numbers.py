"""A number of one way to buy must not stand for the others."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from entrepot.hub.catalog.tables import Offer
from entrepot.hub.mapping.tables import ProductMap
from entrepot.store import TenantScope, new_id
from sqlalchemy import select


def offer(books, sku, term, cycle, *numbers):
    books.add(
        Offer(
            id=new_id("off"),
            tenant_id=books.tenant,
            connection_id=books.vendor,
            vendor_id=f"{sku}/{term}/{cycle}",
            product_id=sku,
            sku=sku,
            name=sku,
            term=term,
            billing_cycle=cycle,
            min_quantity=Decimal(1),
            part_numbers=list(numbers),
            row_hash=1,
            known_at=datetime(2026, 3, 1, tzinfo=UTC),
        )
    )


def suggested(books):
    books.service.refresh_suggestions(books.actor, books.psa)
    with books.store.read(TenantScope(books.tenant)) as session:
        rows = session.scalars(select(ProductMap)).all()
    return {
        (row.sku, row.term, row.billing_cycle): (row.psa_product_id, row.band)
        for row in rows
    }


def test_each_variant_finds_its_own_product(books):
    account = books.account("Acme")
    for term, cycle, target in (("P1M", "monthly", "P1"), ("P1Y", "annual", "P2")):
        number = f"SKU1:{term}:{cycle}"
        offer(books, "SKU1", term, cycle, "SKU1", number)
        books.product(f"Seven {target}", target, vendor_sku=number)
        books.subscription(
            account, "SKU1", name="Licence", term=term, billing_cycle=cycle
        )
    assert suggested(books) == {
        ("SKU1", "P1M", "monthly"): ("P1", "preselected"),
        ("SKU1", "P1Y", "annual"): ("P2", "preselected"),
    }


def test_a_number_all_variants_share_stands_for_the_sku(books):
    account = books.account("Acme")
    for term, cycle in (("P1M", "monthly"), ("P1Y", "annual")):
        offer(books, "SKU1", term, cycle, "PART-1", f"PART-1:{term}")
        books.subscription(
            account, "SKU1", name="Licence", term=term, billing_cycle=cycle
        )
    books.product("Seven", "P1", part_number="PART-1")
    assert suggested(books) == {("SKU1", "", ""): ("P1", "preselected")}


def test_variant_without_a_number_is_found_by_its_term_and_cycle(books):
    account = books.account("Acme")
    for cycle, target in (("monthly", "P1"), ("annual", "P2")):
        offer(books, "OLD-1", "", cycle)
        books.product(f"Old {target}", target, vendor_sku=f"OLD-1::{cycle}")
        books.subscription(
            account, "OLD-1", name="Licence", term="", billing_cycle=cycle
        )
    assert suggested(books) == {
        ("OLD-1", "", "monthly"): ("P1", "preselected"),
        ("OLD-1", "", "annual"): ("P2", "preselected"),
    }
