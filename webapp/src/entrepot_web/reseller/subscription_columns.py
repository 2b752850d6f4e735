"""What the list of subscriptions shows and exports, and its categories."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from entrepot.hub.catalog.price_lists import list_costs
from flask_babel import gettext, lazy_gettext

from entrepot_web.criteria import Criterion
from entrepot_web.listing import Listing
from entrepot_web.lists.subscriptions import SUBSCRIPTIONS
from entrepot_web.reseller.managed_lists import Managed
from entrepot_web.reseller.pages import marks
from entrepot_web.reseller.present import offer_words, word
from entrepot_web.reseller.tables import Column, Facts, Sheet

SOON = timedelta(days=30)
CATEGORIES = (
    ("", lazy_gettext("All")),
    ("active", lazy_gettext("Active")),
    ("expiring", lazy_gettext("Expiring within a month")),
    ("renewing", lazy_gettext("To be renewed within a month")),
    ("trial", lazy_gettext("Trials")),
)


_SOON = replace(
    SUBSCRIPTIONS,
    sorts=(*SUBSCRIPTIONS.sorts, "term_end"),
    default_sort="term_end",
)


def listing_of(category: str) -> Listing:
    """Return the list of a category: what ends or renews soon has the next first."""
    return _SOON if category in ("expiring", "renewing") else SUBSCRIPTIONS


def criteria_of(category: str, now: datetime) -> tuple[Criterion, ...]:
    """Return the filters that a category stands for; none for all or an unknown one.

    Expiring ends within thirty days and does not renew by itself; what renews by
    itself in that time is its own category. Days are whole: pages go on where the
    last one ended.
    """
    now = now.replace(hour=0, minute=0, second=0, microsecond=0)
    live = Criterion("status", "eq", ("active",))
    soon = (
        Criterion("term_end", "gte", (now,)),
        Criterion("term_end", "lt", (now + SOON,)),
    )
    known = {
        "active": (live,),
        "expiring": (live, *soon, Criterion("auto_renew", "eq", (False,))),
        "renewing": (live, *soon, Criterion("auto_renew", "eq", (True,))),
        "trial": (live, Criterion("is_trial", "eq", (True,))),
    }
    return known.get(category, ())


def _plain(row: Any, name: str) -> str:  # noqa: ANN401 - a row
    value = getattr(row, name)
    return "" if value is None else f"{value.normalize():f}"


def _cost(row: Any, facts: Facts) -> str:  # noqa: ANN401 - a row
    amount = facts[row.id].amount if row.id in facts else row.unit_cost
    return "" if amount is None else f"{amount.normalize():f}"


def _currency(row: Any, facts: Facts) -> str:  # noqa: ANN401 - a row
    known: str = row.currency or (facts[row.id].currency if row.id in facts else "")
    return known


def _date(row: Any, name: str) -> str:  # noqa: ANN401 - a row
    value = getattr(row, name)
    return "" if value is None else f"{value:%Y-%m-%d}"


def _provider(row: Any, _facts: Facts) -> str:  # noqa: ANN401 - a row
    found = marks().get(row.connection_id)
    return found.name if found else str(row.connection_id)


def _renews(row: Any, _facts: Facts) -> str:  # noqa: ANN401 - a row
    return {True: gettext("On"), False: gettext("Off")}.get(row.auto_renew, "")


MANAGED = Managed("subscriptions", "/subscriptions", lazy_gettext("Subscriptions"))
SHEET = Sheet(
    name="subscriptions",
    listing=SUBSCRIPTIONS,
    first=Column(
        key="name",
        title=lazy_gettext("Plan"),
        text=lambda row, _: row.nickname or row.friendly_name or row.name,
    ),
    columns=(
        Column(
            key="offer",
            title=lazy_gettext("Term and billing"),
            text=lambda row, _: offer_words(row.term, row.billing_cycle),
        ),
        Column(
            key="customer",
            title=lazy_gettext("Customer"),
            text=lambda row, _: row.customer_name or "",
        ),
        Column(key="provider", title=lazy_gettext("Provider"), text=_provider),
        Column(
            key="quantity",
            title=lazy_gettext("Licences"),
            text=lambda row, _: _plain(row, "quantity"),
            numeric=True,
            sort="quantity",
            kind="number",
        ),
        Column(
            key="status",
            title=lazy_gettext("Status"),
            text=lambda row, _: word("subscription", row.status).text,
        ),
        Column(
            key="unit_cost",
            title=lazy_gettext("Unit cost"),
            text=_cost,
            numeric=True,
            kind="number",
        ),
        Column(
            key="currency",
            title=lazy_gettext("Currency"),
            text=_currency,
        ),
        Column(key="auto_renew", title=lazy_gettext("Auto-renew"), text=_renews),
        Column(
            key="vendor_name",
            title=lazy_gettext("Vendor's name"),
            text=lambda row, _: row.name,
        ),
        Column(
            key="started_at",
            title=lazy_gettext("Purchased on"),
            text=lambda row, _: _date(row, "started_at"),
            kind="date",
        ),
        Column(
            key="customer_po",
            title=lazy_gettext("Customer PO"),
            text=lambda row, _: row.customer_po or "",
        ),
        Column(
            key="reseller_po",
            title=lazy_gettext("Reseller PO"),
            text=lambda row, _: row.reseller_po or "",
        ),
        Column(
            key="term_end",
            title=lazy_gettext("Term ends"),
            text=lambda row, _: _date(row, "term_end"),
            kind="date",
        ),
        Column(key="sku", title=lazy_gettext("SKU"), text=lambda row, _: row.sku),
        Column(
            key="vendor_id",
            title=lazy_gettext("Subscription id"),
            text=lambda row, _: row.vendor_id,
        ),
    ),
    usual=(
        *("customer", "provider", "quantity", "status", "unit_cost", "auto_renew"),
        "term_end",
    ),
    beside=list_costs,
)
