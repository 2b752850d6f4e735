"""The job that reads a connection. Control flow only; every act is a step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from entrepot.hub.sync import ahead
from entrepot.hub.sync.intake import RunInfo
from entrepot.hub.sync.service import CRAWL, JOB, subject_stream
from entrepot.hub.sync.steps import SKIPPED, SyncSteps
from entrepot.jobs.context import JobContext
from entrepot.jobs.plain import JsonDict
from entrepot.jobs.registry import OUTAGE_DELAYS, JobRegistry
from entrepot.sdk.errors import EntrepotError

_BATCH = 40  # customers per step
_PASSES = 3  # how often triggers that joined may make one run read again


@dataclass(frozen=True, slots=True)
class Wishes:
    """What triggers that joined a run want read.

    Attributes:
        whole: The connection.
        full: All of it, whatever changed.
        subjects: Customers or companies, each once.
    """

    whole: bool
    full: bool
    subjects: list[str]

    @classmethod
    def of(cls, concerns: list[Any]) -> Wishes:
        """The wishes in the concerns of joined submissions."""
        named = [one["subject"] for one in concerns if one["subject"]]
        return cls(
            whole=len(named) < len(concerns),
            full=any(one["mode"] == "full" for one in concerns),
            subjects=list(dict.fromkeys(named)),
        )


def register(registry: JobRegistry) -> None:
    """Make the jobs of this capability known."""
    registry.job(JOB, queue="sync", outage_delays=OUTAGE_DELAYS)(sync_connection)
    registry.job(ahead.JOB, queue="ahead", outage_delays=OUTAGE_DELAYS)(read_ahead)


def read_ahead(ctx: JobContext, connection_id: str, after: str) -> JsonDict:
    """Read contacts and orders of customers of whom they were never read."""
    steps: ahead.ReadAhead = ctx.hub.sync.ahead
    run, done = RunInfo(ctx.run_id, ctx.tenant_id, connection_id), Counter[str]()
    while True:
        ctx.stop_if_cancelled()
        found = ctx.step(steps.piece, run, after, name="piece")
        after = found.pop("last")
        done.update(found)
        ctx.progress(done=done["read"], unit="customers", phase="reading ahead")
        if not after or done["refused"] == done["read"]:
            break  # who may not look at one piece of them may not look at the next
        if done["read"] >= ahead.MOST:
            ctx.step(steps.go_on, run, after, name="go_on")
            break
    return dict(done)


def sync_connection(
    ctx: JobContext, connection_id: str, mode: str, subject: str
) -> dict[str, Any]:
    """Read one connection, or one customer of it, into the books."""
    steps: SyncSteps = ctx.hub.sync.steps
    run = RunInfo(ctx.run_id, ctx.tenant_id, connection_id)
    try:
        return _sync(ctx, steps, run, mode, subject)
    except EntrepotError as error:
        ctx.step(steps.fail_run, run, error, name="fail_run")
        raise


def _sync(
    ctx: JobContext, steps: SyncSteps, run: RunInfo, mode: str, subject: str
) -> dict[str, Any]:
    stream = subject_stream(subject) if mode == "customer" else CRAWL
    # What joined before the reading begins is answered by the reading itself.
    early = Wishes.of(ctx.rereads())
    if early.full and mode == "incremental":
        mode = "full"
    opened = ctx.step(
        steps.open_run, run, mode, subject, stream, "schedule", name="open_run"
    )
    feed_at, soon, followed = opened["at"], opened["mode"] == "customer", False
    if opened["mode"] == SKIPPED:
        return {"state": SKIPPED, "counts": {}}
    if soon:
        _refresh(ctx, steps, run, [subject], soon=soon)
    elif opened["mode"] == "feed":
        feed_at, followed = _follow_feed(
            ctx, steps, run, opened["all_streams"], early.subjects
        )
    else:
        _crawl(ctx, steps, run, opened["streams"])
    _read_again(ctx, steps, run, opened["all_streams"], soon=soon)
    result: dict[str, Any] = ctx.step(
        steps.close_run,
        run,
        "" if soon else feed_at,
        followed=followed,
        name="close_run",
    )
    return result


def _crawl(
    ctx: JobContext, steps: SyncSteps, run: RunInfo, streams: list[list[str]]
) -> None:
    for name, per in streams:
        ctx.progress(phase=name, done=0, unit="objects", message=f"Reading {name}")
        finished = False
        while not finished:
            ctx.stop_if_cancelled()
            finished = ctx.step(
                steps.crawl,
                run,
                name,
                per,
                lambda done, total: ctx.progress(done=done, total=total),
                ctx.cancelled,
                name=f"crawl:{name}",
            )
        ctx.step(steps.finish_stream, run, name, per, name=f"finish:{name}")


def _follow_feed(
    ctx: JobContext,
    steps: SyncSteps,
    run: RunInfo,
    streams: list[list[str]],
    hinted: list[str],
) -> tuple[str, bool]:
    """Read what changed; returns where the feed goes on, and whether it was enough."""
    ctx.progress(phase="changes", message="Asking what changed")
    found = ctx.step(steps.read_feed, run, name="read_feed")
    if found["whole"]:
        _crawl(ctx, steps, run, streams)
    else:
        wanted = [stream for stream in streams if stream[0] in found["streams"]]
        _crawl(ctx, steps, run, wanted)
        _refresh(ctx, steps, run, list(dict.fromkeys([*found["subjects"], *hinted])))
    return str(found["at"]), not found["whole"]


def _refresh(
    ctx: JobContext,
    steps: SyncSteps,
    run: RunInfo,
    subjects: list[str],
    *,
    soon: bool = False,
) -> None:
    ctx.progress(phase="customers", done=0, total=len(subjects), unit="customers")
    for start in range(0, len(subjects), _BATCH):
        ctx.stop_if_cancelled()
        batch = subjects[start : start + _BATCH]
        done = ctx.step(steps.refresh, run, batch, soon=soon, name="refresh")
        ctx.step(steps.add_counts, run, "refreshed", done["counts"], name="add_counts")
        ctx.progress(done=start + len(batch))


def _read_again(
    ctx: JobContext,
    steps: SyncSteps,
    run: RunInfo,
    streams: list[list[str]],
    *,
    soon: bool,
) -> None:
    """Read what triggers that joined this run while it ran are about.

    What still comes in after the last pass is given to a follow-up run.
    """
    for _ in range(_PASSES):
        concerns = ctx.rereads()
        if not concerns:
            return
        wishes = Wishes.of(concerns)
        subjects = wishes.subjects
        if wishes.whole:
            fresh = ctx.step(
                steps.read_changes_or_all, run, wishes.full, name="what_again"
            )
            _crawl(ctx, steps, run, [s for s in streams if s[0] in fresh["streams"]])
            subjects = subjects + fresh["subjects"]
        _refresh(ctx, steps, run, list(dict.fromkeys(subjects)), soon=soon)
