"""Connections: health, adding one, checking, pausing, removing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from entrepot.hub.connections.settings_schema import SettingField
from entrepot.hub.connections.views import ConnectionView
from entrepot.sdk.errors import Conflict, EntrepotError, NotFound
from flask import Blueprint, Response, abort, flash, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub
from entrepot_web.reseller.pages import marks, page, sentence
from entrepot_web.reseller.sync_runs import strips

pages = Blueprint("console_connections", __name__)
EVERY = (
    ("", "Only when asked"),
    ("900", "Every 15 minutes"),
    ("3600", "Every hour"),
    ("14400", "Every 4 hours"),
    ("86400", "Once a day"),
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


@pages.get("/connections/new")
@signed_in("connections:write")
def new_connection() -> Response:
    """Choose a plugin, then fill in what it needs."""
    return _form(request.args.get("plugin", ""), {}, {}, 200)


@pages.post("/connections/new")
@signed_in("connections:write")
def add_connection() -> Response | WerkzeugResponse:
    """Add a connection after proving that it works."""
    plugin = request.form.get("plugin", "")
    name = request.form.get("name", "").strip()
    if plugin not in hub().plugins.names():
        abort(404)
    fields = hub().connections.settings_schema(plugin)
    entered = _entered(fields)
    try:
        made = hub().connections.add(actor(), plugin=plugin, name=name, values=entered)
    except EntrepotError as error:
        return _form(plugin, request.form, _errors(error), 422, sentence(error))
    flash(f"{made.name} is connected. Start its first read whenever you like.", "ok")
    return redirect(f"/connections/{made.id}", 303)


@pages.get("/connections/<connection_id>")
@signed_in("connections:read")
def connection(connection_id: str) -> Response:
    """Show one connection."""
    found = _found(connection_id)
    schedule = None
    if actor().may("sync:read"):
        schedule = hub().sync.schedule_of(actor(), connection_id)
    labels: dict[str, str] = {}
    if found.plugin in hub().plugins.names():
        schema = hub().connections.settings_schema(found.plugin)
        labels = {item.name: item.info.label for item in schema}
    return page(
        "reseller/connection.html",
        "connections",
        connection=found,
        labels=labels,
        every=str(schedule.every_seconds or "") if schedule else "",
        choices=EVERY,
        marks=marks(),
    )


@pages.get("/connections/<connection_id>/edit")
@signed_in("connections:write")
def edit_connection(connection_id: str) -> Response:
    """Show a connection's settings in a form; secrets stay out of it."""
    found = _found(connection_id)
    if found.plugin not in hub().plugins.names():
        abort(404)
    given = {
        f"s.{name}": ", ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in found.settings.items()
    }
    given |= {"name": found.name, "version": str(found.version)}
    return _form(found.plugin, given, {}, 200, editing=found)


@pages.post("/connections/<connection_id>/edit")
@signed_in("connections:write")
def save_connection(connection_id: str) -> Response | WerkzeugResponse:
    """Save changed settings after proving that they work."""
    found = _found(connection_id)
    if found.plugin not in hub().plugins.names():
        abort(404)
    entered = _entered(hub().connections.settings_schema(found.plugin), cleared=True)
    version = request.form.get("version", "")
    try:
        hub().connections.update(
            actor(),
            connection_id,
            version=int(version) if version.isascii() and version.isdigit() else None,
            name=request.form.get("name", "").strip() or found.name,
            values=entered,
        )
    except EntrepotError as error:
        status = 409 if isinstance(error, Conflict) else 422
        problem = sentence(error)
        return _form(
            found.plugin, request.form, _errors(error), status, problem, editing=found
        )
    flash("The settings work and are saved.", "ok")
    return redirect(f"/connections/{connection_id}", 303)


@pages.post("/connections/<connection_id>/check")
@signed_in("connections:write")
def check_connection(connection_id: str) -> WerkzeugResponse:
    """Prove that the connection works."""
    _found(connection_id)
    report = hub().connections.check(actor(), connection_id)
    if report.error is None:
        flash("The connection works.", "ok")
    else:
        remedy = report.error.remedy or ""
        flash(f"{report.error.user_message} {remedy}".strip(), "bad")
    return redirect(f"/connections/{connection_id}", 303)


