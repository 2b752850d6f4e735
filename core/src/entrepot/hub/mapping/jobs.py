"""The job that keeps suggestions fresh. Control flow only; every act is a step."""

from __future__ import annotations

from dataclasses import asdict

from entrepot.hub.mapping.service import MappingService
from entrepot.jobs.context import JobContext
from entrepot.jobs.plain import JsonDict
from entrepot.jobs.registry import JobRegistry
from entrepot.store import system_actor

JOB = "suggest_mappings"


def register(registry: JobRegistry) -> None:
    """Make the jobs of this capability known."""
    registry.job(JOB, queue="upkeep")(suggest_mappings)


def suggest_mappings(ctx: JobContext, psa_connection_id: str = "") -> JsonDict:
    """Run the matcher after a sync, against one PSA connection or all (empty)."""
    service: MappingService = ctx.hub.mapping
    wanted = [psa_connection_id]
    if not psa_connection_id:
        wanted = ctx.step(_connections, service, ctx.tenant_id, name="connections")
    totals: dict[str, int] = {}
    for done, psa in enumerate(wanted):
        counts = ctx.step(_refresh, service, ctx.tenant_id, psa, name="refresh")
        totals = {name: totals.get(name, 0) + value for name, value in counts.items()}
        ctx.progress(done=done + 1, total=len(wanted), phase="matching")
    return dict(totals)


def _connections(service: MappingService, tenant_id: str) -> list[str]:
    return list(service.psa_connections(system_actor("matcher", tenant_id)))


def _refresh(service: MappingService, tenant_id: str, psa: str) -> dict[str, int]:
    done = service.refresh_suggestions(system_actor("matcher", tenant_id), psa)
    return asdict(done)
