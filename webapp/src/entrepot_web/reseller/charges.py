"""What vendors charge and meter: per customer, per subscription, and as a file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, abort, request
from flask_babel import gettext, lazy_gettext

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import hub, scope
from entrepot_web.criteria import Criterion
from entrepot_web.lists.charges import CHARGES, USAGE
from entrepot_web.reseller.customer_facts import sums
from entrepot_web.reseller.pages import asked, list_view, marks, page
from entrepot_web.reseller.profile import customer_of, frame_of
from entrepot_web.reseller.subscription import subscription_frame
from entrepot_web.reseller.tables import Column, Facts, Sheet, export

pages = Blueprint("console_charges", __name__)
KINDS = {
    "recurring": lazy_gettext("Recurring"),
    "prorated": lazy_gettext("Part of a period"),
    "usage": lazy_gettext("Usage"),
    "one_time": lazy_gettext("One-time"),
    "commitment": lazy_gettext("Commitment"),
    "discount": lazy_gettext("Discount"),
    "credit": lazy_gettext("Credit"),
    "refund": lazy_gettext("Refund"),
    "tax": lazy_gettext("Tax"),
    "support": lazy_gettext("Support"),
    "adjustment": lazy_gettext("Adjustment"),
    "unknown": lazy_gettext("Unknown"),
}


@pages.get("/customers/<customer_id>/charges")
@signed_in("subscriptions:read")
def customer_charges(customer_id: str) -> Response:
    """Show what the vendors charge for a customer, or what they metered."""
    found = customer_of(customer_id)
    with hub().store.read(scope()) as session:
        summed = sums(session, customer_id)
    return page(
        "reseller/customer_charges.html",
        "customers",
        **frame_of(found, "charges"),
        **_lines("customer_id", customer_id),
        sums=summed,
    )


@pages.get("/customers/<customer_id>/charges/export.csv")
@pages.get("/customers/<customer_id>/charges/export.xlsx")
@pages.get("/customers/<customer_id>/charges/export.ndjson")
@signed_in("subscriptions:read")
def export_customer_charges(customer_id: str) -> Response:
    """Give the lines of a customer as a file: the filter and order of the screen."""
    customer_of(customer_id)
    return _file("customer_id", customer_id)


@pages.get("/subscriptions/<subscription_id>/charges")
@signed_in("subscriptions:read")
def subscription_charges(subscription_id: str) -> Response:
    """Show what the vendor charges for a subscription, or what it metered."""
    return page(
        "reseller/subscription_charges.html",
        "subscriptions",
        **subscription_frame(subscription_id, "charges"),
        **_lines("subscription_id", subscription_id),
    )


@pages.get("/subscriptions/<subscription_id>/charges/export.csv")
@pages.get("/subscriptions/<subscription_id>/charges/export.xlsx")
@pages.get("/subscriptions/<subscription_id>/charges/export.ndjson")
@signed_in("subscriptions:read")
def export_subscription_charges(subscription_id: str) -> Response:
    """Give the lines of a subscription as a file: the screen's filter and order."""
    subscription_frame(subscription_id, "charges")
    return _file("subscription_id", subscription_id)


def _file(field: str, value: str) -> Response:
    sheet = _sheet_asked()
    question = asked(sheet.listing, _criteria(field, value))
    return export(sheet, question, sheet.columns)


def _sheet_asked() -> Sheet:
    return USAGE_SHEET if _metered() else CHARGES_SHEET


def _lines(field: str, value: str) -> dict[str, Any]:
    """Return what the list of lines shows."""
    view = list_view(_sheet_asked().listing, _criteria(field, value))
    return {
        "view": view,
        "usage": _metered(),
        "month": request.args.get("month", "")[:7],
        "kinds": KINDS,
    }


def _metered() -> bool:
    return request.args.get("kind") == "usage"


def _criteria(field: str, value: str) -> list[Criterion]:
    month = request.args.get("month", "")[:7]
    if "\0" in month:
        abort(404)
    narrowed = [Criterion("month", "eq", (month,))] if month else []
    return [Criterion(field, "eq", (value,)), *narrowed]


def _provider(row: Any, _facts: Facts) -> str:  # noqa: ANN401 - a row
    found = marks().get(row.connection_id)
    return found.name if found else str(row.connection_id)


def _exact(value: Decimal | None) -> str:
    return "" if value is None else f"{value:f}"


def _day(value: date | None) -> str:
    return "" if value is None else value.isoformat()


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


_SAID: dict[str, Any] = {
    "text": lambda value: value or "",
    "number": _exact,
    "date": _day,
    "moment": _utc,
}
"""What a value of each kind says in a cell."""


def _of(key: str, title: Any, kind: str = "text") -> Column:  # noqa: ANN401 - a lazy text
    say = _SAID[kind]
    return Column(
        key=key,
        title=title,
        text=lambda row, _: say(getattr(row, key)),
        numeric=kind == "number",
        kind=kind,
    )


_NAME = Column(
    key="name",
    title=lazy_gettext("Line"),
    text=lambda row, _: row.name or row.sku or row.vendor_id,
)
_MONTH = (
    Column(key="provider", title=lazy_gettext("Provider"), text=_provider),
    _of("month", lazy_gettext("Month")),
    _of("quantity", lazy_gettext("Quantity"), "number"),
    _of("unit", lazy_gettext("Unit")),
)
_REST = (
    _of("currency", lazy_gettext("Currency")),
    Column(
        key="estimated",
        title=lazy_gettext("May still change"),
        text=lambda row, _: gettext("yes") if row.estimated else gettext("no"),
    ),
    _of("sku", lazy_gettext("SKU")),
    _of("customer_name", lazy_gettext("Customer")),
    _of("subscription_vendor_id", lazy_gettext("Subscription id")),
    _of("source", lazy_gettext("Source")),
)


def _sheet(name: str, listing: Any, own: tuple[Column, ...]) -> Sheet:  # noqa: ANN401 - a listing
    return Sheet(
        name=name,
        listing=listing,
        first=_NAME,
        columns=own,
        usual=tuple(one.key for one in own),
    )


CHARGES_SHEET = _sheet(
    "charges",
    replace(CHARGES, default_sort="-month"),
    (
        Column(
            key="kind",
            title=lazy_gettext("Kind"),
            text=lambda row, _: str(KINDS.get(row.kind, row.kind)),
        ),
        _of("period_start", lazy_gettext("From"), "date"),
        _of("period_end", lazy_gettext("Until (not included)"), "date"),
        *_MONTH,
        _of("amount", lazy_gettext("Amount"), "number"),
        *_REST,
        _of("invoice_id", lazy_gettext("Invoice")),
    ),
)
USAGE_SHEET = _sheet(
    "usage",
    replace(USAGE, default_sort="-starts_at"),
    (
        _of("starts_at", lazy_gettext("From"), "moment"),
        _of("ends_at", lazy_gettext("Until (not included)"), "moment"),
        *_MONTH,
        _of("cost", lazy_gettext("Cost"), "number"),
        *_REST,
        _of("resource_id", lazy_gettext("Resource")),
    ),
)
