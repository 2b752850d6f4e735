from __future__ import annotations

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
