"""Customers: the list and one customer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.sdk.errors import EntrepotError
from flask import Blueprint, Response, abort, flash, redirect, url_for
from sqlalchemy import func, select
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.api.customers import accounts_by_customer, contacts_of
from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.criteria import Criterion
from entrepot_web.lists.customers import CUSTOMERS
from entrepot_web.lists.subscriptions import SUBSCRIPTIONS
from entrepot_web.reseller.pages import chosen, list_view, marks, page, sentence

pages = Blueprint("console_customers", __name__)


@pages.get("/customers")
@signed_in("customers:read")
def customer_list() -> Response:
    """Show the customers."""
    view = list_view(CUSTOMERS, chosen(CUSTOMERS, "state"))
    ids = [row.id for row in view.rows]
    with hub().store.read(scope()) as session:
        accounts = accounts_by_customer(session, ids)
        counts = _pairs(
            session.execute(
                select(CustomerAccount.customer_id, func.count())
                .join(SubscriptionRow, SubscriptionRow.account_id == CustomerAccount.id)
                .where(
                    CustomerAccount.customer_id.in_(ids),
                    SubscriptionRow.status == "active",
                )
                .group_by(CustomerAccount.customer_id)
            )
        )
    return page(
        "reseller/customers.html",
        "customers",
        view=view,
        accounts=accounts,
        counts=counts,
        marks=marks(),
    )


@pages.get("/customers/<customer_id>")
@signed_in("customers:read")
def customer(customer_id: str) -> Response:
    """Show one customer with what it has bought."""
    with hub().store.read(scope()) as session:
        found = session.get(Customer, customer_id)
        if found is None or found.tenant_id != actor().tenant_id:
            abort(404)
        accounts = session.scalars(
            select(CustomerAccount)
            .where(CustomerAccount.customer_id == customer_id)
            .order_by(CustomerAccount.id)
        ).all()
        contacts = session.scalars(contacts_of(customer_id).limit(5)).all()
        statuses = _pairs(
            session.execute(
                select(SubscriptionRow.status, func.count())
                .join(CustomerAccount, CustomerAccount.id == SubscriptionRow.account_id)
                .where(CustomerAccount.customer_id == customer_id)
                .group_by(SubscriptionRow.status)
            )
        )
    criteria = (
        Criterion("customer_id", "eq", (customer_id,)),
        *chosen(SUBSCRIPTIONS, "status"),
    )
    return page(
        "reseller/customer.html",
        "customers",
        customer=found,
        accounts=accounts,
        consoles={
            one.id: hub().links.find(
                actor(), one.connection_id, "customer", one.vendor_id
            )
            for one in accounts
        },
        contacts=contacts,
        statuses=statuses,
        view=list_view(SUBSCRIPTIONS, criteria),
        marks=marks(),
    )


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
            url_for("console_customers.customer", customer_id=customer_id), 303
        )
    if not runs:
        flash("None of this customer's connections can be read right now.", "warn")
        return redirect(
            url_for("console_customers.customer", customer_id=customer_id), 303
        )
    flash("Reading this customer now. The page shows the result in seconds.", "ok")
    return redirect(url_for("console_sync.sync_run", run_id=runs[0].run_id), 303)


def _pairs(rows: Iterable[Any]) -> dict[str, int]:
    return {key: int(value) for key, value in rows}
