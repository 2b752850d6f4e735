"""One difference: its sources and arithmetic, what was known of it, decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from entrepot.hub.reconciliation.decisions import Decide
from entrepot.hub.reconciliation.views import IssueView
from entrepot.sdk.errors import Conflict, EntrepotError, NotFound
from flask import Blueprint, Response, abort, flash, redirect, request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub
from entrepot_web.reseller.issue_sources import sources_of
from entrepot_web.reseller.issue_words import arithmetic_of, sentence_of
from entrepot_web.reseller.pages import marks, page, sentence

pages = Blueprint("console_differences", __name__)
IN_BULK = ("ignore", "snooze", "create_ticket")
MOST = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """A difference as the bench and its own page explain it."""

    issue: IssueView
    sentence: str
    steps: tuple[object, ...]


def shown(issue: IssueView) -> Shown:
    """Return a difference with its sentence and arithmetic."""
    return Shown(issue, sentence_of(issue), arithmetic_of(issue, sources_of(issue)))


@pages.get("/reconciliation/issues/<issue_id>")
@signed_in("reconciliations:read")
def issue_page(issue_id: str) -> Response:
    """Show one difference with everything it rests on."""
    return _page(find_issue(issue_id), {}, "", "", 200)


@pages.post("/reconciliation/issues/<issue_id>/decide")
@signed_in("reconciliations:write")
def decide(issue_id: str) -> Response | WerkzeugResponse:
    """Decide about a difference; what was typed stays when it is refused."""
    issue = find_issue(issue_id)
    back = f"/reconciliation?psa={issue.psa_connection_id}"
    try:
        if request.form.get("resolution") == "create_ticket":
            hub().reconciliation.create_ticket(actor(), issue_id)
            flash(_("The ticket is being written."), "ok")
            return redirect(f"{back}&open={issue_id}", 303)
        hub().reconciliation.decide(actor(), issue_id, wanted(request.form))
    except EntrepotError as error:
        status = 409 if isinstance(error, Conflict) else 422
        field = error.info.field or ""
        return _page(find_issue(issue_id), request.form, sentence(error), field, status)
    flash(_("Decided. It is kept with your name and reason."), "ok")
    return redirect(back, 303)


@pages.get("/reconciliation/issues/<issue_id>/decide")
@signed_in("reconciliations:read")
def back_to_issue(issue_id: str) -> WerkzeugResponse:
    """Lead back to the form, for who had to sign in again while sending it."""
    return redirect(f"/reconciliation/issues/{find_issue(issue_id).id}")


@pages.get("/reconciliation/decide")
@signed_in("reconciliations:read")
def back_to_bench() -> WerkzeugResponse:
    """Lead back to the bench, for who had to sign in again."""
    return redirect("/reconciliation")


@pages.post("/reconciliation/decide")
@signed_in("reconciliations:write")
def decide_many() -> Response | WerkzeugResponse:
    """Ask what to do about the ticked differences, then do it to each of them."""
    picked = list(dict.fromkeys(request.form.getlist("issue")))[:MOST]
    found = [find_issue(one) for one in picked]
    if not found:
        flash(_("Tick the differences first."), "warn")
        return redirect("/reconciliation", 303)
    if request.form.get("resolution") not in IN_BULK:
        return _many(found, "", "", 200)
    seen = dict(entry.partition("=")[::2] for entry in request.form.getlist("hash"))
    done, kept = 0, []
    for issue in found:
        try:
            _one_of_many(issue, seen.get(issue.id))
            done += 1
        except EntrepotError as error:
            if error.info.field in ("reason", "until", "scope"):
                return _many(found, sentence(error), error.info.field, 422)
            kept.append(f"{issue.company_name or issue.title}: {sentence(error)}")
    if done:
        told = ngettext(
            "%(num)d difference decided.", "%(num)d differences decided.", done
        )
        flash(told, "ok")
    for text in kept[:5]:
        flash(text, "warn")
    return redirect(f"/reconciliation?psa={found[0].psa_connection_id}", 303)


def _one_of_many(issue: IssueView, value_hash: str | None) -> None:
    if request.form.get("resolution") == "create_ticket":
        hub().reconciliation.create_ticket(actor(), issue.id)
    else:
        hub().reconciliation.decide(actor(), issue.id, wanted(request.form, value_hash))


def wanted(form: Mapping[str, str], value_hash: str | None = None) -> Decide:
    """Return the decision that a form describes."""
    resolution = form.get("resolution", "")
    return Decide(
        resolution=resolution,
        scope=form.get("scope", "") if resolution == "ignore" else "",
        until=_date(form.get("until", "")),
        reason=form.get("reason", "").strip(),
        value_hash=value_hash or form.get("value_hash") or None,
        line_id=form.get("line_id", "").strip(),
    )


def find_issue(issue_id: str) -> IssueView:
    """Return a difference of the reader's reseller, or answer 404."""
    try:
        return hub().reconciliation.issue(actor(), issue_id)
    except NotFound:
        abort(404)


def _page(
    issue: IssueView, given: Mapping[str, str], problem: str, field: str, status: int
) -> Response:
    sources = sources_of(issue, linked=True)
    answer = page(
        "reseller/issue.html",
        "reconciliation",
        opened=issue,
        psa=issue.psa_connection_id,
        told=sentence_of(issue),
        steps=arithmetic_of(issue, sources),
        sources=sources,
        history=hub().reconciliation.issue_history(actor(), issue.id),
        decisions=hub().reconciliation.decisions(actor(), issue.id),
        given=given,
        problem=problem,
        field=field,
        marks=marks(),
    )
    answer.status_code = status
    return answer


def _many(found: list[IssueView], problem: str, field: str, status: int) -> Response:
    answer = page(
        "reseller/issues_decide.html",
        "reconciliation",
        issues=found,
        given=request.form,
        problem=problem,
        field=field,
    )
    answer.status_code = status
    return answer


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
