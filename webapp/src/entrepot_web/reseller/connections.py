"""Connections: health, schedule, budget, checking, pausing, removing."""

from __future__ import annotations

from typing import Any

from entrepot.sdk.errors import EntrepotError
from flask import Blueprint, Response, abort, flash, redirect, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.reseller import connection_forms
from entrepot_web.reseller.connection_forms import find_connection
from entrepot_web.reseller.pages import marks, page, sentence
from entrepot_web.reseller.sync_runs import bars, runs_of, strips

pages = Blueprint("console_connections", __name__)
pages.register_blueprint(connection_forms.pages)
EVERY = (
    ("", _l("Only when asked")),
    ("900", _l("Every 15 minutes")),
    ("3600", _l("Every hour")),
    ("14400", _l("Every 4 hours")),
    ("86400", _l("Once a day")),
)


@pages.get("/connections")
@signed_in("connections:read")
def connection_list() -> Response:
    """Show the connections and how they are."""
    return page(
        "reseller/connections.html",
        "connections",
        connections=hub().connections.list(actor()),
        strips=strips() if actor().may("sync:read") else {},
        marks=marks(),
    )


@pages.get("/connections/<connection_id>")
@signed_in("connections:read")
def connection(connection_id: str) -> Response:
    """Show one connection: how it is, what it may use, how good its plugin is."""
    found = find_connection(connection_id)
    loaded = found.plugin in hub().plugins.names()
    schema = hub().connections.settings_schema(found.plugin) if loaded else ()
    reads = actor().may("sync:read")
    runs = runs_of(connection_id) if reads else []
    return page(
        "reseller/connection.html",
        "connections",
        connection=found,
        known={item.name: item.info for item in schema},
        loaded=loaded,
        **_schedule(connection_id),
        budgets=hub().connections.budgets(actor(), connection_id),
        card=hub().scores.find(actor(), found.plugin),
        sources=_sources(connection_id),
        runs=runs,
        bars=bars(runs),
        marks=marks(),
    )


def _schedule(connection_id: str) -> dict[str, Any]:
    """Return the schedule, and the choices with the present one among them."""
    found = None
    if actor().may("sync:read"):
        found = hub().sync.schedule_of(actor(), connection_id)
    every = str(found.every_seconds or "") if found else ""
    choices = [(key, str(text)) for key, text in EVERY]
    if every not in dict(EVERY):
        choices.append((every, ""))
    return {"schedule": found, "every": every, "choices": choices}


def _sources(connection_id: str) -> list[Any]:
    """Return how completely each stream of the connection was read last."""
    with hub().store.read(scope()) as session:
        fresh = parts().freshness.read(session, actor().tenant_id, ())
    return [one for one in fresh.sources if one.connection_id == connection_id]


@pages.post("/connections/<connection_id>/check")
@signed_in("connections:write")
def check_connection(connection_id: str) -> WerkzeugResponse:
    """Prove that the connection works."""
    find_connection(connection_id)
    report = hub().connections.check(actor(), connection_id)
    if report.error is None:
        flash(_("The connection works."), "ok")
    else:
        remedy = report.error.remedy or ""
        flash(f"{report.error.user_message} {remedy}".strip(), "bad")
    return redirect(f"/connections/{connection_id}", 303)


@pages.post("/connections/<connection_id>/state")
@signed_in("connections:write")
def set_state(connection_id: str) -> WerkzeugResponse:
    """Pause a connection or let it work again."""
    find_connection(connection_id)
    try:
        if request.form.get("state") == "paused":
            why = request.form.get("why", "").strip()[:500]
            hub().connections.pause(actor(), connection_id, why)
            flash(_("Paused. Nothing is read through it until you resume it."), "ok")
        else:
            hub().connections.resume(actor(), connection_id)
            flash(_("Resumed."), "ok")
    except EntrepotError as error:
        flash(sentence(error), "warn")
    return redirect(f"/connections/{connection_id}", 303)


@pages.post("/connections/<connection_id>/schedule")
@signed_in("sync:write")
def set_schedule(connection_id: str) -> WerkzeugResponse:
    """Choose how often the connection is read."""
    find_connection(connection_id)
    every = request.form.get("every", "")
    known = [key for key, _text in _schedule(connection_id)["choices"]]
    if every not in known:
        abort(400)
    hub().sync.schedule(actor(), connection_id, int(every) if every else None)
    flash(_("The schedule is saved."), "ok")
    return redirect(f"/connections/{connection_id}", 303)


@pages.route("/connections/<connection_id>/remove", methods=["GET", "POST"])
@signed_in("connections:write")
def remove_connection(connection_id: str) -> Response | WerkzeugResponse:
    """Say what removing means; remove on confirmation with the typed name."""
    found = find_connection(connection_id)
    wrong = ""
    if request.method == "POST":
        if request.form.get("name", "").strip() == found.name:
            hub().connections.remove(actor(), connection_id)
            told = _(
                "%(name)s is removed. What was read stays in the books.",
                name=found.name,
            )
            flash(told, "ok")
            return redirect("/connections", 303)
        wrong = _("Type the connection's name exactly.")
    answer = page(
        "reseller/connection_remove.html",
        "connections",
        removal=hub().connections.preview_removal(actor(), connection_id),
        wrong=wrong,
    )
    answer.status_code = 422 if wrong else 200
    return answer
