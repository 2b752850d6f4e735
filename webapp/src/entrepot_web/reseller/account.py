"""A person's own account: password, second address, sessions, second factors."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import segno
from entrepot.hub.users.rules import SHORTEST_PASSWORD, UserInvalid, clean_email
from flask import Blueprint, Response, abort, flash, g, redirect, request
from flask_babel import gettext
from flask_login import login_user  # type: ignore[import-untyped]  # has no types
from itsdangerous import BadData
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.mails import confirm_address, confirmed_address, notice
from entrepot_web.auth.people import Person
from entrepot_web.auth.recovery import mailer
from entrepot_web.auth.sessions import be_sure, is_sure, person, signed_in
from entrepot_web.context import actor, hub
from entrepot_web.core_words import told
from entrepot_web.reseller.devices import device
from entrepot_web.reseller.pages import page

pages = Blueprint("console_account", __name__)
SECURITY = "/account/security"
View = TypeVar("View", bound=Callable[..., Any])


def own(view: View) -> View:
    """Demand the person themselves, who showed a moment ago who they are."""

    @wraps(view)
    def guarded(*args: object, **kwargs: object) -> object:
        actor().require_self()
        if not is_sure():
            flash(gettext("Enter your password first."), "warn")
            return redirect(SECURITY, 303)
        return view(*args, **kwargs)

    return cast("View", guarded)


@pages.get(SECURITY)
@signed_in()
def security() -> Response:
    """Show how the person signs in, and where they are signed in."""
    actor().require_self()
    return _security("", "", 200)


@pages.post("/account/confirm")
@signed_in()
def confirm() -> Response | WerkzeugResponse:
    """Open the forms of the page for a quarter of an hour."""
    try:
        hub().users.check_own_password(actor(), request.form.get("current", ""))
    except UserInvalid as error:
        return _security(error.field, told(error.problem), 422)
    be_sure()
    return redirect(SECURITY, 303)


@pages.post("/account/password")
@signed_in()
def password() -> Response | WerkzeugResponse:
    """Replace the password; every other session ends."""
    given = request.form
    if given.get("password", "") != given.get("again", ""):
        return _security("again", gettext("The two aren't the same."), 422)
    try:
        hub().users.change_password(
            actor(),
            given.get("current_password", ""),
            given.get("password", ""),
            _session_id(),
        )
    except UserInvalid as error:
        wrong = {"current": "current_password"}.get(error.field, error.field)
        return _security(wrong, told(error.problem), 422)
    _stay_signed_in()
    notice(g.user, gettext("Your password was changed"))
    flash(gettext("Your password is changed; other sessions have ended."), "ok")
    return redirect(SECURITY, 303)


@pages.post("/account/address")
@signed_in()
@own
def address() -> Response | WerkzeugResponse:
    """Send a link to a second address, or stop using it."""
    given = request.form.get("notify_email", "").strip()
    if not given:
        hub().users.set_notify_email(actor(), None)
        flash(gettext("Mails go to the address you sign in with."), "ok")
        return redirect(SECURITY, 303)
    try:
        wanted = clean_email(given)
    except UserInvalid as error:
        return _security("notify_email", told(error.problem), 422)
    if confirm_address(g.user, wanted):
        text = gettext("Open the link in the mail to %(to)s to use it.", to=wanted)
        flash(text, "ok")
    else:
        flash(gettext("No mail can be sent from here. Ask the operator."), "warn")
    return redirect(SECURITY, 303)


@pages.get("/account/address/<token>")
@signed_in()
def confirm_notify(token: str) -> WerkzeugResponse:
    """Use the second address whose mail held this link."""
    try:
        wanted = confirmed_address(g.user, token)
    except BadData:
        flash(gettext("This link is too old or isn't yours. Ask for another."), "warn")
        return redirect(SECURITY, 303)
    hub().users.set_notify_email(actor(), wanted)
    notice(g.user, gettext("Your mails go to another address now"))
    flash(gettext("Mails go to %(to)s now.", to=wanted), "ok")
    return redirect(SECURITY, 303)


@pages.post("/account/sessions")
@signed_in()
def end_sessions() -> WerkzeugResponse:
    """End one session, or all but this one."""
    wanted = request.form.get("session", "")
    if wanted == "others":
        count = hub().sessions.end_others(actor(), _session_id())
        flash(gettext("%(count)s other sessions have ended.", count=count), "ok")
    elif hub().sessions.end(actor(), wanted):
        flash(gettext("The session has ended."), "ok")
    else:
        abort(404)
    return redirect(SECURITY, 303)


@pages.post("/account/app")
@signed_in()
@own
def app_code() -> Response | WerkzeugResponse:
    """Set up, confirm or remove the authenticator app, or renew recovery codes."""
    do, factors = request.form.get("do", ""), hub().factors
    try:
        if do == "begin":
            factors.begin_app(actor())
        elif do == "confirm":
            fresh = factors.confirm_app(actor(), request.form.get("code", ""))
            notice(g.user, gettext("An authenticator app was added to your account"))
            return _security("", "", 200, codes=fresh)
        elif do == "codes":
            return _security("", "", 200, codes=factors.renew_codes(actor()))
        elif do == "remove":
            factors.remove_app(actor())
            notice(g.user, gettext("Your authenticator app was removed"))
            flash(gettext("The authenticator app is removed."), "ok")
        else:
            abort(400)
    except UserInvalid as error:
        return _security(error.field, told(error.problem), 422)
    return redirect(SECURITY + "#app", 303)


@pages.get("/account/app.svg")
@signed_in()
def app_picture() -> Response:
    """Draw what the authenticator app reads, while it is being set up."""
    target = hub().factors.waiting_app(actor()) if is_sure() else None
    if target is None:
        abort(404)
    drawn = io.BytesIO()
    segno.make(target, error="m").save(
        drawn,
        kind="svg",
        scale=4,
        border=4,
        light="#fff",
        svgclass=None,
        lineclass=None,
    )
    return Response(drawn.getvalue(), mimetype="image/svg+xml")


def _security(
    wrong: str, problem: str, status: int, codes: list[str] | None = None
) -> Response:
    waiting = hub().factors.waiting_app(actor()) if is_sure() else None
    answer = page(
        "reseller/account.html",
        "account",
        sessions=[
            (one, device(one.agent)) for one in hub().sessions.list_sessions(actor())
        ],
        here=_session_id(),
        factors=hub().factors.of(actor().id),
        waiting=waiting,
        secret=_secret_of(waiting),
        codes=codes or [],
        sure=is_sure(),
        demanded=hub().factors.demanded(actor().tenant_id),
        mails_work=mailer().works,
        shortest=SHORTEST_PASSWORD,
        user=g.user,
        wrong=wrong,
        problem=problem,
    )
    answer.status_code = status
    return answer


def _secret_of(target: str | None) -> str:
    """Return the secret in an app's address in groups of four, for typing it."""
    if target is None:
        return ""
    secret = target.partition("secret=")[2].partition("&")[0]
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def _session_id() -> str:
    found = person()
    return found.session.id if found is not None and found.session else ""


def _stay_signed_in() -> None:
    """Give this browser the cookie that holds with the new password."""
    found = hub().users.find_sign_in(email=g.user.email)
    if found is not None:
        login_user(Person(found))
        be_sure()
