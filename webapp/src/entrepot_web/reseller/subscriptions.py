"""Subscriptions: the list and one subscription as it is and as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.hub.customers.tables import Customer
from entrepot.hub.subscriptions.tables import SubscriptionFact, SubscriptionRow
from flask import Blueprint, Response, abort, request
from sqlalchemy import select

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.criteria import Criterion
from entrepot_web.lists.subscriptions import SUBSCRIPTIONS
from entrepot_web.reseller.pages import asked, chosen, list_view, marks, page, picked
from entrepot_web.reseller.subscription_columns import CATEGORIES, SHEET, criteria_of
from entrepot_web.reseller.tables import export

pages = Blueprint("console_subscriptions", __name__)
HISTORY_ROWS = 50
FILTERS = ("status", "connection_id", "billing_cycle", "customer_id")
_LABELS = {
    "quantity": "Licences",
    "status": "Status",
    "vendor_status": "Vendor status",
    "unit_cost": "Unit cost",
    "auto_renew": "Auto-renew",
    "term_end": "Term ends",
    "term_start": "Term starts",
    "sku": "SKU",
    "billing_cycle": "Billing",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a past state beside what it is now."""

    label: str
    then: str
    now: str

    @property
    def differs(self) -> bool:
        """Whether it has changed since."""
        return self.then != self.now


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
@signed_in("subscriptions:read")
def export_subscriptions() -> Response:
    """Give the subscriptions as a file: the filters and the order of the screen."""
    question = asked(SUBSCRIPTIONS, _criteria())
    return export(SHEET, question, SHEET.chosen(None), picked("id"))


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
        own = session.get_one(SubscriptionRow, subscription_id)
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
    step = _step(len(facts))
    return page(
        "reseller/subscription.html",
        "subscriptions",
        row=row,
        own=own,
        console_address=hub().links.find(
            actor(),
            row.connection_id,
            "subscription",
            row.vendor_id,
            own.customer_vendor_id,
        ),
        facts=facts,
        step=step,
        past=facts[len(facts) - 1 - step] if facts else None,
        fields=_compared(facts, step),
        addons=addons,
        marks=marks(),
        rail=True,
    )


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


def _step(count: int) -> int:
    """Return which state is asked for: 0 is the oldest; the newest when none is."""
    text = request.args.get("state", "")
    newest = max(0, count - 1)
    return min(int(text), newest) if text.isascii() and text.isdigit() else newest


def _compared(facts: Sequence[Any], step: int) -> list[Field]:
    """Return the fields of a state beside those of the newest one."""
    if not facts:
        return []
    then, now = facts[len(facts) - 1 - step].payload, facts[0].payload
    return [
        Field(_label(name), _text(then.get(name)), _text(now.get(name)))
        for name in sorted(then.keys() | now.keys(), key=_order)
        if then.get(name) not in (None, "", [], {})
        or now.get(name) not in (None, "", [], {})
    ]


def _order(name: str) -> tuple[int, str]:
    known = list(_LABELS)
    return (known.index(name) if name in known else len(known), name)


def _label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | dict):
        return f"{len(value)} entries" if value else "–"
    return "–" if value in (None, "") else str(value)
