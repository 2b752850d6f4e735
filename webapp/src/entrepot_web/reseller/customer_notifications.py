"""What is told of a customer: the list, and who is told of what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from entrepot.hub.mail import KeptMail, Mailer
from entrepot.hub.notifications import rules, words
from entrepot.hub.notifications.rules import Choice
from entrepot.hub.notifications.views import SettingView
from entrepot.sdk.errors import Conflict, EntrepotError
from flask import Blueprint, Response, flash, redirect, request
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub
from entrepot_web.core_words import told
from entrepot_web.criteria import Criterion
from entrepot_web.i18n import LANGUAGES, language
from entrepot_web.lists.notifications import KIND_WORDS, NOTIFICATIONS, STATE_WORDS
from entrepot_web.reseller.pages import chosen, list_view, page, sentence
from entrepot_web.reseller.profile import customer_of, frame_of

pages = Blueprint("console_customer_notifications", __name__)
FOLDER = 100
"""Mails of the demo's folder among which a customer's are looked for."""
_WHERE = {"subscription": "/subscriptions/{}", "issue": "/reconciliation/issues/{}"}


@pages.get("/customers/<customer_id>/notifications")
@signed_in("customers:read")
def notifications(customer_id: str) -> Response:
    """Show what was told of a customer, and who is told of what."""
    return _of_customer(customer_id)


@pages.post("/customers/<customer_id>/notifications")
@signed_in("customers:write")
def choose_notifications(customer_id: str) -> Response | WerkzeugResponse:
    """Choose what is told of a customer unless somebody else did meanwhile."""
    customer_of(customer_id)
    own = request.form.get("own") == "1"
    problem, status = _choose(customer_id, own=own)
    if problem:
        return _of_customer(customer_id, problem, status)
    flash(gettext("The notifications of this customer are saved."), "ok")
    return redirect(f"/customers/{customer_id}/notifications", 303)


@pages.post("/customers/<customer_id>/notifications/<notification_id>/again")
@signed_in("customers:write")
def send_again(customer_id: str, notification_id: str) -> WerkzeugResponse:
    """Send the mails of a notification again that did not arrive."""
    customer_of(customer_id)
    service = hub().customer_notifications
    try:
        service.send_again(actor(), customer_id, notification_id)
    except EntrepotError as error:
        flash(sentence(error), "warn")
    else:
        flash(gettext("The mail will be sent again."), "ok")
    return redirect(f"/customers/{customer_id}/notifications", 303)


@pages.get("/customers/notifications")
@signed_in("customers:read")
def usual_notifications() -> Response:
    """Show what is told of customers that have no choice of their own."""
    return _of_all()


@pages.post("/customers/notifications")
@signed_in("customers:write")
def choose_usual_notifications() -> Response | WerkzeugResponse:
    """Choose what is told of customers that have no choice of their own."""
    problem, status = _choose("", own=True)
    if problem:
        return _of_all(problem, status)
    flash(gettext("The notifications are saved."), "ok")
    return redirect("/customers/notifications", 303)


def _of_customer(customer_id: str, problem: str = "", status: int = 200) -> Response:
    found = customer_of(customer_id)
    criteria = (
        Criterion("customer_id", "eq", (customer_id,)),
        *chosen(NOTIFICATIONS, "kind", "state"),
    )
    setting = hub().customer_notifications.setting(actor(), customer_id)
    answer = page(
        "reseller/customer_notifications.html",
        "customers",
        **frame_of(found, "notifications"),
        **_form(setting, problem),
        view=list_view(NOTIFICATIONS, criteria, beside=_mails),
        states=STATE_WORDS,
        tell=_tell,
        where=_where,
        folder=_folder(customer_id),
    )
    answer.status_code = status
    return answer


def _of_all(problem: str = "", status: int = 200) -> Response:
    setting = hub().customer_notifications.setting(actor())
    answer = page(
        "reseller/notifications.html",
        "customers",
        **_form(setting, problem),
        customer=None,
    )
    answer.status_code = status
    return answer


def _form(setting: SettingView, problem: str) -> dict[str, Any]:
    """Return what the form shows: what holds, or what was entered wrongly."""
    return {
        "setting": setting,
        "given": _given() if problem else setting.choice,
        "apart": request.form.get("own") == "1" if problem else setting.own,
        "problem": problem,
        "kinds": KIND_WORDS,
        "people": hub().customer_notifications.people(actor()),
        "languages": LANGUAGES,
        "longest": rules.LONGEST,
        "mails_work": Mailer(hub().settings).works,
    }


def _choose(customer_id: str, *, own: bool) -> tuple[str, int]:
    """Save what was entered; return what is wrong and its status, or nothing."""
    service = hub().customer_notifications
    version = request.form.get("version", 0, type=int)
    if not own and not _same(service.setting(actor(), customer_id).choice, _given()):
        return gettext(
            "Choose “as chosen here” to tell something else than of all."
        ), 422
    choice = _given() if own else service.setting(actor()).choice
    try:
        service.choose(actor(), customer_id, choice, version=version, own=own)
    except Conflict:
        return gettext(
            "Somebody else saved this meanwhile. Look again, then save."
        ), 409
    except EntrepotError as error:
        return sentence(error), 422
    return "", 200


def _same(known: Choice, given: Choice) -> bool:
    """Whether a form still says what it showed, in whatever order."""
    return all(
        set(value) == set(getattr(given, name))
        if isinstance(value, tuple)
        else value == getattr(given, name)
        for name, value in asdict(known).items()
    )


def _given() -> Choice:
    form = request.form
    return Choice(
        kinds=tuple(one for one in rules.KINDS if one in form.getlist("kind")),
        renewal_days=form.get("renewal_days", 0, type=int),
        owners="owners" in form,
        people=tuple(dict.fromkeys(form.getlist("person"))),
        contact="contact" in form,
        language=form.get("language", ""),
    )


def _mails(session: Session, rows: Sequence[Any]) -> Mapping[str, Any]:
    return hub().customer_notifications.mails(session, [row.id for row in rows])


def _tell(row: Any) -> str:  # noqa: ANN401 - a row of the list
    return words.sentence(row.kind, row.facts, language(), told)


def _where(row: Any) -> str:  # noqa: ANN401 - a row of the list
    """Return where to look at what a notification is about, or nothing."""
    if row.subject_kind == "account":
        return f"/customers/{row.customer_id}/accounts"
    needs = "subscriptions" if row.subject_kind == "subscription" else "reconciliations"
    allowed = actor().may(f"{needs}:read")
    return _WHERE[row.subject_kind].format(row.subject_id) if allowed else ""


def _folder(customer_id: str) -> list[KeptMail]:
    """Return the demo's latest mails about a customer, which hold no secrets."""
    if hub().settings.environment != "demo":
        return []
    link = f"/customers/{customer_id}/notifications"
    found = Mailer(hub().settings).kept(FOLDER)
    return [mail for mail in found if link in mail.text][:3]
