"""Coverage and headline: what may honestly be said after a run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from entrepot.hub.reconciliation.rules.kinds import CATALOGUE, Group, Kind, Severity
from entrepot.hub.reconciliation.rules.records import ZERO
from entrepot.hub.reconciliation.rules.results import (
    Issue,
    Outcome,
    Totals,
    Verdict,
)


def counts(issue: Issue) -> bool:
    """Whether an issue keeps a scope from being called clean."""
    return issue.severity is not Severity.INFO


def outcome_of(
    examined: int, skipped: int, issues: int, incomplete: str
) -> tuple[Outcome, str]:
    """The outcome of a scope and why; CLEAN is impossible without examination."""
    if incomplete:
        return Outcome.INCOMPLETE, incomplete
    if issues:
        return Outcome.DIFFERENCES, f"{issues} open"
    if skipped:
        return Outcome.INCOMPLETE, f"{skipped} could not be compared"
    if examined == 0:
        return Outcome.NOT_EXAMINED, "nothing was there to compare"
    return Outcome.CLEAN, f"{examined} compared"


def make_verdict(
    *,
    subscriptions: int,
    lines: int,
    keys: int,
    skipped: int,
    issues: Sequence[Issue],
    incomplete: str = "",
) -> Verdict:
    """The verdict of one scope.

    Args:
        subscriptions: Billable subscriptions that were compared.
        lines: PSA lines that were compared.
        keys: Keys that were compared.
        skipped: Objects in scope that could not be compared.
        issues: What stands open in the scope.
        incomplete: Why its data isn't complete; empty when it is.
    """
    real = sum(counts(issue) for issue in issues)
    outcome, because = outcome_of(subscriptions + lines, skipped, real, incomplete)
    return Verdict(
        outcome=outcome,
        subscriptions=subscriptions,
        lines=lines,
        keys=keys,
        skipped=skipped,
        issues=real,
        because=because,
    )


def merged(parts: Iterable[Verdict]) -> Verdict:
    """One verdict over many scopes: the worst outcome with the sums."""
    total: Counter[str] = Counter()
    for one in parts:
        for name in ("subscriptions", "lines", "keys", "skipped", "issues"):
            total[name] += getattr(one, name)
        total[one.outcome] += 1
    incomplete = total[Outcome.INCOMPLETE]
    text = f"{incomplete} could not be compared completely" if incomplete else ""
    examined = total["subscriptions"] + total["lines"]
    outcome, because = outcome_of(examined, total["skipped"], total["issues"], text)
    return Verdict(
        outcome=outcome,
        subscriptions=total["subscriptions"],
        lines=total["lines"],
        keys=total["keys"],
        skipped=total["skipped"],
        issues=total["issues"],
        because=because,
    )


def headline(issues: Iterable[Issue]) -> tuple[Totals, ...]:
    """Totals by currency; under- and over-billed are never netted."""
    found: dict[str, Totals] = {}
    for issue in issues:
        old = found.get(issue.currency, Totals(currency=issue.currency))
        found[issue.currency] = _with(old, issue)
    return tuple(
        found[name] for name in sorted(found) if found[name] != Totals(currency=name)
    )


def _with(total: Totals, issue: Issue) -> Totals:
    recurring = issue.impact_recurring or ZERO
    once = issue.impact_once or ZERO
    if issue.estimated:
        return replace(total, estimated=total.estimated + recurring)
    if CATALOGUE[issue.kind].group is Group.QUANTITY and once:
        once = ZERO  # the open period's part of a recurring difference, shown beside it
    return replace(
        total,
        under=total.under + _positive(recurring),
        over=total.over + _positive(-recurring),
        once_under=total.once_under + _positive(once),
        once_over=total.once_over + _positive(-once),
        cost=total.cost + _cost(issue),
    )


def _positive(amount: Decimal) -> Decimal:
    return max(amount, ZERO)


def _cost(issue: Issue) -> Decimal:
    if issue.kind is Kind.VENDOR_INVOICE_MISMATCH:
        return ZERO  # disputed with the vendor, not a cost of a line
    return issue.cost_impact or ZERO


def by_company(issues: Iterable[Issue]) -> Mapping[str, list[Issue]]:
    """Issues by company; those above under ``customer:<id>``, the rest under ``*``."""
    found: dict[str, list[Issue]] = defaultdict(list)
    for issue in issues:
        key = issue.key
        scope = key.company or (f"customer:{key.customer}" if key.customer else "*")
        found[scope].append(issue)
    return found
