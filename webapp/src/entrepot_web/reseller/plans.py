"""Plans: what exactly would be written, approval, and following the writing."""

from __future__ import annotations

from typing import Any

from entrepot.hub.psa.tables import PsaCompany, PsaLine, PsaProductRow
from entrepot.hub.reconciliation.rules.issues import texts
from entrepot.hub.reconciliation.views import PlanView
from entrepot.jobs.views import RunQuery
from entrepot.sdk.errors import Conflict, EntrepotError, NotFound
from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.reseller.pages import marks, page, sentence, tagged

pages = Blueprint("console_plans", __name__)
MOVING = ("applying", "verifying")


@pages.post("/reconciliation/plans")
@signed_in("reconciliations:write")
def make_plan() -> WerkzeugResponse:
    """Draft the writes for the ticked differences; nothing is sent."""
    picked = request.form.getlist("issue")
    choices = {
        name.removeprefix("choice."): value
        for name, value in request.form.items()
        if name.startswith("choice.") and value
    }
    try:
        made = hub().reconciliation.plan(actor(), picked, choices)
    except EntrepotError as error:
        flash(sentence(error), "warn")
        return redirect(_back(), 303)
    return redirect(f"/reconciliation/plans/{made.id}", 303)


@pages.get("/reconciliation/plans/<plan_id>")
@signed_in("reconciliations:read")
def plan(plan_id: str) -> Response:
    """Show a plan with every write in it."""
    return page("reseller/plan.html", "reconciliation", **_context(plan_id))


@pages.get("/reconciliation/plans/<plan_id>/progress")
@signed_in("reconciliations:read")
def plan_fragment(plan_id: str) -> Response:
    """Show how far the writing is; asked for again every second."""
    return tagged(render_template("reseller/_plan.html", **_context(plan_id)))


@pages.post("/reconciliation/plans/<plan_id>/approve")
@signed_in("reconciliations:approve")
def approve(plan_id: str) -> Response | WerkzeugResponse:
    """Approve the ticked parts of the plan that was looked at.

    When it isn't that plan any more, the page shows what holds now and keeps what was
    typed and ticked.
    """
    found = _found(plan_id)
    parts = [int(part) for part in request.form.getlist("part") if part.isdecimal()]
    chosen = None if len(parts) == len(found.parts) else parts
    reason = request.form.get("reason", "").strip()
    digest = request.form.get("digest", "")
    try:
        hub().reconciliation.approve(
            actor(), plan_id, digest, parts=chosen, reason=reason
        )
    except EntrepotError as error:
        context = _context(plan_id) | {"typed": reason, "ticked": parts}
        context["problem"] = _conflict(error, context["plan"])
        answer = page("reseller/plan.html", "reconciliation", **context)
        answer.status_code = 409 if isinstance(error, Conflict) else 422
        return answer
    flash(_("Approved. Nothing is written until you apply it."), "ok")
    return redirect(f"/reconciliation/plans/{plan_id}", 303)


def _conflict(error: EntrepotError, plan: PlanView) -> str:
    """Return what stands in the way, and who put it there."""
    if isinstance(error, Conflict) and plan.approved_by:
        return _(
            "%(who)s has approved this plan meanwhile; your approval changed nothing. "
            "What you see is the plan as it is now.",
            who=plan.approved_by,
        )
    return sentence(error)


@pages.get("/reconciliation/plans/<plan_id>/<any(approve,apply,discard):_what>")
@signed_in("reconciliations:read")
def back_to_plan(plan_id: str, _what: str) -> WerkzeugResponse:
    """Lead back to the plan, for who had to sign in again while sending a form."""
    return redirect(f"/reconciliation/plans/{_found(plan_id).id}")


@pages.post("/reconciliation/plans/<plan_id>/apply")
@signed_in("reconciliations:approve")
def apply_plan(plan_id: str) -> WerkzeugResponse:
    """Write the approved plan to the PSA."""
    _found(plan_id)
    return _act(
        plan_id,
        lambda: hub().reconciliation.apply(actor(), plan_id),
        _("The plan is being written. Each line is read back before it counts."),
    )


@pages.post("/reconciliation/plans/<plan_id>/discard")
@signed_in("reconciliations:write")
def discard(plan_id: str) -> WerkzeugResponse:
    """Give the plan up."""
    _found(plan_id)
    return _act(
        plan_id,
        lambda: hub().reconciliation.discard(
            actor(), plan_id, request.form.get("reason", "").strip()
        ),
        _("The plan is given up; its differences are open again."),
    )


def _act(plan_id: str, act: Any, done: str) -> WerkzeugResponse:  # noqa: ANN401 - a call
    try:
        act()
        flash(done, "ok")
    except EntrepotError as error:
        flash(sentence(error), "warn")
    return redirect(f"/reconciliation/plans/{plan_id}", 303)


def _context(plan_id: str) -> dict[str, Any]:
    found = _found(plan_id)
    operations = [item for part in found.parts for item in part.operations]
    # Writing has been ordered but not begun as long as a run of the plan waits.
    waiting = found.state == "approved" and _active_job(plan_id)
    return {
        "plan": found,
        "live": found.state in MOVING or waiting,
        "waiting": waiting,
        "done": sum(item.state == "done" for item in operations),
        "total": sum(item.state != "skipped" for item in operations),
        "marks": marks(),
        "names": _names(found),
        "befores": _befores(found),
        "problem": "",
        "typed": "",
        "ticked": None,
    }


def _active_job(plan_id: str) -> bool:
    query = RunQuery(tenant_id=actor().tenant_id, subject=plan_id, active=True, limit=1)
    return bool(hub().jobs.runs.list(scope(), query).items)


def _names(found: PlanView) -> dict[str, str]:
    """Return the names of the companies and products of a plan, by their PSA ids."""
    names: dict[str, str] = {}
    with hub().store.read(scope()) as session:
        for table, prefix, ids in (
            (PsaCompany, "company:", {part.company_id for part in found.parts}),
            (PsaProductRow, "product:", {part.product_id for part in found.parts}),
        ):
            query = select(table.vendor_id, table.name).where(
                table.connection_id == found.psa_connection_id,
                table.vendor_id.in_(sorted(ids)),
            )
            for vendor_id, name in session.execute(query):
                names[prefix + vendor_id] = name
    return names


def _befores(found: PlanView) -> dict[str, dict[str, str]]:
    """Return what the lines of a plan hold as last read, by their PSA ids."""
    ids = {item.line_id for part in found.parts for item in part.operations}
    query = select(PsaLine).where(
        PsaLine.connection_id == found.psa_connection_id,
        PsaLine.vendor_id.in_(sorted(ids - {""})),
    )
    with hub().store.read(scope()) as session:
        return {
            row.vendor_id: texts(
                quantity=row.quantity, ends=row.ends, unit_price=row.unit_price
            )
            for row in session.scalars(query)
        }


def _found(plan_id: str) -> PlanView:
    try:
        return hub().reconciliation.get_plan(actor(), plan_id)
    except NotFound:
        abort(404)


def _back() -> str:
    psa = request.form.get("psa", "")
    return f"/reconciliation?psa={psa}" if psa else "/reconciliation"
