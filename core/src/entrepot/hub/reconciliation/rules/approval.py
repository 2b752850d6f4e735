"""What a policy may approve by itself, and when even that stops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from entrepot.hub.reconciliation.rules.kinds import CATALOGUE, Auto, Kind
from entrepot.hub.reconciliation.rules.results import (
    Annotation,
    Do,
    Issue,
    Note,
    Operation,
)
from entrepot.hub.reconciliation.rules.view import View

_HUNDRED = Decimal(100)
_STOPPING = frozenset({Note.EXTERNAL_EDIT, Note.DATE_ESTIMATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoPolicy:
    """What a connection's owner lets the hub approve; everything is off at first.

    Attributes:
        max_percent: Largest increase against the billed quantity.
        max_units: Largest increase in units.
        max_impact: Largest recurring money of one increase.
        brake_lines: More changed lines than this in one run: a person decides.
        brake_percent: Likewise as a share of the connection's lines.
    """

    increases: bool = False
    new_lines: bool = False
    max_percent: Decimal = Decimal(20)
    max_units: Decimal = Decimal(10)
    max_impact: Decimal = Decimal(250)
    brake_lines: int = 50
    brake_percent: Decimal = Decimal(25)


def why_person(
    view: View,
    issues: Sequence[Issue],
    operations: Sequence[Operation],
    notes: Iterable[Annotation],
    policy: AutoPolicy,
) -> str:
    """Why a person has to approve; empty when the policy may do it."""
    if all(operation.do is Do.ADOPT for operation in operations) and not issues:
        return ""
    if any(operation.do is Do.SET_END for operation in operations):
        return "ending a line is always approved by a person"
    stopping = sorted({one.note for one in notes} & _STOPPING)
    if stopping:
        return f"the key carries {stopping[0]}"
    if any(CATALOGUE[issue.kind].auto is not Auto.OPTIONAL for issue in issues):
        return "this kind is always approved by a person"
    if _unsettled(view):
        return "somebody changed the subscription a moment ago"
    for issue in issues:
        reason = _limits(view, issue, policy)
        if reason:
            return reason
    return ""


def _limits(view: View, issue: Issue, policy: AutoPolicy) -> str:
    if issue.kind is Kind.MISSING_IN_PSA:
        if issue.reason != "no_line":
            return "the line existed before"
        return "" if policy.new_lines else "the policy doesn't create lines"
    if issue.kind is not Kind.QUANTITY_UNDERBILLED:
        return "the policy covers quantities and new lines only"
    if not policy.increases:
        return "the policy doesn't raise quantities"
    delta, impact = issue.delta or Decimal(0), issue.impact_recurring
    if view.quantity == 0 or delta / view.quantity * _HUNDRED > policy.max_percent:
        return f"the increase is larger than {policy.max_percent} %"
    if delta > policy.max_units:
        return f"the increase is larger than {policy.max_units} units"
    if impact is None or impact > policy.max_impact:
        return f"the increase brings more than {policy.max_impact}"
    return ""


def _unsettled(view: View) -> bool:
    quiet = view.books.inputs.as_of - view.books.policy.limits.quiet
    return any(
        change.foreign and change.at > quiet
        for part in view.case.parts
        for change in part.subscription.changes
    )


def brake(changed: int, lines: int, policy: AutoPolicy) -> str:
    """Why a whole run waits for a person; empty when it doesn't.

    Args:
        changed: Lines the run would change by itself.
        lines: Lines of the connection.
        policy: The limits.
    """
    if changed > policy.brake_lines:
        return f"mass change: {changed} lines, more than {policy.brake_lines}"
    if lines and Decimal(changed) / lines * _HUNDRED > policy.brake_percent:
        return f"mass change: {changed} of {lines} lines"
    return ""
