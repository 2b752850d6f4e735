"""Credentials of the reseller's machines."""

from __future__ import annotations

from entrepot.hub.users.rules import SCOPES, UserInvalid
from entrepot.store.actor import RESOURCES
from flask import Blueprint, Response, abort, flash, redirect, request
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub
from entrepot_web.core_words import told
from entrepot_web.reseller.pages import page

pages = Blueprint("console_credentials", __name__)
VERBS = ("read", "write", "approve")


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
        return _credentials(422, problem=told(error.problem), name=name, picked=scopes)
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
    flash(
        gettext("The credential is switched off; its tokens end within seconds."), "ok"
    )
    return redirect("/settings/credentials", 303)


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
