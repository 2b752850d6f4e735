"""The jobs that derive the rows of all customers, piece by piece."""

from __future__ import annotations

from sqlalchemy import select

from entrepot.hub.customers import works
from entrepot.hub.customers.tables import Customer
from entrepot.hub.customers.upkeep import JOB, PIECE, derive
from entrepot.hub.tenants.service import active_tenants
from entrepot.jobs.context import JobContext
from entrepot.jobs.errors import JobCancelled
from entrepot.jobs.plain import JsonDict
from entrepot.jobs.registry import JobRegistry
from entrepot.jobs.schedules import Schedule
from entrepot.sdk.errors import EntrepotError
from entrepot.store.scope import TenantScope
from entrepot.store.unit import Store

RECOUNT = "recount_customers"
"""The daily job; what syncs derive is right unless something went wrong."""


def register(registry: JobRegistry) -> None:
    """Make the jobs known."""
    registry.job(works.JOB, queue="upkeep")(work_on_customers)
    registry.job(JOB, queue="upkeep")(derive_customers)
    registry.job(RECOUNT, queue="upkeep")(recount_customers)
    registry.upkeep.append(
        Schedule(id="upkeep-recount", job=RECOUNT, every_seconds=86_400)
    )


def work_on_customers(ctx: JobContext, work_id: str) -> JsonDict:
    """Do something to many customers, part by part."""
    desk: works.CustomerWorks = ctx.hub.customers.works
    try:
        while True:
            ctx.stop_if_cancelled()
            at = ctx.step(desk.work, ctx.tenant_id, work_id, name="work")
            ctx.progress(done=at["done"], total=at["total"], unit="customers")
            if not at["left"]:
                break
    except JobCancelled:
        ctx.step(desk.close, ctx.tenant_id, work_id, "cancelled", name="cancelled")
        raise
    except EntrepotError as error:
        text = error.user_message
        ctx.step(desk.close, ctx.tenant_id, work_id, "failed", text, name="fail")
        raise
    done: JsonDict = ctx.step(desk.close, ctx.tenant_id, work_id, "done", name="close")
    return done


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


def recount_customers(ctx: JobContext) -> JsonDict:
    """Derive every customer of every reseller and correct what has drifted."""
    done = repaired = 0
    for tenant_id in ctx.step(active_tenants, ctx.hub.tenants, name="resellers"):
        told = derive_customers(ctx, tenant_id)
        done, repaired = done + int(told["customers"]), repaired + int(told["repaired"])
    return {"customers": done, "repaired": repaired}


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
