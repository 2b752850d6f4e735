"""The job that tells of what a run brought. Control flow only; acts are steps."""

from __future__ import annotations

from sqlalchemy.orm import Session

from entrepot.hub.notifications.finding import has_renewals
from entrepot.hub.notifications.forgetting import DAYS, forget_piece
from entrepot.hub.notifications.steps import COMPARISON, READING, NotificationSteps
from entrepot.hub.reconciliation.tables import ReconRun
from entrepot.hub.sync.intake import RunInfo
from entrepot.hub.sync.tables import SyncRun
from entrepot.hub.tenants.service import active_tenants
from entrepot.jobs.context import JobContext
from entrepot.jobs.facade import Jobs
from entrepot.jobs.plain import JsonDict
from entrepot.jobs.registry import OUTAGE_DELAYS, JobRegistry
from entrepot.jobs.schedules import Schedule
from entrepot.sdk.errors import Retryable

JOB, FORGET = "send_notifications", "forget_notifications"
_STREAMS = ("subscriptions", "refreshed")
_WATCHED = ("changed", "gone", "back", "failed")


def register(registry: JobRegistry) -> None:
    """Make the job known."""
    registry.job(JOB, queue="mail", outage_delays=OUTAGE_DELAYS)(send_notifications)
    registry.job(FORGET, queue="upkeep")(forget_notifications)
    registry.upkeep.append(
        Schedule(
            id="upkeep-notifications",
            job=FORGET,
            every_seconds=86_400,
            args={"days": DAYS},
        )
    )


def forget_notifications(ctx: JobContext, days: int = DAYS) -> JsonDict:
    """Delete what every reseller was told longer ago than so many days."""
    forgotten = 0
    for tenant_id in ctx.step(active_tenants, ctx.hub.tenants, name="resellers"):
        while count := ctx.step(
            forget_piece, ctx.hub.store, tenant_id, days, name="forget"
        ):
            forgotten += count
    return {"notifications": forgotten}


def send_notifications(ctx: JobContext, source: str, of: str) -> JsonDict:
    """Note what a run brought, then mail it, once to everybody.

    Args:
        ctx: The run.
        source: The sync run or comparison that is told of.
        of: ``reading`` or ``comparison``.
    """
    steps: NotificationSteps = ctx.hub.customer_notifications.steps
    tenant, after, done = ctx.tenant_id, "", 0
    ctx.step(steps.find, tenant, source, of, name="find")
    written = ctx.step(steps.write, tenant, source, name="write")
    ctx.progress(phase="mails", done=0, total=written["mails"], unit="mails")
    while True:
        ctx.stop_if_cancelled()
        page = ctx.step(steps.waiting, tenant, source, after, name="waiting")
        if not page:
            break
        for after in page:
            ctx.stop_if_cancelled()
            state = ctx.step(steps.deliver, tenant, after, name="deliver")
            if state == "waiting":
                raise Retryable(
                    "mail_not_taken",
                    "The mail server did not take a mail.",
                    remedy="Check the mail settings; it is tried again by itself.",
                )
            done += 1
            ctx.progress(done=done)
    counts: JsonDict = ctx.step(steps.close, tenant, source, name="close")
    return counts


class AfterReading:
    """Submits the job for a reading that may have brought something to tell.

    Args:
        jobs: Durable work.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def __call__(self, session: Session, run: RunInfo, row: SyncRun) -> None:
        """Submit it in the unit that closes the reading.

        A full reading that changed nothing is looked at as well: time alone brings
        renewals near. Where there is nothing to tell, nothing is written.
        """
        counts = [row.counts.get(name) for name in _STREAMS]
        if all(one is None for one in counts):
            return
        changed = any(one.get(name) for one in counts if one for name in _WATCHED)
        told = changed or bool(row.incomplete_reason)
        if not told and row.mode == "full":
            told = has_renewals(session, row, run.tenant_id)
        if told:
            submit(self._jobs, session, run.run_id, READING)


class AfterComparison:
    """Submits the job for a comparison that found something new.

    Args:
        jobs: Durable work.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def __call__(self, session: Session, row: ReconRun) -> None:
        """Submit it in the unit that closes the comparison."""
        if row.counts.get("new"):
            submit(self._jobs, session, row.id, COMPARISON)


def submit(jobs: Jobs, session: Session, source: str, of: str, again: str = "") -> None:
    """Submit the job for a run, in the caller's unit of work.

    Args:
        jobs: Durable work.
        session: The unit's.
        source: The run.
        of: ``reading`` or ``comparison``.
        again: Makes another run of it, after a person asked for one.
    """
    jobs.submit(
        session,
        JOB,
        run_id=f"{JOB}:{source}{again}",
        args={"source": source, "of": of},
        requested_by="notifications",
        cause="button" if again else of,
    )
