"""What the reconciliation service gives out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from entrepot.hub.reconciliation.tables import (
    ReconDecision,
    ReconIssue,
    ReconOperation,
    ReconPlan,
    ReconPlanPart,
    ReconRule,
    ReconRun,
)

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One comparison."""

    id: str
    psa_connection_id: str
    scope: str
    level: int
    state: str
    cause: str
    requested_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    as_of: datetime | None
    outcome: str
    because: str
    counts: Mapping[str, int]
    totals: tuple[Plain, ...]
    input_versions: Mapping[str, str]
    failures: Mapping[str, str]
    brake: str
    not_proposed: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueView:
    """One difference, with the names people know."""

    id: str
    fingerprint: str
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
    subject: str
    expected: Mapping[str, str]
    actual: Mapping[str, str]
    delta: Decimal | None
    impact_recurring: Decimal | None
    impact_once: Decimal | None
    cost_impact: Decimal | None
    currency: str
    estimated: bool
    count: int
    reason: str
    lines: tuple[str, ...]
    subscriptions: tuple[str, ...]
    annotations: tuple[Mapping[str, str], ...]
    proposal: Mapping[str, Any]
    value_hash: str
    occurrence: int
    first_seen: datetime
    last_seen: datetime
    closed_at: datetime | None
    silent_by: str
    silent_scope: str
    silent_until: date | None
    previous_id: str
    ticket_id: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsView:
    """Open money of one currency; under- and over-billed are never netted.

    Attributes:
        once_under: Of closed and open periods, where those were looked at.
        once_over: Likewise.
        estimated: Of what isn't mapped yet, at cost or estimated price.
        issues: Open issues that count.
        silent: Ignored and snoozed ones.
    """

    currency: str
    under: Decimal
    over: Decimal
    once_under: Decimal
    once_over: Decimal
    cost: Decimal
    estimated: Decimal
    issues: int
    silent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """Issues that share a customer, kind or product, in one currency.

    Attributes:
        key: What they share: a PSA or vendor id, or a kind.
        name: As people know it; the key where no name is known.
        under: Under-billed per billing cycle, of loud issues with exact money.
        over: Over-billed, as a positive amount; never netted with `under`.
    """

    key: str
    name: str
    currency: str
    issues: int
    under: Decimal
    over: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationView:
    """One write of a plan."""

    part: int
    seq: int
    reference: str
    do: str
    agreement_id: str
    line_id: str
    body: Plain
    calls: tuple[Mapping[str, str], ...]
    state: str
    before: Plain | None
    after: Plain | None
    request_id: str
    message: str
    applied_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartView:
    """One key of a plan."""

    seq: int
    company_id: str
    agreement_id: str
    product_id: str
    issues: tuple[str, ...]
    state: str
    message: str
    why_person: str
    not_pushed: tuple[Mapping[str, Any], ...]
    preview: Mapping[str, str]
    operations: tuple[OperationView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """A plan with everything in it."""

    id: str
    psa_connection_id: str
    state: str
    issues: tuple[str, ...]
    digest: str
    preview: tuple[Plain, ...]
    not_pushed: tuple[Plain, ...]
    created_by: str
    created_at: datetime
    approved_by: str
    approved_at: datetime | None
    approval_reason: str
    ended_at: datetime | None
    run_id: str
    message: str
    version: int
    parts: tuple[PartView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """A rule of a PSA connection."""

    id: str
    psa_connection_id: str
    kind: str
    company_id: str
    product_id: str
    body: Plain
    reason: str
    author: str
    created_at: datetime
    valid_until: date | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    """A decision about an issue."""

    id: str
    issue_id: str
    resolution: str
    scope: str
    until: date | None
    reason: str
    actor_name: str
    at: datetime
    result: Plain = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """What changed between two runs, by issue id."""

    before: RunView
    after: RunView
    opened: tuple[str, ...]
    closed: tuple[str, ...]
    still_open: tuple[str, ...]


def _of(view: type[Any], row: Any, **more: Any) -> Any:  # noqa: ANN401 - view and row of one shape
    values = {}
    for one in fields(view):
        if one.name in more:
            values[one.name] = more[one.name]
        elif hasattr(row, one.name):
            value = getattr(row, one.name)
            values[one.name] = tuple(value) if isinstance(value, list) else value
    return view(**values)


def run_view(row: ReconRun) -> RunView:
    """A run's row as a view."""
    found: RunView = _of(RunView, row)
    return found


def issue_view(row: ReconIssue, **names: Any) -> IssueView:  # noqa: ANN401 - texts
    """An issue's row as a view, with the names given."""
    found: IssueView = _of(IssueView, row, **names)
    return found


def rule_view(row: ReconRule) -> RuleView:
    """A rule's row as a view."""
    found: RuleView = _of(RuleView, row)
    return found


def decision_view(row: ReconDecision) -> DecisionView:
    """A decision's row as a view."""
    found: DecisionView = _of(DecisionView, row)
    return found


def plan_view(
    row: ReconPlan, parts: list[ReconPlanPart], operations: list[ReconOperation]
) -> PlanView:
    """A plan's rows as a view."""
    shown = []
    for part in parts:
        own = [one for one in operations if one.part == part.seq]
        proposal = part.proposal
        shown.append(
            _of(
                PartView,
                part,
                why_person=proposal.get("why_person", ""),
                not_pushed=tuple(proposal.get("not_pushed", ())),
                preview=proposal.get("preview", {}),
                operations=tuple(_of(OperationView, one) for one in own),
            )
        )
    found: PlanView = _of(PlanView, row, parts=tuple(shown))
    return found
