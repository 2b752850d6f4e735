from __future__ import annotations

from decimal import Decimal

import pytest
from entrepot.hub.mapping.checks import require_entry, shares_problem
from entrepot.hub.mapping.views import ProductDecision, Share
from entrepot.hub.reconciliation.rules.records import CustomerShare, ShareMode
from entrepot.hub.reconciliation.rules.shares import problem_of
from entrepot.sdk.errors import Rejected


@pytest.mark.parametrize(
    ("shares", "fine"),
    [
        ((("1", "all", 0),), True),
        ((("1", "fixed", 3), ("2", "remainder", 0)), True),
        ((("1", "percent", 50), ("2", "percent", 50)), True),
        ((("1", "percent", 30), ("2", "remainder", 0)), True),
        ((("1", "all", 0), ("2", "remainder", 0)), False),
        ((("1", "percent", 60), ("2", "percent", 60)), False),
        ((("1", "fixed", 3), ("2", "fixed", 3)), False),
        ((("1", "remainder", 0), ("2", "remainder", 0)), False),
        ((("1", "fixed", 0), ("2", "remainder", 0)), False),
        ((("1", "all", 0), ("1", "remainder", 0)), False),
        ((("1", "all", 5),), False),
        ((("1", "half", 0),), False),
        ((), False),
    ],
)
def test_shares_must_add_up(shares, fine):
    given = [
        Share(company_id=company, share=kind, value=Decimal(value))
        for company, kind, value in shares
    ]
    assert (shares_problem(given) == "") is fine
    if fine:
        records = [
            CustomerShare(
                connection="c",
                customer="v",
                company=share.company_id,
                mode=ShareMode(share.share),
                value=share.value,
            )
            for share in given
        ]
        assert problem_of(records) == "", "a reconciliation would refuse these"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("factor", {"factor": Decimal(0)}),
        ("kind", {"kind": "gift"}),
        ("rounding", {"rounding": "down"}),
        ("price_mode", {"price_mode": "dice"}),
        ("price_value", {"price_mode": "margin", "price_value": Decimal(100)}),
        ("price_value", {"price_mode": "keep", "price_value": Decimal(1)}),
        ("included_quantity", {"included_quantity": Decimal(-1)}),
        ("psa_product_id", {"psa_product_id": ""}),
        ("sku", {"sku": ""}),
        ("billing_cycle", {"billing_cycle": "often"}),
        ("bill", {"bill": "maybe"}),
    ],
)
def test_entry_that_makes_no_sense_names_its_field(field, values):
    given = {"sku": "SKU1", "psa_product_id": "P1", **values}
    with pytest.raises(Rejected) as refused:
        require_entry(ProductDecision(psa_connection_id="psa", **given))
    assert refused.value.info.field == field
    assert refused.value.info.remedy
