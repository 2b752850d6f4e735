"""The job that derives the rows of all customers, piece by piece."""

from __future__ import annotations

from sqlalchemy import select

from entrepot.hub.customers.tables import Customer
from entrepot.hub.customers.upkeep import JOB, PIECE, derive
from entrepot.jobs.context import JobContext
from entrepot.jobs.plain import JsonDict
from entrepot.jobs.registry import JobRegistry
from entrepot.store.scope import TenantScope
from entrepot.store.unit import Store


def register(registry: JobRegistry) -> None:
    """Make the job known."""
    registry.job(JOB, queue="upkeep")(derive_customers)


def derive_customers(ctx: JobContext, tenant_id: str) -> JsonDict:
    """Derive every customer of a reseller: contact, counters, facets, search."""
    last, repaired, done = "", 0, 0
    while True:
        found = ctx.step(derive_piece, ctx.hub.store, tenant_id, last, name="derive")
        repaired, done = repaired + found["repaired"], done + found["count"]
        last = found["last"]
        if not last:
            return {"customers": done, "repaired": repaired}
        ctx.progress(done=done, unit="customers", phase="deriving")


def derive_piece(store: Store, tenant_id: str, last: str) -> dict[str, int | str]:
    """Derive the customers behind an id; ``last`` is empty when there are no more."""
    with store.unit(TenantScope(tenant_id)) as session:
        ids = session.scalars(
            select(Customer.id)
            .where(Customer.tenant_id == tenant_id, Customer.id > last)
            .order_by(Customer.id)
            .limit(PIECE)
        ).all()
        repaired = derive(session, tenant_id, ids)
    return {
        "last": ids[-1] if len(ids) == PIECE else "",
        "count": len(ids),
        "repaired": repaired,
    }
