"""Sync runs: what is running, live, and what has run."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.hub.sync.tables import SyncRun
from entrepot.jobs.errors import JobsError
from entrepot.sdk.errors import EntrepotError
from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.api.sync_runs import SyncRunShape, find_sync_run, sync_run_views
from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
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


@pages.get("/sync-runs")
@signed_in("sync:read")
def sync_run_list() -> Response:
    """Show the sources, what is running, and the history."""
    view = list_view(SYNC_RUNS, chosen(SYNC_RUNS, "connection_id", "state"))
    with hub().store.read(scope()) as session:
        runs = sync_run_views(session, view.rows)
    return page(
        "reseller/sync_runs.html",
        "sync",
        view=view,
        runs=runs,
        active=active_runs(),
        connections=hub().connections.list(actor()),
        strips=strips(),
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
        flash("This connection is being read already; here is that run.", "info")
    return redirect(f"/sync-runs/{ref.run_id}", 303)


@pages.get("/sync-runs/<run_id>")
@signed_in("sync:read")
def sync_run(run_id: str) -> Response:
    """Show one run; while it runs, the page follows it."""
    run = _found(run_id)
    return page("reseller/sync_run.html", "sync", run=run, marks=marks())


@pages.get("/sync-runs/<run_id>/progress")
@signed_in("sync:read")
def run_fragment(run_id: str) -> Response:
    """Show how far a run is; asked for again every second while it runs."""
    html = render_template("reseller/_sync_run.html", run=_found(run_id), marks=marks())
    return tagged(html)


@pages.post("/sync-runs/<run_id>/cancel")
@signed_in("sync:write")
def cancel_run(run_id: str) -> WerkzeugResponse:
    """Ask a run to stop; what was read stays."""
    _found(run_id)
    try:
        hub().jobs.runs.cancel(scope(), run_id)
        flash("The run stops at its next step. What was read stays.", "ok")
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


def _found(run_id: str) -> SyncRunShape:
    run = find_sync_run(run_id)
    if run is None:
        abort(404)
    return run
