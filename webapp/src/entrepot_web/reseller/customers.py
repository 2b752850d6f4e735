"""Customers: the list and one customer."""

from __future__ import annotations

from entrepot.hub.customers.records import CustomerFacet
from entrepot.hub.customers.tables import Customer
from entrepot.sdk.errors import EntrepotError
from flask import Blueprint, Response, abort, flash, redirect, request, session, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.criteria import Criterion
from entrepot_web.lists.customers import CUSTOMERS
from entrepot_web.reseller.customer_columns import SHEET
from entrepot_web.reseller.pages import (
    asked,
    chosen,
    list_view,
    marks,
    page,
    picked,
    sentence,
)
from entrepot_web.reseller.tables import export

pages = Blueprint("console_customers", __name__)
FILTERS = ("state", "connection_id", "country")
KEPT_COLUMNS = "columns_customers"


@pages.get("/customers")
@signed_in("customers:read")
def customer_list() -> Response:
    """Show the customers."""
    view = list_view(CUSTOMERS, _criteria(), beside=SHEET.beside)
    return page(
        "reseller/customers.html",
        "customers",
        view=view,
        sheet=SHEET,
        columns=SHEET.chosen(session.get(KEPT_COLUMNS)),
        countries=_countries(),
        marks=marks(),
    )


@pages.get("/customers/export.csv")
@signed_in("customers:read")
def export_customers() -> Response:
    """Give the customers as a file: the columns, filters and order of the screen."""
    question = asked(CUSTOMERS, _criteria())
    ids = () if request.args.get("all") else picked("id")
    return export(SHEET, question, SHEET.chosen(session.get(KEPT_COLUMNS)), ids)


@pages.get("/customers/columns")
@signed_in("customers:read")
def customer_columns() -> Response:
    """Show which columns the list has and in what order."""
    shown = SHEET.chosen(session.get(KEPT_COLUMNS))
    return page(
        "reseller/customer_columns.html",
        "customers",
        shown=shown,
        others=[column for column in SHEET.columns if column not in shown],
        moved=request.args.get("moved", ""),
    )


@pages.post("/customers/columns")
@signed_in("customers:read")
def change_columns() -> WerkzeugResponse:
    """Show, hide or move one column, or go back to the usual ones."""
    keys = [column.key for column in SHEET.chosen(session.get(KEPT_COLUMNS))]
    action, _, key = request.form.get("do", "").partition(":")
    session[KEPT_COLUMNS] = [
        column.key for column in SHEET.chosen(rearranged(keys, action, key))
    ]
    if action == "usual":
        session.pop(KEPT_COLUMNS)
    return redirect(url_for("console_customers.customer_columns", moved=key), 303)


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


def _criteria() -> tuple[Criterion, ...]:
    """Return the filters; customers joined to others show only when asked for."""
    found = chosen(CUSTOMERS, *FILTERS)
    if any(item.field == "state" for item in found):
        return found
    return (*found, Criterion("state", "nin", ("merged", "deleted")))


def _countries() -> list[str]:
    facet = CustomerFacet
    query = (
        select(facet.value)
        .where(facet.kind == "country")
        .distinct()
        .order_by(facet.value)
        .limit(250)
    )
    with hub().store.read(scope()) as found:
        return list(found.scalars(query))


@pages.post("/customers/<customer_id>/refresh")
@signed_in("sync:write")
def refresh_customer(customer_id: str) -> WerkzeugResponse:
    """Read this customer at its vendors now."""
    with hub().store.read(scope()) as session:
        found = session.get(Customer, customer_id)
        if found is None or found.tenant_id != actor().tenant_id:
            abort(404)
    try:
        runs = hub().sync.start_customer(actor(), customer_id)
    except EntrepotError as error:
        flash(sentence(error), "warn")
        return redirect(
            url_for("console_profile.customer", customer_id=customer_id), 303
        )
    if not runs:
        flash("None of this customer's connections can be read right now.", "warn")
        return redirect(
            url_for("console_profile.customer", customer_id=customer_id), 303
        )
    flash("Reading this customer now. The page shows the result in seconds.", "ok")
    return redirect(url_for("console_sync.sync_run", run_id=runs[0].run_id), 303)
