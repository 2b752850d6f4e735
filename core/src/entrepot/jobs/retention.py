"""What is kept for how long: the engine's rows briefly, ours as long as asked."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from entrepot.jobs.plain import JsonDict
from entrepot.jobs.registry import JobRegistry
from entrepot.jobs.schedules import Schedule
from entrepot.jobs.tables import JobReread, JobRun
from entrepot.store.base import SYSTEM_TENANT
from entrepot.store.scope import SystemScope, TenantScope

if TYPE_CHECKING:
    from entrepot.jobs.context import JobContext
    from entrepot.jobs.facade import Jobs

JOB_NAME = "upkeep_retention"
ENGINE_DAYS = 14
RUN_DAYS = 400
BATCH = 500
_SCOPE = SystemScope("retention")


def register(registry: JobRegistry) -> None:
    """Register the upkeep job."""

    @registry.job(JOB_NAME, queue="upkeep")
    def upkeep_retention(
        ctx: JobContext, engine_days: int = ENGINE_DAYS, run_days: int = RUN_DAYS
    ) -> JsonDict:
        engine_rows = run_rows = 0
        while count := ctx.step(_purge_engine, ctx.jobs, engine_days, name="engine"):
            engine_rows += count
        while count := ctx.step(_purge_runs, ctx.jobs, run_days, name="runs"):
            run_rows += count
        return {"engine_rows": engine_rows, "run_rows": run_rows}


def schedule(*, engine_days: int = ENGINE_DAYS, run_days: int = RUN_DAYS) -> Schedule:
    """Return the rule that runs the upkeep once a day."""
    return Schedule(
        id="upkeep-retention",
        job=JOB_NAME,
        every_seconds=86_400,
        args={"engine_days": engine_days, "run_days": run_days},
    )


def ensure_schedules(jobs: Jobs) -> None:
    """Add the rules of upkeep that are missing; an operator's own figures stay."""
    known = {rule.id for rule in jobs.schedules.rules(SYSTEM_TENANT)}
    for wanted in (schedule(), *jobs.registry.upkeep):
        if wanted.id in known:
            continue
        # Another worker that starts at this moment may be first; that is as good.
        with (
            contextlib.suppress(IntegrityError),
            jobs.store.unit(TenantScope(SYSTEM_TENANT)) as session,
        ):
            jobs.schedules.put(session, wanted)


def _purge_engine(jobs: Jobs, days: int) -> int:
    moment = jobs.clock.now() - timedelta(days=days)
    old = jobs.engine.ended_before(moment.isoformat(), BATCH)
    if old:
        jobs.engine.delete(old)
    return len(old)


def _purge_runs(jobs: Jobs, days: int) -> int:
    moment = jobs.clock.now() - timedelta(days=days)

    def batch(session: Session) -> list[str]:
        ended = JobRun.ended_at < moment
        query = select(JobRun.id).where(JobRun.ended_at.is_not(None), ended)
        return list(session.execute(query.limit(BATCH)).scalars())

    with jobs.store.unit(_SCOPE) as session:
        old = batch(session)
        session.execute(delete(JobReread).where(JobReread.run_id.in_(old)))
        session.execute(delete(JobRun).where(JobRun.id.in_(old)))
    return len(old)
