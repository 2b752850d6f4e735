"""Stale mappings are reported as stale, not as undecided; the excluded is left out."""

from __future__ import annotations

from entrepot.hub.psa.tables import PsaCompany, PsaProductRow
from entrepot.store import TenantScope
from sqlalchemy import update


def switch_off(books, table: type, vendor_id: str) -> None:
    with books.hub.store.unit(TenantScope(books.actor.tenant_id)) as session:
        session.execute(
            update(table)
            .where(
                table.tenant_id == books.actor.tenant_id, table.vendor_id == vendor_id
            )
            .values(active=False)
        )


def test_company_that_went_inactive_is_a_stale_mapping(contoso):
    switch_off(contoso, PsaCompany, "contoso")
    done = contoso.hub.mapping.refresh_suggestions(contoso.actor, contoso.psa_id)
    assert done.stale == 1
    contoso.reconcile()
    assert contoso.kinds() == ["CUSTOMER_MAPPING_STALE"]


def test_product_that_went_inactive_is_a_stale_mapping(contoso):
    switch_off(contoso, PsaProductRow, "5501")
    done = contoso.hub.mapping.refresh_suggestions(contoso.actor, contoso.psa_id)
    assert done.stale == 1
    contoso.reconcile()
    assert contoso.kinds() == ["PRODUCT_MAPPING_STALE"]


def test_what_somebody_excluded_is_not_called_incomplete(contoso):
    """Looked at in detail first, then by sums alone: both say the same."""
    contoso.vendor.sell("contoso", "s2", 3, sku="azure")
    contoso.sync()
    with contoso.hub.store.unit(TenantScope(contoso.actor.tenant_id)) as session:
        contoso.map_product(session, "azure", "", status="excluded")
    for _ in range(2):
        run = contoso.reconcile()
        assert (run.outcome, run.counts["skipped"]) == ("clean", 0)
        assert run.counts["subscriptions"] == 1
