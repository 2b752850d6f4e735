"""The columns of differences in a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from entrepot.hub.reconciliation.views import IssueView
from flask_babel import gettext, lazy_gettext

from entrepot_web.reseller.issue_words import sentence_of
from entrepot_web.reseller.tables import Column, Facts


def _told(tell: Callable[[IssueView], object]) -> Callable[[Any, Facts], str]:
    def text(row: Any, facts: Facts) -> str:  # noqa: ANN401 - a row
        value = tell(facts[row[0].id])
        return "" if value is None else str(value)

    return text


def _values(values: Any) -> str:  # noqa: ANN401 - a mapping of texts
    return "; ".join(f"{name} {value}" for name, value in values.items())


CUSTOMER = Column(
    key="customer",
    title=lazy_gettext("Customer"),
    text=_told(lambda one: one.company_name or one.vendor_customer_id),
)
COLUMNS = (
    Column(
        key="product",
        title=lazy_gettext("Product"),
        text=_told(lambda one: one.product_name or one.sku or one.product_id),
    ),
    Column(key="kind", title=lazy_gettext("Kind"), text=_told(lambda one: one.kind)),
    Column(key="sentence", title=lazy_gettext("Difference"), text=_told(sentence_of)),
    Column(
        key="severity",
        title=lazy_gettext("Severity"),
        text=_told(lambda one: one.severity),
    ),
    Column(key="state", title=lazy_gettext("State"), text=_told(lambda one: one.state)),
    Column(
        key="expected",
        title=lazy_gettext("Expected"),
        text=_told(lambda one: _values(one.expected)),
    ),
    Column(
        key="actual",
        title=lazy_gettext("PSA"),
        text=_told(lambda one: _values(one.actual)),
    ),
    Column(
        key="currency",
        title=lazy_gettext("Currency"),
        text=_told(lambda one: one.currency),
    ),
    Column(
        key="recurring",
        title=lazy_gettext("Impact per cycle"),
        text=_told(lambda one: one.impact_recurring),
        kind="number",
    ),
    Column(
        key="once",
        title=lazy_gettext("Impact once"),
        text=_told(lambda one: one.impact_once),
        kind="number",
    ),
    Column(
        key="cost",
        title=lazy_gettext("Cost impact"),
        text=_told(lambda one: one.cost_impact),
        kind="number",
    ),
    Column(
        key="estimated",
        title=lazy_gettext("Estimated"),
        text=_told(lambda one: gettext("yes") if one.estimated else gettext("no")),
    ),
    Column(
        key="agreement",
        title=lazy_gettext("Agreement"),
        text=_told(lambda one: one.agreement_id),
    ),
    Column(
        key="lines",
        title=lazy_gettext("Lines"),
        text=_told(lambda one: " ".join(one.lines)),
    ),
    Column(
        key="subscriptions",
        title=lazy_gettext("Subscriptions"),
        text=_told(lambda one: " ".join(one.subscriptions)),
    ),
    Column(
        key="first_seen",
        title=lazy_gettext("First seen"),
        text=_told(lambda one: one.first_seen.isoformat()),
        kind="moment",
    ),
    Column(key="id", title=lazy_gettext("Id"), text=_told(lambda one: one.id)),
)
