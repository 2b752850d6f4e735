"""The job that lets writes go on after a restore. Control flow only."""

from __future__ import annotations

from typing import Any

from entrepot.hub.backup.writes import OutgoingWrites
from entrepot.jobs.context import JobContext
from entrepot.jobs.registry import JobRegistry
from entrepot.jobs.restore import RESUME_JOB
from entrepot.store import operator_actor

_DELAYS = (60.0,) * 30 + (300.0,) * 100


def register(registry: JobRegistry) -> None:
    """Make the jobs of this capability known."""
    registry.job(RESUME_JOB, queue="upkeep", outage_delays=_DELAYS)(resume_writes)


def resume_writes(ctx: JobContext) -> dict[str, Any]:
    """Look up every write that may have gone out, then allow writes again."""
    writes: OutgoingWrites = ctx.hub.writes
    ctx.progress(phase="waiting", message="Waiting until the PSA shows what it took")
    ctx.step(_settle, ctx, writes, name="settle")
    ctx.progress(phase="probing", message="Looking up writes that may have gone out")
    found: dict[str, Any] = ctx.step(writes.look_up, name="look_up")
    ctx.step(_resume, writes, found, name="resume")
    return found


def _settle(ctx: JobContext, writes: OutgoingWrites) -> int:
    seconds = writes.settle_seconds()
    until = ctx.jobs.clock.monotonic() + seconds
    while (left := until - ctx.jobs.clock.monotonic()) > 0 and not ctx.cancelled():
        ctx.jobs.clock.sleep(min(left, 1.0))
    return seconds


def _resume(writes: OutgoingWrites, found: dict[str, Any]) -> None:
    told = ", ".join(f"{count} {name}" for name, count in found.items())
    writes.resume(operator_actor("restore"), f"all open writes were looked up: {told}")
