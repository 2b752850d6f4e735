"""Rules of a PSA connection: what a comparison takes for right."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from entrepot.hub.reconciliation.rules_store import RuleWish
from entrepot.hub.reconciliation.views import RuleView
from entrepot.sdk.errors import Conflict, EntrepotError
from flask import Blueprint, Response, abort, flash, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.reseller.pages import marks, page, sentence
from entrepot_web.reseller.rule_forms import RuleForm, shown_value, typed
from entrepot_web.reseller.rule_kinds import BY_KIND, FORMS
from entrepot_web.reseller.rule_scope import (
    TABLES,
    reach,
    resolved,
    shown,
    some_names,
)

pages = Blueprint("console_rules", __name__)


@pages.get("/reconciliation/rules")
@signed_in("reconciliations:read")
def rule_list() -> Response:
    """Show the rules of a PSA connection, kind by kind."""
    psa = _psa()
    found = hub().reconciliation.rules.list(actor(), psa)
    with hub().store.read(scope()) as session:
        listed = [shown(session, rule) for rule in found]
    return page(
        "reseller/rules.html",
        "reconciliation",
        psa=psa,
        psas=[marks()[one] for one in _known() if one in marks()],
        groups=[(form, [one for one in listed if one.form is form]) for form in FORMS],
        today=hub().clock.now().date(),
        marks=marks(),
    )


@pages.route("/reconciliation/rules/new", methods=["GET", "POST"])
@signed_in("mappings:write")
def new_rule() -> Response | WerkzeugResponse:
    """Show the empty form of a kind of rule; save what was filled in."""
    return _form(_psa(), BY_KIND.get(request.args.get("kind", "")) or abort(404), None)


@pages.route("/reconciliation/rules/<rule_id>", methods=["GET", "POST"])
@signed_in("mappings:write")
def edit_rule(rule_id: str) -> Response | WerkzeugResponse:
    """Show a rule in its form; put what was filled in in its place."""
    rule = _rule(rule_id)
    if rule is None:
        return _gone()
    return _form(rule.psa_connection_id, BY_KIND[rule.kind], rule)


@pages.route("/reconciliation/rules/<rule_id>/remove", methods=["GET", "POST"])
@signed_in("mappings:write")
def remove_rule(rule_id: str) -> Response | WerkzeugResponse:
    """Show what holds without a rule; take it away."""
    rule = _rule(rule_id)
    if rule is None:
        return _gone()
    actor().require(BY_KIND[rule.kind].needs)
    if request.method == "POST":
        why = request.form.get("why", "").strip()[:500]
        try:
            hub().reconciliation.rules.remove(actor(), rule_id, why)
        except EntrepotError as error:
            flash(sentence(error), "warn")
        else:
            flash(_("The rule is removed. Compare again to see the difference."), "ok")
        return redirect(f"/reconciliation/rules?psa={rule.psa_connection_id}", 303)
    with hub().store.read(scope()) as session:
        return page(
            "reseller/rule_remove.html",
            "reconciliation",
            one=shown(session, rule),
            reach=reach(session, rule),
        )


def _gone() -> WerkzeugResponse:
    if request.method == "GET":
        abort(404)
    flash(_("Somebody else changed or removed this rule meanwhile."), "warn")
    return redirect(f"/reconciliation/rules?psa={_psa()}", 303)


def _form(
    psa: str, form: RuleForm, rule: RuleView | None
) -> Response | WerkzeugResponse:
    actor().require(form.needs)
    problems: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        wish, problems = _wish(psa, form)
        status = 422
        if not problems:
            try:
                _save(wish, rule)
            except EntrepotError as error:
                status = 409 if isinstance(error, Conflict) else 422
                problems = {error.info.field or "": sentence(error)}
            else:
                told = _("The rule is saved. Compare again to see the difference.")
                flash(told, "ok")
                return redirect(f"/reconciliation/rules?psa={psa}", 303)
    known = {one.name for one in form.fields} | {
        *("company", "product", "reason", "valid_until"),
    }
    answer = page(
        "reseller/rule_form.html",
        "reconciliation",
        psa=psa,
        form=form,
        rule=rule,
        values=request.form if request.method == "POST" else _values(psa, form, rule),
        problems=problems,
        general=[text for name, text in problems.items() if name not in known],
        names={kind: some_names(psa, kind) for kind in TABLES},
        marks=marks(),
    )
    answer.status_code = status
    return answer


def _save(wish: RuleWish, rule: RuleView | None) -> None:
    desk = hub().reconciliation.rules
    if rule is None:
        desk.set(actor(), wish)
    else:
        desk.change(actor(), rule.id, wish, version=_version(rule))


def _version(rule: RuleView) -> int:
    """Return the version of the rule that the form was filled in for."""
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() else rule.version


def _wish(psa: str, form: RuleForm) -> tuple[RuleWish, dict[str, str]]:
    """Return the rule that was filled in, with what is wrong by field."""
    read = typed(form, request.form)
    problems = dict(read.problems)
    ids = {"company": "", "product": ""}
    for kind, needed in (("company", form.company), ("product", form.product)):
        text = request.form.get(kind, "").strip()[:200]
        if needed == "no":
            continue
        if text:
            ids[kind], wrong = resolved(psa, kind, text)
            problems |= {kind: wrong} if wrong else {}
        elif needed == "required":
            problems[kind] = _("Fill this in.")
    reason = request.form.get("reason", "").strip()[:1000]
    if form.reasoned and not reason:
        problems["reason"] = _("Say why the value differs.")
    last, wrong = (
        _day(request.form.get("valid_until", "")) if form.dated else (None, "")
    )
    problems |= {"valid_until": wrong} if wrong else {}
    wish = RuleWish(
        psa_connection_id=psa,
        kind=form.kind,
        company_id=ids["company"],
        product_id=ids["product"],
        body=read.body,
        reason=reason,
        valid_until=last,
    )
    return wish, problems


def _day(text: str) -> tuple[date | None, str]:
    try:
        return (date.fromisoformat(text) if text else None), ""
    except ValueError:
        return None, _("Enter a day as YYYY-MM-DD.")


def _values(psa: str, form: RuleForm, rule: RuleView | None) -> Mapping[str, str]:
    if rule is None:
        return {one.name: one.usual for one in form.fields if one.kind == "words"}
    with hub().store.read(scope()) as session:
        read = shown(session, rule)
    found = {one.name: shown_value(one, rule.body) for one in form.fields}
    last = rule.valid_until.isoformat() if rule.valid_until else ""
    ids = {"company": rule.company_id, "product": rule.product_id}
    names = {"company": read.company, "product": read.product}
    scoped = {
        kind: names[kind] if resolved(psa, kind, names[kind])[0] == one else one
        for kind, one in ids.items()
        if one
    }
    return found | scoped | {"reason": rule.reason, "valid_until": last}


def _rule(rule_id: str) -> RuleView | None:
    for psa in _known():
        for rule in hub().reconciliation.rules.list(actor(), psa):
            if rule.id == rule_id:
                return rule
    return None


def _known() -> list[str]:
    return [one.id for one in hub().connections.list(actor(), kind="psa")]


def _psa() -> str:
    known = _known()
    wanted = request.values.get("psa") or (known[0] if known else "")
    return wanted if wanted in known else abort(404)
