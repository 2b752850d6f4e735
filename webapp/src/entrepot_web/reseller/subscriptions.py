"""Subscriptions: the list, its categories, filters and file."""

from __future__ import annotations

from entrepot.hub.customers.tables import Customer
from flask import Blueprint, Response, request
from sqlalchemy import select

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import hub, scope
from entrepot_web.criteria import Criterion
from entrepot_web.lists.subscriptions import SUBSCRIPTIONS
from entrepot_web.reseller.pages import asked, chosen, list_view, marks, page, picked
from entrepot_web.reseller.subscription_columns import CATEGORIES, SHEET, criteria_of
from entrepot_web.reseller.tables import export

pages = Blueprint("console_subscriptions", __name__)
FILTERS = ("status", "connection_id", "billing_cycle", "customer_id", "customer_kind")


@pages.get("/subscriptions")
@signed_in("subscriptions:read")
def subscription_list() -> Response:
    """Show the subscriptions of a category."""
    found = list_view(SUBSCRIPTIONS, _criteria())
    return page(
        "reseller/subscriptions.html",
        "subscriptions",
        view=found,
        categories=CATEGORIES,
        category=request.args.get("category", ""),
        customer=_customer_name(),
        marks=marks(),
    )


@pages.get("/subscriptions/export.csv")
@pages.get("/subscriptions/export.xlsx")
@signed_in("subscriptions:read")
def export_subscriptions() -> Response:
    """Give the subscriptions as a file: the filters and the order of the screen."""
    question = asked(SUBSCRIPTIONS, _criteria())
    return export(SHEET, question, SHEET.chosen(None), picked("id"))


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
