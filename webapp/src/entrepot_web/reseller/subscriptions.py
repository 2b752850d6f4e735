"""Subscriptions: the list and one subscription with its history."""

from __future__ import annotations

from entrepot.hub.subscriptions.tables import SubscriptionFact, SubscriptionRow
from flask import Blueprint, Response, abort
from sqlalchemy import select

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.lists.subscriptions import SUBSCRIPTIONS
from entrepot_web.reseller.pages import chosen, list_view, marks, page

pages = Blueprint("console_subscriptions", __name__)
HISTORY_ROWS = 50


@pages.get("/subscriptions")
@signed_in("subscriptions:read")
def subscription_list() -> Response:
    """Show the subscriptions."""
    criteria = chosen(SUBSCRIPTIONS, "status", "connection_id", "billing_cycle")
    return page(
        "reseller/subscriptions.html",
        "subscriptions",
        view=list_view(SUBSCRIPTIONS, criteria),
        marks=marks(),
    )


@pages.get("/subscriptions/<subscription_id>")
@signed_in("subscriptions:read")
def subscription(subscription_id: str) -> Response:
    """Show one subscription, as it is and as it was."""
    with hub().store.read(scope()) as session:
        row = session.execute(
            SUBSCRIPTIONS.of(actor().tenant_id).where(
                SUBSCRIPTIONS.key == subscription_id
            )
        ).one_or_none()
        if row is None:
            abort(404)
        owner = session.scalars(
            select(SubscriptionRow.customer_vendor_id).where(
                SubscriptionRow.id == subscription_id
            )
        ).one()
        facts = session.scalars(
            select(SubscriptionFact)
            .where(SubscriptionFact.object_id == subscription_id)
            .order_by(SubscriptionFact.known_at.desc())
            .limit(HISTORY_ROWS)
        ).all()
        addons = session.execute(
            SUBSCRIPTIONS.of(actor().tenant_id)
            .where(
                SubscriptionRow.connection_id == row.connection_id,
                SubscriptionRow.parent_vendor_id == row.vendor_id,
            )
            .limit(50)
        ).all()
    return page(
        "reseller/subscription.html",
        "subscriptions",
        row=row,
        console_address=hub().links.find(
            actor(),
            row.connection_id,
            "subscription",
            row.vendor_id,
            owner,
        ),
        facts=facts,
        addons=addons,
        marks=marks(),
    )
