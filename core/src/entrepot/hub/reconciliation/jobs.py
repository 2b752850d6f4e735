"""The durable jobs of reconciliation. Control flow only; every act is a step."""

from __future__ import annotations

from typing import Any

from entrepot.hub.reconciliation.apply_steps import ApplySteps, PlanInfo
from entrepot.hub.reconciliation.rules.results import Do
from entrepot.hub.reconciliation.run_steps import ReconSteps, RunInfo
from entrepot.jobs.context import JobContext
from entrepot.jobs.registry import OUTAGE_DELAYS, JobRegistry
from entrepot.sdk.errors import EntrepotError

RECONCILE = "reconcile"
APPLY = "apply_recon_plan"
TICKET = "recon_ticket"


def register(registry: JobRegistry) -> None:
    """Make the jobs of this capability known."""
    registry.job(RECONCILE, queue="recon")(reconcile_books)
    registry.job(
        APPLY, queue="psa", cancel="before_effects", outage_delays=OUTAGE_DELAYS
    )(apply_plan)
    registry.job(TICKET, queue="psa", outage_delays=OUTAGE_DELAYS)(write_ticket)


def reconcile_books(
    ctx: JobContext, psa_connection_id: str, scope: str = "all", level: int = 1
) -> dict[str, Any]:
    """Compare what was bought with what a PSA will invoice."""
    steps: ReconSteps = ctx.hub.reconciliation.steps
    run = RunInfo(ctx.run_id, ctx.tenant_id, psa_connection_id)
    try:
        return _reconcile(ctx, steps, run, scope, level)
    except EntrepotError as error:
        ctx.step(steps.fail, run, str(error), name="fail")
        raise


def _reconcile(
    ctx: JobContext, steps: ReconSteps, run: RunInfo, scope: str, level: int
) -> dict[str, Any]:
    ctx.step(ctx.hub.reconciliation.resume_plans, run, name="resume_plans")
    ctx.progress(phase="sums", message="Comparing sums in the database")
    begun = ctx.step(steps.begin, run, scope, level, name="begin")
    ctx.progress(phase="detail", done=0, total=begun["total"], unit="customers")
    upto = 0
    while True:
        ctx.stop_if_cancelled()
        worked = ctx.step(steps.work, run, upto, name="work")
        if worked["upto"] == 0:
            break
        upto = worked["upto"]
        ctx.progress(done=upto)
    result: dict[str, Any] = ctx.step(steps.close, run, name="close")
    ctx.step(ctx.hub.reconciliation.approve_by_policy, run, name="approve_by_policy")
    return result


def apply_plan(ctx: JobContext, plan_id: str) -> dict[str, Any]:
    """Write an approved plan to the PSA and prove that it helped."""
    steps: ApplySteps = ctx.hub.reconciliation.applying
    info = PlanInfo(ctx.run_id, ctx.tenant_id, plan_id)
    opened = ctx.step(steps.open, info, name="open_plan")
    connection, companies = opened["connection"], opened["companies"]
    ctx.progress(phase="reading", done=0, total=len(companies), unit="companies")
    for number, company in enumerate(companies, 1):
        ctx.step(steps.read_afresh, info, connection, company, name="read_afresh")
        ctx.progress(done=number)
    groups = opened["groups"]
    settle = ctx.step(
        ctx.hub.reconciliation.writer.settle_seconds, connection, name="settle"
    )
    ctx.progress(phase="writing", done=0, total=len(groups), unit="agreements")
    for number, group in enumerate(groups, 1):
        checked = ctx.step(steps.check, info, group, name="check")
        for part in checked["go"]:
            _write_part(ctx, steps, info, part, connection, settle)
        ctx.progress(done=number)
    ctx.progress(phase="verifying", done=0, total=len(companies), unit="companies")
    for number, company in enumerate(companies, 1):
        ctx.step(steps.read_afresh, info, connection, company, name="read_back")
        ctx.step(steps.verify, info, connection, company, name="verify")
        ctx.progress(done=number)
    result: dict[str, Any] = ctx.step(steps.close, info, name="close_plan")
    return result


def _write_part(
    ctx: JobContext,
    steps: ApplySteps,
    info: PlanInfo,
    part: int,
    connection: str,
    settle: int,
) -> None:
    """Write one key's operations in order; the first that fails ends the part."""
    for write in ctx.step(steps.writes, info, part, name="writes"):
        seq = write["seq"]
        if write["do"] == Do.ADOPT:
            state = ctx.step(steps.adopt, info, part, seq, name="adopt")["state"]
            text = ""
        else:
            writer = ctx.hub.reconciliation.writer
            result = ctx.effect(writer.effect(connection, write, settle))
            ctx.fault(f"apply:{part}:{seq}:sent")
            ctx.step(steps.record, info, part, seq, result.as_json(), name="record")
            state, text = result.state, result.error_text or ""
        if state != "done":
            ended = "unknown" if state == "unknown" else "failed"
            ctx.step(steps.end_part, info, part, ended, text, name="end_part")
            return
    ctx.step(steps.end_part, info, part, "verifying", "", name="end_part")


def write_ticket(ctx: JobContext, issue_id: str) -> dict[str, Any]:
    """Create or update the PSA's ticket of a difference."""
    tickets = ctx.hub.reconciliation.tickets
    wanted = ctx.step(tickets.prepare, ctx.tenant_id, issue_id, name="prepare")
    result = ctx.effect(tickets.effect(wanted))
    ctx.step(tickets.record, ctx.tenant_id, issue_id, result.as_json(), name="record")
    return {"state": result.state, "ticket": result.vendor_reference}
