"""People of the reseller."""

from __future__ import annotations

from collections.abc import Callable

from entrepot.hub.users.rules import (
    ROLE_TEXTS,
    ROLE_TITLES,
    ROLES,
    UserInvalid,
    permissions_of,
)
from entrepot.hub.users.service import User
from entrepot.hub.users.sessions import BEHALF
from flask import Blueprint, Response, abort, flash, g, redirect, request
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.recovery import invite, mailer
from entrepot_web.auth.sessions import is_sure, person, signed_in
from entrepot_web.context import actor, hub
from entrepot_web.core_words import told
from entrepot_web.reseller.pages import page

pages = Blueprint("console_people", __name__)
MAILS = 8


@pages.get("/settings/users")
@signed_in("users:read")
def people() -> Response:
    """Show who works for the reseller."""
    return _people({}, "", "", 200)


@pages.post("/settings/users")
@signed_in("users:write")
def add_person() -> Response | WerkzeugResponse:
    """Add a person and send them the link to choose a password."""
    given = {name: request.form.get(name, "") for name in ("email", "name", "role")}
    password = request.form.get("password", "") or None
    try:
        made = hub().users.create_user(
            actor(),
            email=given["email"],
            name=given["name"],
            role=given["role"],
            password=password,
            tenant_id=actor().tenant_id,
            must_change=True,
        )
    except UserInvalid as error:
        return _people(given, error.field, told(error.problem), 422)
    reseller = hub().tenants.get(actor(), actor().tenant_id).name
    if password is None and invite(made, actor().name, reseller):
        text = gettext(
            "%(name)s is invited: a mail is on its way to %(to)s.",
            name=made.name,
            to=made.mail_to,
        )
        flash(text, "ok")
    elif password is None:
        text = gettext(
            "%(name)s is added, but no mail could be sent. Set a password with: "
            "entrepot users password %(to)s",
            name=made.name,
            to=made.email,
        )
        flash(text, "warn")
    else:
        text = gettext(
            "%(name)s is added and chooses another password at the first sign-in.",
            name=made.name,
        )
        flash(text, "ok")
    return redirect("/settings/users", 303)


@pages.post("/settings/users/<user_id>")
@signed_in("users:write")
def change_person(user_id: str) -> WerkzeugResponse:
    """Give a person another role, lock them out, let them in, invite or remove them."""
    found = hub().users.find_member(actor(), user_id)
    if found is None:
        abort(404)
    users, who = hub().users, actor()
    reseller = hub().tenants.get(who, who.tenant_id).name
    steps: dict[str, tuple[Callable[[], object], str]] = {
        "role": (
            lambda: users.grant_role(
                who, user_id, who.tenant_id, request.form.get("role", "")
            ),
            gettext("%(name)s has another role now.", name=found.name),
        ),
        "lock": (
            lambda: users.set_active(who, user_id, active=False),
            gettext("%(name)s is locked out.", name=found.name),
        ),
        "unlock": (
            lambda: users.set_active(who, user_id, active=True),
            gettext("%(name)s may sign in again.", name=found.name),
        ),
        "remove": (
            lambda: users.revoke_role(who, user_id),
            gettext("%(name)s no longer works for this reseller.", name=found.name),
        ),
        "factors": (
            lambda: hub().factors.reset(who, user_id),
            gettext("%(name)s signs in with the password alone.", name=found.name),
        ),
        "renew": (
            lambda: users.require_new_password(who, user_id),
            gettext("%(name)s chooses a new password next.", name=found.name),
        ),
        "invite": (
            lambda: _invite_again(found, reseller),
            gettext(
                "A link to choose a password is on its way to %(to)s.",
                to=found.mail_to,
            ),
        ),
    }
    step, done = steps.get(request.form.get("do", ""), (lambda: abort(400), ""))
    try:
        step()
        flash(done, "ok")
    except UserInvalid as error:
        flash(told(error.problem), "warn")
    return redirect("/settings/users", 303)


