"""One cause, one issue: which kinds silence which others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from entrepot.hub.reconciliation.rules.kinds import (
    CATALOGUE,
    Group,
    Kind,
    Severity,
)
from entrepot.hub.reconciliation.rules.results import Issue, Key

LINE_GROUPS = frozenset(
    {
        Group.PRESENCE,
        Group.DATES,
        Group.QUANTITY,
        Group.PRICE,
        Group.FLAGS,
        Group.BASIS,
        Group.PERIOD,
    }
)
_VALUES = frozenset({Group.QUANTITY, Group.PRICE, Group.FLAGS, Group.BASIS})


def group_of(issue: Issue) -> Group:
    """The group an issue belongs to in its present severity."""
    group = CATALOGUE[issue.kind].group
    warned = issue.severity is Severity.WARN
    if issue.kind is Kind.CANCEL_DATE_MISMATCH and warned:
        return Group.DATES  # the end still lies ahead: nothing is absent
    return group


def apply_precedence(
    issues: Iterable[Issue],
    *,
    frozen: Collection[str] = (),
    waiting: Collection[str] = (),
    stale_products: Collection[str] = (),
) -> tuple[list[Issue], list[Issue]]:
    """Split issues into those that stand and those that something explains.

    Args:
        issues: All that were found.
        frozen: Companies with incomplete data: only mapping and data kinds stand.
        waiting: Subscriptions with an order on its way: no quantity kinds.
        stale_products: PSA products that can't be used: no line kinds.
    """
    by_key: dict[Key, list[Issue]] = defaultdict(list)
    for issue in issues:
        by_key[issue.key].append(issue)
    kept: list[Issue] = []
    silenced: list[Issue] = []
    for group in by_key.values():
        present = {group_of(issue) for issue in group}
        for issue in group:
            own = group_of(issue)
            hidden = (
                (own in LINE_GROUPS and issue.key.company in frozen)
                or (own in LINE_GROUPS and issue.key.product in stale_products)
                or (
                    own is Group.QUANTITY
                    and bool(set(issue.subscriptions) & set(waiting))
                )
                or _explained(own, present)
                or _explained_by_start(own, group)
                or _below_minimum(issue, group)
            )
            (silenced if hidden else kept).append(issue)
    return kept, silenced


def _explained(own: Group, present: set[Group]) -> bool:
    if Group.PRESENCE in present and own in _VALUES | {Group.DATES}:
        return True
    return own is Group.PRICE and Group.BASIS in present


def _explained_by_start(own: Group, group: list[Issue]) -> bool:
    """A line that begins on another day already says that the quantity is wrong."""
    return own is Group.QUANTITY and any(
        other.kind is Kind.EFFECTIVE_DATE_MISMATCH and other.impact_recurring
        for other in group
    )


def _below_minimum(issue: Issue, group: list[Issue]) -> bool:
    if issue.kind is not Kind.QUANTITY_UNDERBILLED:
        return False
    return any(other.kind is Kind.BELOW_MINIMUM for other in group)


def silences_open_gap(issues: Iterable[Issue]) -> bool:
    """Whether a key's issues already cover its open period."""
    covering = {Group.QUANTITY, Group.PRESENCE, Group.DATES}
    return any(group_of(issue) in covering for issue in issues)
