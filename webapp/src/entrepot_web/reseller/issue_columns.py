"""The columns of differences in a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from entrepot.hub.reconciliation.views import IssueView

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
    title="Customer",
    text=_told(lambda one: one.company_name or one.vendor_customer_id),
)
COLUMNS = (
    Column(
        key="product",
        title="Product",
        text=_told(lambda one: one.product_name or one.sku or one.product_id),
    ),
    Column(key="kind", title="Kind", text=_told(lambda one: one.kind)),
    Column(key="sentence", title="Difference", text=_told(sentence_of)),
    Column(key="severity", title="Severity", text=_told(lambda one: one.severity)),
    Column(key="state", title="State", text=_told(lambda one: one.state)),
    Column(
        key="expected", title="Expected", text=_told(lambda one: _values(one.expected))
    ),
    Column(key="actual", title="PSA", text=_told(lambda one: _values(one.actual))),
    Column(key="currency", title="Currency", text=_told(lambda one: one.currency)),
    Column(
        key="recurring",
        title="Impact per cycle",
        text=_told(lambda one: one.impact_recurring),
        kind="number",
    ),
    Column(
        key="once",
        title="Impact once",
        text=_told(lambda one: one.impact_once),
        kind="number",
    ),
    Column(
        key="cost",
        title="Cost impact",
        text=_told(lambda one: one.cost_impact),
        kind="number",
    ),
    Column(
        key="estimated",
        title="Estimated",
        text=_told(lambda one: "yes" if one.estimated else "no"),
    ),
    Column(
        key="agreement", title="Agreement", text=_told(lambda one: one.agreement_id)
    ),
    Column(key="lines", title="Lines", text=_told(lambda one: " ".join(one.lines))),
    Column(
        key="subscriptions",
        title="Subscriptions",
        text=_told(lambda one: " ".join(one.subscriptions)),
    ),
    Column(
        key="first_seen",
        title="First seen",
        text=_told(lambda one: one.first_seen.isoformat()),
        kind="moment",
    ),
    Column(key="id", title="Id", text=_told(lambda one: one.id)),
)
