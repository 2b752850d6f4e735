"""Sync runs: what is running, live, and what has run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.hub.sync.tables import SyncCheckpoint, SyncRun, SyncScope
from entrepot.jobs.errors import JobsError
from entrepot.sdk.errors import EntrepotError
from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.api.sync_runs import SyncRunShape, find_sync_run, sync_run_views
from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.lists.runs import SYNC_RUNS
from entrepot_web.reseller.pages import (
    chosen,
    list_view,
    marks,
    page,
    sentence,
    tagged,
)

pages = Blueprint("console_sync", __name__)
STRIP_RUNS = 24
CHART_RUNS = 48
_HIGH = 92


@dataclass(frozen=True, slots=True)
class Bar:
    """One run in the history chart.

    Attributes:
        seconds: How long it lasted, or lasts so far.
        high: Height of its bar, of 92.
    """

    run: SyncRunShape
    seconds: float
    high: int

    @property
    def read(self) -> int:
        """How many objects it read."""
        return self._sum("read")

    @property
    def changed(self) -> int:
        """How many objects were new, changed, gone or back."""
        return self._sum("new", "changed", "gone", "back")

    def _sum(self, *names: str) -> int:
        counts = [one for one in self.run.counts.values() if isinstance(one, dict)]
        return sum(int(one.get(name) or 0) for one in counts for name in names)


@pages.get("/sync-runs")
@signed_in("sync:read")
def sync_run_list() -> Response:
    """Show the sources, what is running, and the history."""
    view = list_view(SYNC_RUNS, chosen(SYNC_RUNS, "connection_id", "state"))
    with hub().store.read(scope()) as session:
        runs = sync_run_views(session, view.rows)
    charted = runs_of(request.args.get("connection_id", ""))
    return page(
        "reseller/sync_runs.html",
        "sync",
        view=view,
        runs=runs,
        active=active_runs(),
        connections=hub().connections.list(actor()),
        strips=strips(),
        schedules=_schedules(),
        fresh=_fresh(),
        bars=bars([run for run in charted if run.ended_at]),
        marks=marks(),
    )


@pages.get("/sync-runs/active")
@signed_in("sync:read")
def active_fragment() -> Response:
    """Show what is running now; asked for again every second."""
    html = render_template(
        "reseller/_active_runs.html", active=active_runs(), marks=marks()
    )
    return tagged(html)


@pages.post("/sync-runs")
@signed_in("sync:write")
def start_sync() -> WerkzeugResponse:
    """Start reading a connection."""
    connection_id = request.form.get("connection_id", "")
    mode = request.form.get("mode", "incremental")
    try:
        ref = hub().sync.start(actor(), connection_id, mode=mode)
    except EntrepotError as error:
        flash(sentence(error), "warn")
        return redirect("/sync-runs", 303)
    if ref.joined:
        flash(_("This connection is being read already; here is that run."), "info")
    return redirect(f"/sync-runs/{ref.run_id}", 303)


@pages.get("/sync-runs/<run_id>")
@signed_in("sync:read")
def sync_run(run_id: str) -> Response:
    """Show one run; while it runs, the page follows it."""
    return page("reseller/sync_run.html", "sync", **_context(run_id))


@pages.get("/sync-runs/<run_id>/progress")
@signed_in("sync:read")
def run_fragment(run_id: str) -> Response:
    """Show how far a run is; asked for again every second while it runs."""
    return tagged(render_template("reseller/_sync_run.html", **_context(run_id)))


def _context(run_id: str) -> dict[str, Any]:
    run = _found(run_id)
    checkpoints = _checkpoints(run_id) if run.ended_at is None else {}
    return {
        "run": run,
        # A run keeps its counts when it ends; until then its checkpoints have them.
        "counts": checkpoints | dict(run.counts),
        "left_out": _left_out(run_id),
        "marks": marks(),
    }


def _checkpoints(run_id: str) -> dict[str, Any]:
    query = select(SyncCheckpoint.stream, SyncCheckpoint.counts).where(
        SyncCheckpoint.run_id == run_id
    )
    with hub().store.read(scope()) as session:
        return {row.stream: row.counts for row in session.execute(query)}


def _left_out(run_id: str) -> list[Any]:
    """Return what a run could not read to its end, and why; at most fifty."""
    query = (
        select(SyncScope.stream, SyncScope.scope, SyncScope.reason)
        .where(SyncScope.run_id == run_id, SyncScope.complete.is_(False))
        .order_by(SyncScope.stream, SyncScope.scope)
        .limit(50)
    )
    with hub().store.read(scope()) as session:
        return list(session.execute(query).all())


@pages.post("/sync-runs/<run_id>/cancel")
@signed_in("sync:write")
def cancel_run(run_id: str) -> WerkzeugResponse:
    """Ask a run to stop; what was read stays."""
    _found(run_id)
    try:
        hub().jobs.runs.cancel(scope(), run_id)
        flash(_("The run stops at its next step. What was read stays."), "ok")
    except JobsError as error:
        flash(str(error), "warn")
    return redirect(f"/sync-runs/{run_id}", 303)


@pages.post("/sync-runs/<run_id>/retry")
@signed_in("sync:write")
def retry_run(run_id: str) -> WerkzeugResponse:
    """Read again what this run was to read."""
    run = _found(run_id)
    mode = "full" if run.mode == "full" else "incremental"
    try:
        if run.mode == "customer":
            ref = hub().sync.start_subject(actor(), run.connection_id, run.subject)
        else:
            ref = hub().sync.start(actor(), run.connection_id, mode=mode)
    except EntrepotError as error:
        flash(sentence(error), "warn")
        return redirect(f"/sync-runs/{run_id}", 303)
    return redirect(f"/sync-runs/{ref.run_id}", 303)


def _schedules() -> dict[str, int | None]:
    """Return every how many seconds each connection is read by itself."""
    found = {}
    for one in hub().connections.list(actor()):
        schedule = hub().sync.schedule_of(actor(), one.id)
        found[one.id] = schedule.every_seconds if schedule else None
    return found


def _fresh() -> dict[str, tuple[bool, datetime | None, str]]:
    """Return per connection: whether all is complete, since when, or why not."""
    with hub().store.read(scope()) as session:
        sources = parts().freshness.read(session, actor().tenant_id, ()).sources
    found: dict[str, tuple[bool, datetime | None, str]] = {}
    for one in sources:
        complete, at, reason = found.get(one.connection_id, (True, None, ""))
        moments = [moment for moment in (at, one.complete_at) if moment]
        found[one.connection_id] = (
            complete and one.complete,
            min(moments) if moments else None,
            reason or one.reason,
        )
    return found


def active_runs() -> list[SyncRunShape]:
    """Return the runs that have not ended, oldest first."""
    query = (
        SYNC_RUNS.base.where(SyncRun.state.in_(("queued", "running")))
        .order_by(SyncRun.created_at, SyncRun.id)
        .limit(6)
    )
    with hub().store.read(scope()) as session:
        found = sync_run_views(session, session.execute(query).all())
    return [run for run in found if run.ended_at is None]


def latest_runs(limit: int) -> list[SyncRunShape]:
    """Return the newest runs."""
    query = SYNC_RUNS.base.order_by(SyncRun.created_at.desc(), SyncRun.id.desc()).limit(
        limit
    )
    with hub().store.read(scope()) as session:
        return sync_run_views(session, session.execute(query).all())


def strips() -> dict[str, Sequence[str]]:
    """Return the results of the last runs per connection, oldest first."""
    query = (
        select(SyncRun.connection_id, SyncRun.state)
        .order_by(SyncRun.created_at.desc())
        .limit(STRIP_RUNS * 20)
    )
    found: dict[str, list[str]] = {}
    with hub().store.read(scope()) as session:
        for connection_id, state in session.execute(query):
            strip = found.setdefault(connection_id, [])
            if len(strip) < STRIP_RUNS:
                strip.insert(0, state)
    return dict(found)


def runs_of(connection_id: str, limit: int = CHART_RUNS) -> list[SyncRunShape]:
    """Return the newest runs of a connection, oldest first; all when it is empty."""
    query = SYNC_RUNS.base.order_by(SyncRun.created_at.desc(), SyncRun.id.desc())
    if connection_id:
        query = query.where(SyncRun.connection_id == connection_id)
    with hub().store.read(scope()) as session:
        rows = session.execute(query.limit(limit)).all()
        return sync_run_views(session, rows)[::-1]


def bars(runs: Sequence[SyncRunShape]) -> list[Bar]:
    """Return runs as bars: as high as they lasted, coloured by their result."""
    now = hub().clock.now()
    spans = [
        ((run.ended_at or now) - run.started_at).total_seconds()
        if run.started_at
        else 0.0
        for run in runs
    ]
    longest = max(spans, default=0.0) or 1.0
    return [
        Bar(run, span, max(4, round(_HIGH * span / longest)))
        for run, span in zip(runs, spans, strict=True)
    ]


def _found(run_id: str) -> SyncRunShape:
    run = find_sync_run(run_id)
    if run is None:
        abort(404)
    return run
