"""The job that reads usage and charges. Control flow only; every act is a step."""

from __future__ import annotations

from typing import Any

from entrepot.hub.charges.steps import ChargeSteps
from entrepot.hub.sync.intake import RunInfo
from entrepot.jobs.context import JobContext
from entrepot.jobs.registry import JobRegistry
from entrepot.sdk.errors import EntrepotError

JOB = "sync_charges"


def register(registry: JobRegistry) -> None:
    """Make the jobs of this capability known."""
    registry.job(JOB, queue="sync")(sync_charges)


def sync_charges(ctx: JobContext, connection_id: str, period: str) -> dict[str, Any]:
    """Read the usage and charges of one connection.

    Args:
        ctx: The run.
        connection_id: Which connection.
        period: One month, such as ``2026-03``; empty for the open month and those
            that vendors still restate.
    """
    steps: ChargeSteps = ctx.hub.charges.steps
    run = RunInfo(ctx.run_id, ctx.tenant_id, connection_id)
    plan: list[list[str]] = []
    try:
        plan = ctx.step(steps.plan, run, period, name="plan")
        done = {
            f"{kind} {name}": _read(ctx, steps, run, kind, name) for kind, name in plan
        }
        result: dict[str, Any] = ctx.step(steps.close, run, done, name="close")
    except EntrepotError as error:
        ctx.step(steps.fail, run, plan, error, name="fail")
        raise
    return result


def _read(
    ctx: JobContext, steps: ChargeSteps, run: RunInfo, kind: str, month: str
) -> dict[str, Any]:
    message = f"Reading {kind} of {month}"
    ctx.progress(phase=f"{kind} {month}", done=0, unit="lines", message=message)
    finished = False
    while not finished:
        ctx.stop_if_cancelled()
        finished = ctx.step(
            steps.read,
            run,
            kind,
            month,
            lambda done: ctx.progress(done=done),
            ctx.cancelled,
            name=f"read:{kind}",
        )
    found: dict[str, Any] = ctx.step(steps.finish, run, kind, month, name="finish")
    return found
