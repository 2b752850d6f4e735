"""Comparisons: one as it runs, the history, and what changed between two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from entrepot.hub.reconciliation.queries import names_of, with_names
from entrepot.hub.reconciliation.tables import ReconIssue
from entrepot.hub.reconciliation.views import IssueView, RunView, run_view
from entrepot.sdk.errors import EntrepotError, NotFound
from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import func, select, type_coerce
from sqlalchemy.types import BigInteger

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.criteria import Criterion
from entrepot_web.lists.reconciliation import RECONCILIATIONS
from entrepot_web.reseller.pages import list_view, marks, page, sentence, tagged

pages = Blueprint("console_comparisons", __name__)
SHOWN = 50
_CHUNK = 500


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
    """Show the comparisons so far, newest first; two of them can be compared."""
    psa = request.args.get("psa", "")
    criteria = [Criterion("psa_connection_id", "eq", (psa,))] if psa else []
    view = list_view(RECONCILIATIONS, criteria)
    return page(
        "reseller/reconciliation_history.html",
        "reconciliation",
        runs=[run_view(row[0]) for row in view.rows],
        view=view,
        marks=marks(),
    )


@pages.get("/reconciliation/changes")
@signed_in("reconciliations:read")
def changes() -> Response:
    """Show which differences appeared and vanished between two comparisons."""
    before, after = request.args.get("before", ""), request.args.get("after", "")
    problem, found = "", None
    try:
        found = hub().reconciliation.compare_runs(actor(), before, after)
    except NotFound:
        abort(404)
    except EntrepotError as error:
        problem = sentence(error)
    parts = {}
    if found is not None:
        for name in ("opened", "closed", "still_open"):
            ids = getattr(found, name)
            parts[name] = (len(ids), _sums(ids), _issues(ids))
    answer = page(
        "reseller/reconciliation_changes.html",
        "reconciliation",
        found=found,
        parts=parts,
        problem=problem,
        marks=marks(),
    )
    answer.status_code = 422 if problem else 200
    return answer


def _issues(ids: tuple[str, ...]) -> list[IssueView]:
    """Return the dearest of some differences."""
    size = func.abs(
        func.coalesce(type_coerce(ReconIssue.impact_recurring, BigInteger), 0)
    )
    picked: list[tuple[int, ReconIssue]] = []
    with hub().store.read(scope()) as session:
        for part in _chunks(ids):
            query = select(size, ReconIssue).where(ReconIssue.id.in_(part))
            found = session.execute(query.order_by(size.desc()).limit(SHOWN))
            picked += [(row[0], row[1]) for row in found]
        picked.sort(key=lambda one: (-one[0], one[1].id))
        rows = [row for _, row in picked[:SHOWN]]
        names = names_of(session, actor().tenant_id, rows)
        return [with_names(row, names) for row in rows]


def _sums(ids: tuple[str, ...]) -> list[tuple[str, Decimal, Decimal]]:
    """Return under- and over-billed money by currency, never netted."""
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    with hub().store.read(scope()) as session:
        for part in _chunks(ids):
            query = select(ReconIssue.currency, ReconIssue.impact_recurring).where(
                ReconIssue.id.in_(part), ReconIssue.impact_recurring.is_not(None)
            )
            for currency, amount in session.execute(query):
                money = amount or Decimal(0)
                sums[currency][money < 0] += abs(money)
    return [(key, sums[key][0], sums[key][1]) for key in sorted(sums) if key]


def _chunks(ids: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    return (ids[at : at + _CHUNK] for at in range(0, len(ids), _CHUNK))


def _run(run_id: str) -> RunView:
    try:
        return hub().reconciliation.run(actor(), run_id)
    except NotFound:
        abort(404)


def _job(run_id: str) -> Any:  # noqa: ANN401 - the run's view, or None
    return hub().jobs.runs.find(scope(), run_id)
