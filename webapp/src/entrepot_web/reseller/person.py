"""What belongs to the person who looks: language, colours, reseller, session."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import available_timezones

from entrepot.hub.users.rules import UserInvalid
from entrepot.sdk.errors import EntrepotError
from flask import Blueprint, Response, abort, flash, g, jsonify, redirect, request
from flask import session as browser_session
from flask_babel import gettext, refresh
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import TENANT, load_person, place_name, signed_in
from entrepot_web.context import actor, hub
from entrepot_web.i18n import LANGUAGE, LANGUAGES, choices, preferences
from entrepot_web.reseller.pages import page

pages = Blueprint("console_person", __name__)
SWITCHES = ("shortcuts", "rail")
"""Choices that are on or off, by the name of their field and preference."""


@dataclass(frozen=True, slots=True)
class Reseller:
    """A reseller that the person may work for."""

    id: str
    name: str


@pages.get("/session")
def session_alive() -> tuple[Response, int]:
    """Say whether the person is still signed in."""
    return (jsonify(ok=True), 200) if load_person() else (jsonify(ok=False), 401)


@pages.get("/preferences")
@signed_in()
def show_preferences() -> Response:
    """Show what the person may choose about the console."""
    return page(
        "reseller/preferences.html",
        "",
        topic="console",
        zones=[(one, one) for one in sorted(available_timezones())],
        zone=g.user.zone,
        everybody=_of_everybody(),
    )


@pages.post("/preferences")
@signed_in()
def change_preferences() -> WerkzeugResponse:
    """Store what the person chose; fields that are missing stay as they are."""
    form = request.form
    try:
        hub().users.set_preferences(
            actor(),
            theme=form.get("theme", g.user.theme),
            zone=form.get("zone", g.user.zone),
        )
    except UserInvalid as error:
        flash(str(error), "warn")
        return redirect(_back(), 303)
    if form.get("language") in LANGUAGES:
        _speak(form["language"])
    for name in SWITCHES:
        if name in form:
            preferences().choose(actor(), name, form[name] == "on")
    if "said" in form:
        flash(gettext("Saved."), "ok")
    return redirect(_back(), 303)


@pages.post("/preferences/everybody")
@signed_in("users:write")
def change_for_everybody() -> WerkzeugResponse:
    """Store the language of those at the reseller who chose none."""
    wanted = request.form.get("language", "")
    preferences().choose_for_all(
        actor(), LANGUAGE, wanted if wanted in LANGUAGES else None
    )
    flash(gettext("Saved."), "ok")
    return redirect("/preferences", 303)


@pages.get("/language/<code>")
def change_language(code: str) -> WerkzeugResponse:
    """Let a stranger choose the language of the sign-in pages."""
    if code not in LANGUAGES:
        abort(404)
    browser_session[LANGUAGE] = code
    return redirect(_local(request.args.get("back", "/login"), "/login"), 303)


@pages.post("/reseller")
@signed_in()
def change_reseller() -> WerkzeugResponse:
    """Work for another reseller from now on."""
    wanted = request.form.get("id", "")
    if not g.user.role_at(wanted):
        abort(404)
    browser_session[TENANT] = wanted
    return redirect("/", 303)


def resellers() -> list[Reseller]:
    """Return the resellers that the person may work for, by name."""
    found = []
    for tenant_id, _role in g.user.roles:
        known = place_name(tenant_id)
        if known is not None:
            found.append(Reseller(tenant_id, known))
            continue
        try:
            acting = hub().users.actor_for(g.user, tenant_id)
            name = hub().tenants.get(acting, tenant_id).name
        except EntrepotError:
            continue
        found.append(Reseller(tenant_id, name))
    return sorted(found, key=lambda one: one.name.casefold())


def _speak(code: str) -> None:
    preferences().choose(actor(), LANGUAGE, code)
    browser_session[LANGUAGE] = code
    g.pop("choices", None)
    refresh()  # type: ignore[no-untyped-call]  # has no types here


def _of_everybody() -> str:
    return str(preferences().of_everybody(actor()).get(LANGUAGE, ""))


def _back() -> str:
    return _local(request.form.get("back", "/"), "/")


def _local(wanted: str, instead: str) -> str:
    """Return an address of ours, never one elsewhere."""
    safe = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if safe else instead


def shortcuts_on() -> bool:
    """Return whether single keys act; a person may switch them off."""
    return bool(choices().get("shortcuts", True))


def rail_on() -> bool:
    """Return whether the person wants the modules as a rail of icons."""
    return bool(choices().get("rail", False))
