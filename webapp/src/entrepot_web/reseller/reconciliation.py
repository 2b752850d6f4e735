"""Reconciliation: the verdict, the differences, decisions about them."""

from __future__ import annotations

from datetime import date
from typing import Any

from entrepot.hub.reconciliation.decisions import Decide
from entrepot.hub.reconciliation.queries import IssueQuery
from entrepot.hub.reconciliation.views import IssueView, RunView
from entrepot.sdk.errors import EntrepotError, NotFound
from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.api.issues import issue_shapes
from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.criteria import Criterion
from entrepot_web.lists.reconciliation import ISSUES
from entrepot_web.reseller.pages import chosen, list_view, marks, page, sentence, tagged

pages = Blueprint("console_reconciliation", __name__)


@pages.get("/reconciliation")
@signed_in("reconciliations:read")
def workbench() -> Response:
    """Show the verdict and the differences, those that cost most first."""
    psas = hub().connections.list(actor(), kind="psa")
    if not psas:
        return page("reseller/reconciliation_empty.html", "reconciliation")
    psa = request.args.get("psa", psas[0].id)
    if psa not in {one.id for one in psas}:
        abort(404)
    opened = request.args.get("open", "")
    shown = request.args.get("show", "open")
    criteria = [
        Criterion("psa_connection_id", "eq", (psa,)),
        *chosen(ISSUES, "kind", "severity"),
    ]
    if shown in ("open", "closed"):
        criteria.append(Criterion("is_open", "eq", (shown == "open",)))
    view = list_view(ISSUES, criteria)
    with hub().store.read(scope()) as session:
        issues = issue_shapes(session, view.rows)
    return page(
        "reseller/reconciliation.html",
        "reconciliation",
        psa=psa,
        psas=psas,
        run=_latest(psa),
        totals=hub().reconciliation.totals(actor(), IssueQuery(psa_connection_id=psa)),
        coverage={
            item["outcome"]: item
            for item in hub().reconciliation.coverage(actor(), psa)
        },
        progress=hub().mapping.progress(actor(), psa)
        if actor().may("mappings:read")
        else None,
        plans=hub()
        .reconciliation.plans(
            actor(), states=("draft", "approved", "applying", "verifying"), limit=5
        )
        .items,
        view=view,
        issues=issues,
        opened=_issue(opened) if opened else None,
        shown=shown,
        marks=marks(),
    )


@pages.post("/reconciliation")
@signed_in("reconciliations:write")
def compare() -> WerkzeugResponse:
    """Compare again."""
    psa = request.form.get("psa", "")
    try:
        ref = hub().reconciliation.start(actor(), psa, request.form.get("scope", "all"))
    except NotFound:
        abort(404)
    except EntrepotError as error:
        flash(sentence(error), "warn")
        return redirect("/reconciliation", 303)
    return redirect(f"/reconciliation/runs/{ref.run_id}", 303)


@pages.get("/reconciliation/runs/<run_id>")
@signed_in("reconciliations:read")
def run_page(run_id: str) -> Response:
    """Show one comparison; while it runs, the page follows it."""
    return page(
        "reseller/reconciliation_run.html",
        "reconciliation",
        run=_run(run_id),
        job=_job(run_id),
        marks=marks(),
    )


@pages.get("/reconciliation/runs/<run_id>/progress")
@signed_in("reconciliations:read")
def run_fragment(run_id: str) -> Response:
    """Show how far a comparison is; asked for again every second while it runs."""
    html = render_template(
        "reseller/_recon_run.html", run=_run(run_id), job=_job(run_id), marks=marks()
    )
    return tagged(html)


@pages.get("/reconciliation/history")
@signed_in("reconciliations:read")
def history() -> Response:
    """Show the comparisons so far."""
    found = hub().reconciliation.runs(actor(), limit=50).items
    return page(
        "reseller/reconciliation_history.html",
        "reconciliation",
        runs=found,
        marks=marks(),
    )


@pages.post("/reconciliation/issues/<issue_id>/decide")
@signed_in("reconciliations:write")
def decide(issue_id: str) -> WerkzeugResponse:
    """Ignore or snooze a difference, accept the PSA's value, or write a ticket."""
    issue = _issue(issue_id)
    resolution = request.form.get("resolution", "")
    back = f"/reconciliation?psa={issue.psa_connection_id}"
    try:
        if resolution == "create_ticket":
            hub().reconciliation.create_ticket(actor(), issue_id)
            flash("The ticket is being written.", "ok")
            return redirect(f"{back}&open={issue_id}", 303)
        wanted = Decide(
            resolution=resolution,
            scope=request.form.get("scope", "") if resolution == "ignore" else "",
            until=_date(request.form.get("until", "")),
            reason=request.form.get("reason", "").strip(),
            value_hash=request.form.get("value_hash") or None,
        )
        hub().reconciliation.decide(actor(), issue_id, wanted)
    except EntrepotError as error:
        flash(sentence(error), "warn")
        return redirect(f"{back}&open={issue_id}", 303)
    flash("Decided. It is kept with your name and reason.", "ok")
    return redirect(back, 303)


def _latest(psa: str) -> RunView | None:
    found = hub().reconciliation.runs(actor(), psa_connection_id=psa, limit=1).items
    return found[0] if found else None


def _run(run_id: str) -> RunView:
    try:
        return hub().reconciliation.run(actor(), run_id)
    except NotFound:
        abort(404)


def _issue(issue_id: str) -> IssueView:
    try:
        return hub().reconciliation.issue(actor(), issue_id)
    except NotFound:
        abort(404)


def _job(run_id: str) -> Any:  # noqa: ANN401 - the run's view, or None
    return hub().jobs.runs.find(scope(), run_id)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
