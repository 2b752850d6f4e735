"""People of the reseller and credentials of its machines."""

from __future__ import annotations

from collections.abc import Callable

from entrepot.hub.users.rules import ROLE_TEXTS, ROLES, SCOPES, UserInvalid
from entrepot.store.actor import RESOURCES
from flask import Blueprint, Response, abort, flash, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.recovery import invite, mailer
from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub
from entrepot_web.reseller.pages import page

pages = Blueprint("console_people", __name__)
MAILS = 8
VERBS = ("read", "write", "approve")


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
        )
    except UserInvalid as error:
        return _people(given, error.field, error.problem, 422)
    reseller = hub().tenants.get(actor(), actor().tenant_id).name
    if password is None and invite(made, actor().name, reseller):
        flash(f"{made.name} is invited: a mail is on its way to {made.email}.", "ok")
    elif password is None:
        flash(
            f"{made.name} is added, but no mail could be sent. Set a password with: "
            f"entrepot users password {made.email}",
            "warn",
        )
    else:
        flash(f"{made.name} is added.", "ok")
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
            f"{found.name} has another role now.",
        ),
        "lock": (
            lambda: users.set_active(who, user_id, active=False),
            f"{found.name} is locked out.",
        ),
        "unlock": (
            lambda: users.set_active(who, user_id, active=True),
            f"{found.name} may sign in again.",
        ),
        "remove": (
            lambda: users.revoke_role(who, user_id),
            f"{found.name} no longer works for this reseller.",
        ),
        "invite": (
            lambda: invite(found, who.name, reseller),
            f"A link to choose a password is on its way to {found.email}.",
        ),
    }
    step, done = steps.get(request.form.get("do", ""), (lambda: abort(400), ""))
    try:
        step()
        flash(done, "ok")
    except UserInvalid as error:
        flash(error.problem, "warn")
    return redirect("/settings/users", 303)


@pages.get("/settings/credentials")
@signed_in("credentials:read")
def credentials() -> Response:
    """Show the machines that may call the API."""
    return _credentials(200)


@pages.post("/settings/credentials")
@signed_in("credentials:write")
def add_credential() -> Response:
    """Make a credential and show its secret once."""
    name = request.form.get("name", "").strip()
    scopes = tuple(scope for scope in request.form.getlist("scope") if scope in SCOPES)
    try:
        made, secret = hub().credentials.create_credential(
            actor(), name=name, scopes=scopes
        )
    except UserInvalid as error:
        return _credentials(422, problem=error.problem, name=name, picked=scopes)
    return _credentials(200, fresh=(made.id, secret))


@pages.post("/settings/credentials/<credential_id>")
@signed_in("credentials:write")
def change_credential(credential_id: str) -> Response | WerkzeugResponse:
    """Make a new secret of a credential, or switch it off for good."""
    if hub().credentials.find_credential(actor(), credential_id) is None:
        abort(404)
    if request.form.get("do") == "rotate":
        done = hub().credentials.rotate_secret(actor(), credential_id)
        if done is None:
            abort(404)
        return _credentials(200, fresh=(done[0].id, done[1]))
    hub().credentials.revoke(actor(), credential_id)
    flash("The credential is switched off; its tokens end within seconds.", "ok")
    return redirect("/settings/credentials", 303)


def _people(given: dict[str, str], wrong: str, problem: str, status: int) -> Response:
    answer = page(
        "reseller/people.html",
        "people",
        people=hub().users.list_users(actor(), actor().tenant_id),
        tenant=actor().tenant_id,
        me=actor().id,
        roles=[name for name, held in ROLES.items() if held <= actor().permissions],
        texts=ROLE_TEXTS,
        given=given,
        wrong=wrong,
        problem=problem,
        mails_work=mailer().works,
        mails=mailer().kept(MAILS) if _demo() else [],
    )
    answer.status_code = status
    return answer


def _credentials(
    status: int,
    *,
    fresh: tuple[str, str] | None = None,
    problem: str = "",
    name: str = "",
    picked: tuple[str, ...] = (),
) -> Response:
    held = [scope for scope in SCOPES if scope in actor().permissions]
    answer = page(
        "reseller/credentials.html",
        "credentials",
        credentials=hub().credentials.list_credentials(actor()),
        fresh=fresh,
        problem=problem,
        name=name,
        picked=picked,
        scopes=[
            (noun, [f"{noun}:{verb}" for verb in VERBS if f"{noun}:{verb}" in held])
            for noun in RESOURCES
        ],
    )
    answer.status_code = status
    return answer


def _demo() -> bool:
    """Whether mails may be shown: they hold links that let somebody in."""
    return hub().settings.environment == "demo" and actor().may("users:write")
