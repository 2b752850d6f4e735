"""Subscriptions: the list, its categories, filters and file."""

from __future__ import annotations

from entrepot.hub.customers.tables import Customer
from flask import Blueprint, Response, request
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.criteria import Criterion
from entrepot_web.listing import Listing
from entrepot_web.lists.subscriptions import SUBSCRIPTIONS
from entrepot_web.reseller.managed_lists import (
    change_columns,
    change_views,
    columns_page,
    shown,
)
from entrepot_web.reseller.pages import asked, chosen, list_view, marks, page, picked
from entrepot_web.reseller.subscription_columns import (
    CATEGORIES,
    MANAGED,
    SHEET,
    criteria_of,
    listing_of,
)
from entrepot_web.reseller.tables import export

pages = Blueprint("console_subscriptions", __name__)
FILTERS = ("status", "connection_id", "billing_cycle", "customer_id", "customer_kind")


@pages.get("/subscriptions")
@signed_in("subscriptions:read")
def subscription_list() -> Response:
    """Show the subscriptions of a category."""
    found = list_view(_listing(), _criteria(), beside=SHEET.beside)
    shared = hub().customers.views.read(actor(), MANAGED.name)
    return page(
        "reseller/subscriptions.html",
        "subscriptions",
        view=found,
        categories=CATEGORIES,
        category=request.args.get("category", ""),
        customer=_customer_name(),
        marks=marks(),
        columns=SHEET.chosen(shared.columns),
        views=shared.saved,
    )


@pages.get("/subscriptions/export.csv")
@pages.get("/subscriptions/export.xlsx")
@signed_in("subscriptions:read")
def export_subscriptions() -> Response:
    """Give the subscriptions as a file: the filters and the order of the screen."""
    question = asked(_listing(), _criteria())
    return export(SHEET, question, shown(MANAGED, SHEET), picked("id"))


@pages.get("/subscriptions/columns")
@signed_in("customers:write")
def subscription_columns() -> Response:
    """Show which columns the list has and in what order."""
    return columns_page(MANAGED, SHEET)


@pages.post("/subscriptions/columns")
@signed_in("customers:write")
def change_subscription_columns() -> WerkzeugResponse:
    """Show, hide or move a column; save for everybody, or leave all as it was."""
    return change_columns(MANAGED, SHEET)


@pages.post("/subscriptions/views")
@signed_in("customers:write")
def change_subscription_views() -> WerkzeugResponse:
    """Save the list's filters and order under a name, or remove such a view."""
    return change_views(MANAGED)


def _listing() -> Listing:
    return listing_of(request.args.get("category", ""))


def _criteria() -> tuple[Criterion, ...]:
    category = criteria_of(request.args.get("category", ""), hub().clock.now())
    return (*category, *chosen(SUBSCRIPTIONS, *FILTERS))


def _customer_name() -> str:
    """Return the name of the customer whose subscriptions are asked for, or empty."""
    wanted = request.args.get("customer_id")
    if not wanted:
        return ""
    with hub().store.read(scope()) as session:
        name = session.scalar(select(Customer.name).where(Customer.id == wanted))
    return name or ""
