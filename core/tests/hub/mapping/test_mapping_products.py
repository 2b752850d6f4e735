from __future__ import annotations

from decimal import Decimal

import pytest
from entrepot.hub.mapping.rules.products import (
    ProductMatcher,
    normal,
    raw_similarity,
    suggest_products,
)
from entrepot.hub.mapping.rules.records import (
    Band,
    CatalogueProduct,
    Method,
    Suggestion,
    VendorProduct,
    Words,
)

SUITE = "Microsoft 365 Business Premium"
WORDS = Words(
    aliases=(("M365", "Microsoft 365"), ("O365", "Office 365")),
    guards=("no teams", "with teams"),
    product_aliases=(("SKU-9", ("NCE-PREM",)),),
)
VECTORS = [
    ("Office 365 E3", "Office 365 E5", "0.9231", None),
    ("Exchange Online (Plan 1)", "Exchange Online (Plan 2)", "0.9545", None),
    (SUITE, f"{SUITE} (Nonprofit)", "0.8571", None),
    (SUITE, f"{SUITE} - Annual Monthly", "0.8000", None),
    (
        "Microsoft 365 Business Basic",
        "Microsoft 365 Business Standard",
        "0.7458",
        None,
    ),
    (SUITE, "M365 Business Premium", "0.7059", "0.95"),
    ("Exchange Online (Plan 1)", "Exchange Online Plan 1", "1.0", "0.85"),
]


def sku(name: str, **more: object) -> VendorProduct:
    return VendorProduct(key="k", name=name, **{"sku": "SKU-1", **more})


def item(name: str, vendor_id: str = "1", **more: object) -> CatalogueProduct:
    return CatalogueProduct(vendor_id=vendor_id, name=name, **more)


def suggest(one: VendorProduct, *catalogue: CatalogueProduct) -> Suggestion | None:
    found = suggest_products([one], catalogue, WORDS)
    return found[0] if found else None


@pytest.mark.parametrize(("vendor", "psa", "alike", "confidence"), VECTORS)
def test_products_of_the_design(
    vendor: str, psa: str, alike: str, confidence: str | None
):
    got = raw_similarity(normal(vendor), normal(psa))
    assert Decimal(str(round(got, 4))) == Decimal(alike)
    suggestion = suggest(sku(vendor), item(psa))
    if confidence is None:
        assert suggestion is None
    else:
        assert suggestion is not None
        assert suggestion.best.confidence == Decimal(confidence)


def test_names_alone_are_never_preselected():
    for name in (SUITE, "M365 Business Premium"):
        suggestion = suggest(sku(SUITE), item(name))
        assert suggestion is not None
        assert suggestion.band is Band.SUGGESTION


@pytest.mark.parametrize(
    "field", ["identifier", "vendor_sku", "part_number", "cross_reference"]
)
def test_equal_number_is_preselected_whatever_the_names_say(field: str):
    suggestion = suggest(sku("Suite E3"), item("Suite E5", **{field: "sku-1"}))
    assert suggestion is not None
    assert suggestion.best.confidence == Decimal("0.98")
    assert suggestion.best.method is Method.EXACT_KEY
    assert suggestion.band is Band.PRESELECTED


def test_known_part_numbers_and_known_identifiers_count():
    by_number = suggest(sku("X", numbers=("PN-7",)), item("Y", part_number="PN-7"))
    assert by_number is not None
    assert by_number.best.method is Method.EXACT_KEY
    by_alias = suggest(sku("X", sku="SKU-9"), item("Y", identifier="NCE-Prem"))
    assert by_alias is not None
    assert by_alias.best.confidence == Decimal("0.95")
    assert by_alias.band is Band.PRESELECTED


def test_term_in_the_catalogue_name_fits_an_entry_that_keeps_the_term():
    yearly = sku(SUITE, term="P1Y", billing_cycle="monthly", keeps_term=True)
    item_name = f"{SUITE} - Annual Monthly"
    suggestion = ProductMatcher([item(item_name)], WORDS).candidates(yearly)
    assert suggestion[0].confidence == Decimal("0.85")
    monthly = sku(SUITE, term="P1M", billing_cycle="monthly", keeps_term=True)
    assert suggest(monthly, item(item_name)) is None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Suite E3", "Suite E3 (no Teams)"),
        ("Suite E3", "Suite E3 Trial"),
        ("Suite E3", "Suite E3 add-on"),
        ("Suite for Faculty A3", "Suite for Students A3"),
        ("Storage Tier 1", "Storage Tier 2"),
    ],
)
def test_guard_words_keep_look_alikes_apart(left: str, right: str):
    assert suggest(sku(left), item(right)) is None


def test_rejected_product_is_not_suggested_again():
    catalogue = [item(SUITE, "1"), item(f"{SUITE}.", "2")]
    found = suggest_products([sku(SUITE)], catalogue, WORDS, [("k", "1")])
    assert [one.best.target for one in found] == ["2"]
