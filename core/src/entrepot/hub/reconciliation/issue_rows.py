"""An issue between row and record."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from entrepot.hub.reconciliation.rules.kinds import Kind, Severity
from entrepot.hub.reconciliation.rules.lifecycle import (
    CLOSED,
    Decision,
    Resolution,
    Scope,
    State,
    Tracked,
)
from entrepot.hub.reconciliation.rules.results import (
    Annotation,
    Issue,
    Key,
    Note,
)
from entrepot.hub.reconciliation.tables import ReconIssue

CLOSED_STATES = frozenset(str(state) for state in CLOSED)


def key_of(row: ReconIssue) -> Key:
    """What the issue is about."""
    return Key(
        company=row.company_id,
        agreement=row.agreement_id,
        product=row.product_id,
        connection=row.vendor_connection_id,
        customer=row.vendor_customer_id,
        sku=row.sku,
    )


def issue_of(row: ReconIssue) -> Issue:
    """The issue as the rules know it."""
    key = key_of(row)
    return Issue(
        kind=Kind(row.kind),
        key=key,
        severity=Severity(row.severity),
        field=row.field,
        subject=row.subject,
        expected=row.expected,
        actual=row.actual,
        delta=row.delta,
        impact_recurring=row.impact_recurring,
        impact_once=row.impact_once,
        cost_impact=row.cost_impact,
        currency=row.currency,
        estimated=row.estimated,
        count=row.count,
        reason=row.reason,
        lines=tuple(row.lines),
        subscriptions=tuple(row.subscriptions),
        annotations=tuple(
            Annotation(note=Note(one["note"]), key=key, detail=one["detail"])
            for one in row.annotations
        ),
        fingerprint=row.fingerprint,
        value_hash=row.value_hash,
    )


def tracked_of(row: ReconIssue) -> Tracked:
    """The issue with its state and the decision that silences it, if any."""
    decision = None
    if row.silent_by:
        decision = Decision(
            resolution=Resolution(row.silent_by),
            scope=Scope(row.silent_scope) if row.silent_scope else None,
            until=row.silent_until,
            value_hash=row.silent_hash,
        )
    return Tracked(
        issue=issue_of(row),
        state=State(row.state),
        occurrence=row.occurrence,
        decision=decision,
    )


def put_issue(
    row: ReconIssue,
    tracked: Tracked,
    proposal: dict[str, Any],
    now: datetime,
    run_id: str,
) -> None:
    """Write an issue's present values into its row."""
    issue = tracked.issue
    row.kind, row.severity = issue.kind, issue.severity
    row.company_id, row.agreement_id = issue.key.company, issue.key.agreement
    row.product_id, row.sku = issue.key.product, issue.key.sku
    row.vendor_connection_id = issue.key.connection
    row.vendor_customer_id = issue.key.customer
    row.field, row.subject = issue.field, issue.subject
    row.expected, row.actual = dict(issue.expected), dict(issue.actual)
    row.delta, row.impact_recurring = issue.delta, issue.impact_recurring
    row.impact_once, row.cost_impact = issue.impact_once, issue.cost_impact
    row.currency, row.estimated = issue.currency, issue.estimated
    row.count, row.reason = issue.count, issue.reason
    row.lines, row.subscriptions = list(issue.lines), list(issue.subscriptions)
    row.annotations = [
        {"note": one.note, "detail": one.detail} for one in issue.annotations
    ]
    row.proposal = proposal
    row.state, row.occurrence = tracked.state, tracked.occurrence
    row.is_open = tracked.state not in CLOSED
    row.value_hash = issue.value_hash
    row.last_seen, row.last_run = now, run_id
    row.version = (row.version or 0) + 1
