"""Lists whose columns and saved views all people of a reseller share."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.sdk.errors import EntrepotError
from flask import Response, flash, redirect, request, session
from flask_babel import gettext
from flask_babel.speaklater import LazyString
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.context import actor, hub
from entrepot_web.reseller.pages import page, sentence
from entrepot_web.reseller.tables import Column, Sheet


@dataclass(frozen=True, slots=True)
class Managed:
    """A list with columns to manage.

    Attributes:
        name: Under which columns and views are kept; the module of its pages.
        path: Address of the list.
        title: Its name.
    """

    name: str
    path: str
    title: LazyString

    @property
    def draft(self) -> str:
        """Name in the session of columns that are not saved yet."""
        return f"columns_draft_{self.name}"


def shown(managed: Managed, sheet: Sheet) -> tuple[Column, ...]:
    """Return the columns that all people of the reseller see."""
    return sheet.chosen(hub().customers.views.read(actor(), managed.name).columns)


def columns_page(managed: Managed, sheet: Sheet) -> Response:
    """Return the page of which columns a list has and in what order."""
    columns = _draft(managed, sheet)
    keys = {column.key for column in columns}
    return page(
        "reseller/columns.html",
        managed.name,
        managed=managed,
        first=sheet.first,
        shown=columns,
        others=[column for column in sheet.columns if column.key not in keys],
        moved=request.args.get("moved", ""),
        changed=managed.draft in session,
    )


def change_columns(managed: Managed, sheet: Sheet) -> WerkzeugResponse:
    """Show, hide or move a column; save for everybody, or leave all as it was."""
    keys = [column.key for column in _draft(managed, sheet)]
    action, _, key = request.form.get("do", "").partition(":")
    if action in ("save", "cancel"):
        session.pop(managed.draft, None)
        if action == "save":
            hub().customers.views.choose_columns(actor(), managed.name, keys)
            flash(gettext("Everybody sees these columns now."), "ok")
        return redirect(managed.path, 303)
    if action == "usual":
        keys = list(sheet.usual)
    wanted = sheet.chosen(rearranged(keys, action, key))
    session[managed.draft] = [one.key for one in wanted]
    moved = f"?moved={key}" if any(one.key == key for one in sheet.columns) else ""
    return redirect(f"{managed.path}/columns{moved}", 303)


def change_views(managed: Managed) -> WerkzeugResponse:
    """Save the list's filters and order under a name, or remove such a view."""
    action, _, view_id = request.form.get("do", "").partition(":")
    query = request.form.get("query", "").lstrip("?")[:2000]
    try:
        if action == "remove":
            hub().customers.views.remove(actor(), view_id)
            flash(gettext("The view is removed."), "ok")
        else:
            name = request.form.get("name", "")
            hub().customers.views.save(actor(), managed.name, name, query)
            flash(gettext("The view is saved for everybody."), "ok")
    except EntrepotError as error:
        flash(sentence(error), "warn")
    return redirect(managed.path + (f"?{query}" if query else ""), 303)


def rearranged(keys: list[str], action: str, key: str) -> list[str]:
    """Return the columns after one step: ``add``, ``remove``, ``up`` or ``down``."""
    found = [one for one in keys if one != key]
    if action == "add":
        return [*found, key]
    if action in ("up", "down") and key in keys:
        at = keys.index(key) + (-1 if action == "up" else 1)
        found.insert(max(0, at), key)
        return found
    return found if action == "remove" else keys


def _draft(managed: Managed, sheet: Sheet) -> tuple[Column, ...]:
    if managed.draft in session:
        return sheet.chosen(session[managed.draft])
    return shown(managed, sheet)
