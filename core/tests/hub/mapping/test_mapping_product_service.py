from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from entrepot.hub.mapping.views import ProductDecision, Refreshed
from entrepot.sdk.errors import Conflict


def test_rejected_product_is_remembered(books):
    account = books.account("Acme")
    books.subscription(account, "SKU1", name="Suite")
    books.product("Suite", "P1")
    books.service.refresh_suggestions(books.actor, books.psa)
    found = books.service.decisions(books.actor, books.psa).products[0]
    books.service.products.reject(books.actor, books.psa, [found.id])
    again = books.service.refresh_suggestions(books.actor, books.psa)
    assert again == Refreshed()
    assert books.service.decisions(books.actor, books.psa).products == ()


def test_equal_entry_is_refused_unless_their_times_differ(books):
    books.product("Suite", "P1")
    today = books.store.clock.now().date()
    old = ProductDecision(
        psa_connection_id=books.psa, sku="S", psa_product_id="P1", valid_to=today
    )
    new = ProductDecision(
        psa_connection_id=books.psa, sku="S", psa_product_id="P1", valid_from=today
    )
    early = ProductDecision(
        psa_connection_id=books.psa,
        sku="S",
        psa_product_id="P1",
        valid_from=today - timedelta(days=1),
    )
    books.service.products.confirm(books.actor, [old, new])
    with pytest.raises(Conflict):
        books.service.products.confirm(books.actor, [early])


def test_what_begins_with_the_next_term_is_to_be_mapped_before_it_begins(books):
    account = books.account("Acme")
    planned = [
        {"kind": "next_term", "term": "P1Y", "sku": None, "billing_cycle": "monthly"},
        {"kind": "next_term", "term": "P1Y", "sku": "SKU2", "billing_cycle": "annual"},
        {"kind": "end", "term": "P3Y", "sku": "SKU9", "billing_cycle": ""},
    ]
    books.subscription(
        account, "SKU1", term="P1M", billing_cycle="monthly", scheduled=planned
    )
    books.product("Now", "P1")
    now = ProductDecision(
        psa_connection_id=books.psa, sku="SKU1", term="P1M", psa_product_id="P1"
    )
    books.service.products.confirm(books.actor, [now])
    count = books.service.progress(books.actor, books.psa).products
    assert (count.total, count.undecided) == (2, 2)
    everything = [replace(now, sku=sku, term="P1Y") for sku in ("SKU1", "SKU2")]
    books.service.products.confirm(books.actor, everything)
    count = books.service.progress(books.actor, books.psa).products
    assert (count.total, count.undecided) == (2, 0)