@pages.post("/connections/<connection_id>/state")
@signed_in("connections:write")
def set_state(connection_id: str) -> WerkzeugResponse:
    """Pause a connection or let it work again."""
    _found(connection_id)
    try:
        if request.form.get("state") == "paused":
            hub().connections.pause(actor(), connection_id)
            flash("Paused. Nothing is read through it until you resume it.", "ok")
        else:
            hub().connections.resume(actor(), connection_id)
            flash("Resumed.", "ok")
    except EntrepotError as error:
        flash(sentence(error), "warn")
    return redirect(f"/connections/{connection_id}", 303)


@pages.post("/connections/<connection_id>/schedule")
@signed_in("sync:write")
def set_schedule(connection_id: str) -> WerkzeugResponse:
    """Choose how often the connection is read."""
    _found(connection_id)
    every = request.form.get("every", "")
    if every not in dict(EVERY):
        abort(400)
    hub().sync.schedule(actor(), connection_id, int(every) if every else None)
    flash("The schedule is saved.", "ok")
    return redirect(f"/connections/{connection_id}", 303)


@pages.route("/connections/<connection_id>/remove", methods=["GET", "POST"])
@signed_in("connections:write")
def remove_connection(connection_id: str) -> Response | WerkzeugResponse:
    """Say what removing means; remove on confirmation with the typed name."""
    found = _found(connection_id)
    wrong = ""
    if request.method == "POST":
        if request.form.get("name", "").strip() == found.name:
            hub().connections.remove(actor(), connection_id)
            flash(f"{found.name} is removed. What was read stays in the books.", "ok")
            return redirect("/connections", 303)
        wrong = "Type the connection's name exactly."
    answer = page(
        "reseller/connection_remove.html",
        "connections",
        removal=hub().connections.preview_removal(actor(), connection_id),
        wrong=wrong,
    )
    answer.status_code = 422 if wrong else 200
    return answer


def _form(
    plugin: str,
    given: Mapping[str, str],
    errors: Mapping[str, str],
    status: int,
    problem: str = "",
    editing: ConnectionView | None = None,
) -> Response:
    loaded = [item for item in hub().plugins.list() if item.state == "loaded"]
    usable = [item for item in loaded if item.kind in ("vendor", "psa")]
    known = plugin if plugin in {item.name for item in usable} else ""
    answer = page(
        "reseller/connection_new.html",
        "connections",
        plugins=usable,
        plugin=next((item for item in usable if item.name == known), None),
        fields=hub().connections.settings_schema(known) if known else (),
        given=given,
        errors=errors,
        problem=problem,
        editing=editing,
    )
    answer.status_code = status
    return answer


def _entered(
    fields: tuple[SettingField, ...], *, cleared: bool = False
) -> dict[str, Any]:
    """Return what a person entered; fields left empty are left out.

    Args:
        fields: What the form asks.
        cleared: Whether an emptied field goes back to its default.
    """
    found: dict[str, Any] = {}
    for item in fields:
        text = request.form.get(f"s.{item.name}", "")
        if item.kind == "boolean":
            found[item.name] = bool(text)
        elif text.strip():
            found[item.name] = _typed(item, text)
        elif cleared and not item.info.secret and item.default is not None:
            found[item.name] = item.default
    return found


def _errors(error: EntrepotError) -> dict[str, str]:
    """Return the sentences to show beside fields."""
    several: Mapping[str, list[str]] = getattr(error, "errors", {})
    found = {name: " ".join(texts) for name, texts in several.items()}
    if error.info.field and not found:
        found[error.info.field] = sentence(error)
    return found


def _found(connection_id: str) -> ConnectionView:
    try:
        return hub().connections.get(actor(), connection_id)
    except NotFound:
        abort(404)


def _typed(item: SettingField, text: str) -> Any:  # noqa: ANN401 - any JSON value
    if item.info.secret:
        return text
    if item.kind == "list":
        return [
            part.strip() for part in text.replace("\n", ",").split(",") if part.strip()
        ]
    return text.strip()
