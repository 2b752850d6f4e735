"""Forms of connections: guided by the plugin's settings, checked as one types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from entrepot.hub.connections.settings_schema import SettingField, check_field
from entrepot.hub.connections.views import ConnectionView
from entrepot.sdk.errors import Conflict, EntrepotError, NotFound
from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub
from entrepot_web.reseller.pages import page, sentence
from entrepot_web.reseller.present import mark as look

pages = Blueprint("console_connection_forms", __name__)


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
    told = _(
        "%(name)s is connected. Start its first read whenever you like.",
        name=made.name,
    )
    flash(told, "ok")
    return redirect(f"/connections/{made.id}", 303)


@pages.get("/connections/<connection_id>/edit")
@signed_in("connections:write")
def edit_connection(connection_id: str) -> Response:
    """Show a connection's settings in a form; secrets stay out of it."""
    found = find_connection(connection_id)
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
    found = find_connection(connection_id)
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
    flash(_("The settings work and are saved."), "ok")
    return redirect(f"/connections/{connection_id}", 303)


@pages.post("/connections/check-field/<plugin>/<name>")
@signed_in("connections:write")
def verdict(plugin: str, name: str) -> str:
    """Tell whether one value fits, while somebody types; nothing is kept."""
    if plugin not in hub().plugins.names():
        abort(404)
    fields = {item.name: item for item in hub().connections.settings_schema(plugin)}
    if name not in fields:
        abort(404)
    text = request.form.get(f"s.{name}", "")
    value = _typed(fields[name], text) if text.strip() else ""
    stored = bool(request.form.get("version")) and fields[name].info.secret
    told = ""
    if text.strip() or not stored:
        told = check_field(hub().plugins.info(plugin).settings_type, name, value)
    return render_template(
        "reseller/_verdict.html", told=told, typed=bool(text.strip())
    )


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
        looks={one.name: look("", "", one.name, one.title, one.kind) for one in usable},
        own=Counter(one.plugin for one in hub().connections.list(actor())),
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


def _typed(item: SettingField, text: str) -> Any:  # noqa: ANN401 - any JSON value
    if item.info.secret:
        return text
    if item.kind == "list":
        return [
            part.strip() for part in text.replace("\n", ",").split(",") if part.strip()
        ]
    return text.strip()


def find_connection(connection_id: str) -> ConnectionView:
    """Return a connection of the reader's reseller, or answer 404."""
    try:
        return hub().connections.get(actor(), connection_id)
    except NotFound:
        abort(404)
