from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from entrepot.hub.mapping import csvfile
from entrepot.hub.mapping.tables import CustomerMap, MappingBatch, ProductMap
from entrepot.hub.mapping.views import CustomerDecision, ProductDecision, Share
from entrepot.sdk.errors import Rejected
from entrepot.store import TenantScope
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

HEADING = "vendor_connection,vendor_customer_id,psa_company_id,status,share,share_value"


def count(books: Any, table: type) -> int:
    with books.store.read(TenantScope(books.tenant)) as session:
        return session.scalar(select(func.count()).select_from(table))


def load(books: Any, *lines: str, dry_run: bool = False):
    text = "\n".join((HEADING + ",reason", *lines))
    return books.service.customers.import_csv(
        books.actor, books.psa, text, dry_run=dry_run
    )


@given(st.text())
def test_cells_come_back_and_are_never_formulas(cell: str):
    safe = csvfile.harmless(cell)
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert csvfile.original(safe) == cell


def test_formula_in_a_name_is_written_as_text(books):
    books.account('=HYPERLINK("http://evil.example")', "v-1")
    text = books.service.customers.export_csv(books.actor, books.psa)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["vendor_name"].startswith("'=")
    assert rows[0]["vendor_customer_id"] == "v-1"


def test_dry_run_says_what_would_happen_and_saves_nothing(books):
    books.account("Acme", "v-1")
    books.company("Acme", "1")
    tried = load(books, "Vendor,v-1,1,confirmed,,,", dry_run=True)
    assert [line.result for line in tried.lines] == ["changed"]
    assert not tried.saved
    assert count(books, CustomerMap) == count(books, MappingBatch) == 0
    done = load(books, "Vendor,v-1,1,confirmed,,,")
    assert done.saved
    assert done.batch is not None
    assert done.batch.rows == 1
    again = load(books, "Vendor,v-1,1,confirmed,,,")
    assert [line.result for line in again.lines] == ["unchanged"]


def test_shares_of_one_customer_are_read_together(books):
    account = books.account("Acme", "v-1")
    books.company("Nord", "1")
    books.company("Sud", "2")
    done = load(
        books,
        "Vendor,v-1,1,confirmed,fixed,3,",
        "Vendor,v-1,2,confirmed,remainder,,",
    )
    assert done.saved
    found = books.service.decisions(books.actor, books.psa).customers
    assert {(one.share, one.share_value) for one in found} == {
        ("fixed", Decimal(3)),
        ("remainder", Decimal(0)),
    }
    assert {one.account_id for one in found} == {account}
    assert {one.method for one in found} == {"import"}


def test_one_wrong_line_keeps_all_from_being_saved(books):
    books.account("Acme", "v-1")
    books.account("Beta", "v-2")
    books.company("Acme", "1")
    done = load(
        books,
        "Vendor,v-1,1,confirmed,,,",
        "Vendor,v-2,77,confirmed,,,",
        "Nowhere,v-1,1,confirmed,,,",
        "Vendor,v-9,1,confirmed,,,",
        "Vendor,v-2,,excluded,,,",
        "Vendor,v-2,1,confirmed,percent,many,",
    )
    assert not done.saved
    assert done.errors == 5
    fields = {line.line: line.field for line in done.lines if line.result == "error"}
    assert fields[4] == "vendor_connection"
    assert fields[5] == "vendor_customer_id"
    assert all(line.message for line in done.lines if line.result == "error")
    assert count(books, CustomerMap) == 0


def test_export_of_customers_can_be_read_back(books):
    first, second = books.account("Acme", "v-1"), books.account("Beta", "v-2")
    books.account("Gamma", "v-3")
    books.company("Acme", "1")
    for account in (first, second):
        books.service.customers.confirm(
            books.actor,
            [
                CustomerDecision(
                    account_id=account,
                    psa_connection_id=books.psa,
                    companies=(Share(company_id="1"),),
                    shared=True,
                )
            ],
        )
    text = books.service.customers.export_csv(books.actor, books.psa)
    done = books.service.customers.import_csv(
        books.actor, books.psa, text, dry_run=False
    )
    assert [line.result for line in done.lines] == ["unchanged"] * 3


def test_product_map_round_trip(books):
    books.product("Suite", "P1")
    entry = ProductDecision(
        psa_connection_id=books.psa,
        vendor_connection_id=books.vendor,
        sku="=SKU1",
        sku_name="Suite",
        term="P1Y",
        billing_cycle="monthly",
        psa_product_id="P1",
        factor=Decimal("1.5"),
        rounding="ceil",
        price_mode="markup",
        price_value=Decimal("12.25"),
        taxable=None,
        manage_cost=False,
        valid_from=books.store.clock.now().date(),
    )
    made = books.service.products.confirm(books.actor, [entry])
    text = books.service.products.export_csv(books.actor, books.psa)
    same = books.service.products.import_csv(
        books.actor, books.psa, text, dry_run=False
    )
    assert [line.result for line in same.lines] == ["unchanged"]
    before = books.service.decisions(books.actor, books.psa).products
    books.service.undo(books.actor, made.id)
    assert count(books, ProductMap) == 0
    books.service.products.import_csv(books.actor, books.psa, text, dry_run=False)
    after = books.service.decisions(books.actor, books.psa).products
    assert len(after) == 1
    for name in (
        "sku",
        "factor",
        "price_value",
        "taxable",
        "manage_cost",
        "valid_from",
    ):
        assert getattr(after[0], name) == getattr(before[0], name)


@pytest.mark.parametrize(
    "text", ["", "vendor_connection;status\n", 'a,b\n"broken', "\ufeffsku,status\n"]
)
def test_unreadable_file_is_refused_with_a_remedy(books, text):
    with pytest.raises(Rejected) as refused:
        books.service.customers.import_csv(books.actor, books.psa, text)
    assert refused.value.info.field == "file"
    assert refused.value.info.remedy
