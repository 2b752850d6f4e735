"""Lists of comparisons, differences and plans."""

from __future__ import annotations

from typing import Any

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.psa.tables import PsaCompany, PsaProductRow
from entrepot.hub.reconciliation.rules.kinds import Kind, Severity
from entrepot.hub.reconciliation.rules.lifecycle import State
from entrepot.hub.reconciliation.tables import ReconIssue, ReconPlan, ReconRun
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    func,
    or_,
    select,
    tuple_,
    type_coerce,
)

from entrepot_web.criteria import Field
from entrepot_web.listing import Listing

KINDS = tuple(kind.value for kind in Kind)
SEVERITIES = tuple(severity.value for severity in Severity)
STATES = tuple(state.value for state in State)
_IMPACT = func.coalesce(
    func.abs(type_coerce(ReconIssue.impact_recurring, BigInteger)), 0
)


def _named(_tenant_id: str, values: tuple[str, ...]) -> ColumnElement[bool]:
    """Return the condition that customer, product, SKU or agreement has these words."""
    row = ReconIssue
    found = []
    for value in values:
        account = select(CustomerAccount.vendor_id).where(
            CustomerAccount.name.icontains(value, autoescape=True)
        )
        found += [
            tuple_(row.psa_connection_id, row.company_id).in_(_ids(PsaCompany, value)),
            tuple_(row.psa_connection_id, row.product_id).in_(
                _ids(PsaProductRow, value)
            ),
            row.vendor_customer_id.in_(account),
            row.sku.icontains(value, autoescape=True),
            row.agreement_id == value,
        ]
    return or_(*found)


def _ids(table: Any, text: str) -> Select[Any]:  # noqa: ANN401 - a mapped class
    return select(table.connection_id, table.vendor_id).where(
        table.name.icontains(text, autoescape=True)
    )


ISSUES = Listing(
    name="reconciliation-issues",
    base=select(ReconIssue),
    key=ReconIssue.id,
    fields={
        "id": Field(ReconIssue.id, "id"),
        "psa_connection_id": Field(ReconIssue.psa_connection_id, "id"),
        "vendor_connection_id": Field(ReconIssue.vendor_connection_id, "id"),
        "kind": Field(ReconIssue.kind, "enum", KINDS),
        "severity": Field(ReconIssue.severity, "enum", SEVERITIES),
        "state": Field(ReconIssue.state, "enum", STATES),
        "is_open": Field(ReconIssue.is_open, "bool"),
        "company_id": Field(ReconIssue.company_id),
        "product_id": Field(ReconIssue.product_id),
        "sku": Field(ReconIssue.sku),
        "vendor_customer_id": Field(ReconIssue.vendor_customer_id),
        "named": Field(None, "related", related=_named),
        "impact": Field(_IMPACT, "number"),
        "first_seen": Field(ReconIssue.first_seen, "moment"),
        "last_seen": Field(ReconIssue.last_seen, "moment"),
    },
    sorts=("impact", "first_seen", "last_seen"),
    costly=("named",),
    default_sort="-impact",
)

RECONCILIATIONS = Listing(
    name="reconciliations",
    base=select(ReconRun),
    key=ReconRun.id,
    fields={
        "psa_connection_id": Field(ReconRun.psa_connection_id, "id"),
        "scope": Field(ReconRun.scope),
        "state": Field(ReconRun.state),
        "outcome": Field(ReconRun.outcome),
        "created_at": Field(ReconRun.created_at, "moment"),
    },
    sorts=("created_at",),
    default_sort="-created_at",
)

PLANS = Listing(
    name="reconciliation-plans",
    base=select(ReconPlan),
    key=ReconPlan.id,
    fields={
        "psa_connection_id": Field(ReconPlan.psa_connection_id, "id"),
        "state": Field(ReconPlan.state),
        "created_at": Field(ReconPlan.created_at, "moment"),
    },
    sorts=("created_at",),
    default_sort="-created_at",
)
