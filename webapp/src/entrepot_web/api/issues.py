"""Differences: look at them, decide about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from entrepot.hub.reconciliation.decisions import Decide
from entrepot.hub.reconciliation.queries import names_of, with_names
from entrepot.hub.reconciliation.views import DecisionView, IssueView
from marshmallow import Schema, fields, validate
from sqlalchemy.orm import Session

from entrepot_web.api import lists
from entrepot_web.api.frame import Answer, Operation, Resource, check_match
from entrepot_web.api.operations import PREFER, OperationShape, accepted
from entrepot_web.api.shapes import (
    Amount,
    Collection,
    Moment,
    MoneyShape,
    Page,
    Shape,
    money,
)
from entrepot_web.context import actor, hub
from entrepot_web.lists.reconciliation import ISSUES

issues = Resource("reconciliation-issues", "Single differences and decisions on them.")


class IssueShape(Shape, frozen=True, kw_only=True):
    """One difference.

    Attributes:
        expected: What the PSA should hold, by field.
        actual: What it holds.
        impact_recurring: Per billing cycle; positive means under-billed.
    """

    id: str
    psa_connection_id: str
    kind: str
    title: str
    action: str
    severity: str
    state: str
    is_open: bool
    company_id: str
    company_name: str
    agreement_id: str
    product_id: str
    product_name: str
    vendor_connection_id: str
    vendor_customer_id: str
    sku: str
    field: str
    expected: dict[str, str]
    actual: dict[str, str]
    delta: Amount | None
    impact_recurring: MoneyShape | None
    impact_once: MoneyShape | None
    cost_impact: MoneyShape | None
    estimated: bool
    reason: str
    lines: list[str]
    subscriptions: list[str]
    value_hash: str
    first_seen: Moment
    last_seen: Moment
    closed_at: Moment | None
    silent_scope: str
    ticket_id: str


class DecisionBody(Schema):
    """What to do about a difference."""

    resolution = fields.String(
        required=True,
        validate=validate.OneOf(
            ["ignore", "snooze", "accept_psa", "mark_unmanaged", "settle"]
        ),
    )
    scope = fields.String(
        load_default="",
        validate=validate.OneOf(["", "once", "until_changed", "always"]),
    )
    until = fields.Date(load_default=None)
    reason = fields.String(load_default="", validate=validate.Length(0, 1000))
    value_hash = fields.String(load_default=None, validate=validate.Length(1, 64))
    line_id = fields.String(
        load_default="",
        validate=validate.Length(0, 200),
        metadata={"description": "With `settle`: the PSA line that settled it."},
    )


@issues.operation(
    "GET",
    "/reconciliation-issues",
    Operation(
        permission="reconciliations:read", returns=Page[IssueShape], listing=ISSUES
    ),
)
def list_issues() -> Answer:
    """List differences, those that cost most first."""
    return lists.page(ISSUES, issue_shapes)


@issues.operation(
    "GET",
    "/reconciliation-issues/<string:issue_id>",
    Operation(permission="reconciliations:read", returns=IssueShape, errors=(404,)),
)
def get_issue(issue_id: str) -> IssueShape:
    """Read one difference."""
    return issue_shape(hub().reconciliation.issue(actor(), issue_id))


@issues.operation(
    "GET",
    "/reconciliation-issues/<string:issue_id>/decisions",
    Operation(
        permission="reconciliations:read",
        returns=Collection[DecisionView],
        errors=(404,),
    ),
)
def list_decisions(issue_id: str) -> Collection[DecisionView]:
    """List what was decided about a difference, newest first."""
    hub().reconciliation.issue(actor(), issue_id)
    found = hub().reconciliation.decisions(actor(), issue_id)
    return Collection(data=list(found))


@issues.operation(
    "POST",
    "/reconciliation-issues/<string:issue_id>/decisions",
    Operation(
        permission="reconciliations:write",
        returns=IssueShape,
        status=201,
        body=DecisionBody,
        errors=(404, 409),
        matched=True,
    ),
)
def decide(body: dict[str, Any], issue_id: str) -> IssueShape:
    """Ignore or snooze a difference, accept the PSA's value, or stop managing it."""
    check_match(issue_shape(hub().reconciliation.issue(actor(), issue_id)))
    wanted = Decide(**body)
    return issue_shape(hub().reconciliation.decide(actor(), issue_id, wanted))


@issues.operation(
    "POST",
    "/reconciliation-issues/<string:issue_id>/tickets",
    Operation(
        permission="reconciliations:write",
        returns=OperationShape,
        status=202,
        errors=(404, 409, 422),
        keyed=True,
        parameters=(PREFER,),
    ),
)
def create_ticket(issue_id: str) -> Answer:
    """Have a service ticket written in the PSA."""
    hub().reconciliation.issue(actor(), issue_id)
    return accepted(hub().reconciliation.create_ticket(actor(), issue_id).run_id)


def issue_shapes(session: Session, rows: Sequence[Any]) -> list[IssueShape]:
    """Return rows of the list with the names people know."""
    found = [row[0] for row in rows]
    names = names_of(session, actor().tenant_id, found)
    return [issue_shape(with_names(row, names)) for row in found]


def issue_shape(found: IssueView) -> IssueShape:
    """Return a difference in the words of the API."""
    currency = found.currency
    plain = {
        name: getattr(found, name)
        for name in IssueShape.__struct_fields__
        if name not in _CONVERTED
    }
    return IssueShape(
        **plain,
        expected=dict(found.expected),
        actual=dict(found.actual),
        impact_recurring=money(found.impact_recurring, currency),
        impact_once=money(found.impact_once, currency),
        cost_impact=money(found.cost_impact, currency),
        lines=list(found.lines),
        subscriptions=list(found.subscriptions),
    )


_CONVERTED = {
    "expected",
    "actual",
    "impact_recurring",
    "impact_once",
    "cost_impact",
    "lines",
    "subscriptions",
}
