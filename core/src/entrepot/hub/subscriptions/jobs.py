"""The job that counts SKUs in use anew."""

from __future__ import annotations

from entrepot.hub.subscriptions.skus import recount
from entrepot.hub.tenants.service import active_tenants
from entrepot.jobs.context import JobContext
from entrepot.jobs.plain import JsonDict
from entrepot.jobs.registry import JobRegistry
from entrepot.jobs.schedules import Schedule

RECOUNT = "recount_subscriptions"
"""The daily job; what syncs keep is right unless something went wrong."""


def register(registry: JobRegistry) -> None:
    """Make the job known."""
    registry.job(RECOUNT, queue="upkeep")(recount_subscriptions)
    registry.upkeep.append(
        Schedule(id="upkeep-recount-skus", job=RECOUNT, every_seconds=86_400)
    )


def recount_subscriptions(ctx: JobContext) -> JsonDict:
    """Count every reseller's SKUs anew and correct what has drifted."""
    repaired = 0
    for tenant_id in ctx.step(active_tenants, ctx.hub.tenants, name="resellers"):
        repaired += ctx.step(recount, ctx.hub.store, tenant_id, name="recount")
    return {"repaired": repaired}
