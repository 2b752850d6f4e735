"""The second step of signing in: a code of the app, or a recovery code."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.people import Person
from entrepot_web.auth.sessions import person, to_sign_in
from entrepot_web.context import hub

pages = Blueprint("second_factor", __name__)


@pages.get("/login/second")
def ask() -> Response | WerkzeugResponse:
    """Ask for the second factor of somebody whose password was right."""
    found = person()
    if found is None or found.session is None:
        return to_sign_in()
    if found.session.proven:
        return redirect(wanted())
    return _page(found, "", 200)


@pages.post("/login/second")
def check() -> Response | WerkzeugResponse:
    """Let somebody in whose second factor is right."""
    found = person()
    if found is None or found.session is None:
        return to_sign_in()
    if hub().factors.check(found.user_id, request.form.get("code", "")[:40]):
        hub().sessions.prove(found.session.id)
        return redirect(wanted())
    return _page(found, gettext("This code isn't right, or it was used before."), 422)


def wanted() -> str:
    """Return the page of this hub that the person wanted to see."""
    return safe_path(request.values.get("next", "/"))


def safe_path(given: str) -> str:
    """Return a path of this hub: the one given, or the start page."""
    safe = given.startswith("/") and not given.startswith("//") and "\\" not in given
    return given if safe else "/"


def _page(found: Person, problem: str, status: int) -> Response:
    held = hub().factors.of(found.user_id)
    html = render_template(
        "second.html",
        problem=problem,
        app=held.app,
        passkeys=bool(held.passkeys),
        following=wanted(),
    )
    return make_response(html, status)