def _invite_again(found: User, reseller: str) -> None:
    """Send somebody the link once more.

    Raises:
        UserInvalid: No mail could be handed over.
    """
    if not invite(found, actor().name, reseller):
        text = gettext(
            "No mail could be sent to %(to)s. Ask the operator to look at the mail "
            "settings, or to set a password with: entrepot users password %(email)s",
            to=found.mail_to,
            email=found.email,
        )
        raise UserInvalid("email", text)


@pages.post("/settings/sign-in")
@signed_in("users:write")
def sign_in_rules() -> WerkzeugResponse:
    """Demand a second step of everybody, or stop demanding it."""
    demanded = request.form.get("second_factor") == "on"
    hub().factors.demand(actor(), demanded=demanded)
    if demanded:
        flash(gettext("Everybody needs a second step from now on."), "ok")
    else:
        flash(gettext("A second step is everybody's own choice."), "ok")
    return redirect("/settings/users", 303)


@pages.get("/settings/users/<user_id>/act")
@signed_in("users:write")
def ask_to_act(user_id: str) -> Response:
    """Ask why somebody wants to act in a person's name."""
    return _ask_to_act(user_id, "", "", 200)


@pages.post("/settings/users/<user_id>/act")
@signed_in("users:write")
def act(user_id: str) -> Response | WerkzeugResponse:
    """Act in a person's name from now on, for a limited time."""
    reason = request.form.get("reason", "")
    mine = person()
    if mine is None or mine.session is None or not is_sure():
        return _ask_to_act(user_id, reason, gettext("Sign in again first."), 422)
    try:
        hub().sessions.act_for(actor(), mine.session.id, user_id, reason)
    except UserInvalid as error:
        return _ask_to_act(user_id, reason, told(error.problem), 422)
    return redirect("/", 303)


@pages.post("/account/end-acting")
@signed_in()
def end_acting() -> WerkzeugResponse:
    """Act as oneself again."""
    mine = person()
    if g.behalf is not None and mine is not None and mine.session is not None:
        hub().sessions.act_as_oneself(actor(), mine.session.id)
        flash(gettext("You act as yourself again."), "ok")
    return redirect("/", 303)


def _people(given: dict[str, str], wrong: str, problem: str, status: int) -> Response:
    people = hub().users.list_users(actor(), actor().tenant_id)
    answer = page(
        "reseller/people.html",
        "people",
        people=people,
        tenant=actor().tenant_id,
        me=actor().id,
        roles=[name for name, held in ROLES.items() if held <= actor().permissions],
        texts=ROLE_TEXTS,
        titles=ROLE_TITLES,
        lower=_lower,
        demanded=hub().factors.demanded(actor().tenant_id),
        factors={one.id: hub().factors.of(one.id).any for one in people},
        given=given,
        wrong=wrong,
        problem=problem,
        mails_work=mailer().works,
        mails=mailer().kept(MAILS) if _demo() else [],
    )
    answer.status_code = status
    return answer


def _ask_to_act(user_id: str, reason: str, problem: str, status: int) -> Response:
    found = hub().users.find_member(actor(), user_id)
    if found is None:
        abort(404)
    answer = page(
        "reseller/act.html",
        "people",
        found=found,
        trail=[(gettext("People"), "/settings/users")],
        reason=reason,
        problem=problem,
        sure=is_sure(),
        minutes=int(BEHALF.total_seconds()) // 60,
    )
    answer.status_code = status
    return answer


def _lower(found: User) -> bool:
    """Whether somebody may do less than the person who looks."""
    held = permissions_of(found.role_at(actor().tenant_id), operator=found.operator)
    return found.active and not found.operator and held < actor().permissions


def _demo() -> bool:
    """Whether mails may be shown: they hold links that let somebody in."""
    return hub().settings.environment == "demo" and actor().may("users:write")
