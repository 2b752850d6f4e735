"""Lines that stand for another term: one issue for a pair of keys."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.hub.reconciliation.rules.issues import make, texts
from entrepot.hub.reconciliation.rules.kinds import Kind
from entrepot.hub.reconciliation.rules.results import Issue, Key
from entrepot.hub.reconciliation.rules.view import View, revenue


def term_issues(views: Sequence[View]) -> tuple[list[Issue], dict[Key, Key]]:
    """Pairs of a missing and a left-over line of the same subscription.

    Returns:
        The issues, which stand on the line's key, and the pairs they explain as
        {line's key: key the line should have}.
    """
    issues: list[Issue] = []
    pairs: dict[Key, Key] = {}
    missing = [v for v in views if v.expected.quantity > 0 and v.quantity == 0]
    left = [v for v in views if v.expected.quantity == 0 and v.quantity > 0]
    for wanted in missing:
        for found in left:
            taken = found.case.key in pairs
            if taken or not _same_purchase(wanted, found):
                continue
            pairs[found.case.key] = wanted.case.key
            issues.append(_issue(wanted, found))
            break
    return issues, pairs


def _same_purchase(wanted: View, found: View) -> bool:
    if wanted.case.key.company != found.case.key.company:
        return False
    current = {part.subscription.id for part in wanted.expected.parts}
    known = set(found.subscriptions)
    for line in found.active:
        link = found.books.links.get(line.id)
        known.update(link.subscriptions if link is not None else ())
    return bool(current & known)


def _issue(wanted: View, found: View) -> Issue:
    terms = {part.phase.term for part in wanted.expected.parts}
    expected, actual = wanted.money(wanted.expected.quantity), revenue(found.active)
    impact = None
    if expected is not None and actual is not None:
        impact = expected - actual
    return make(
        Kind.TERM_MISMATCH,
        found.case.key,
        field="product",
        expected=texts(
            product=wanted.case.key.product,
            term=", ".join(sorted(terms)),
            quantity=wanted.expected.quantity,
            unit_price=wanted.price,
        ),
        actual=texts(product=found.case.key.product, quantity=found.quantity),
        delta=wanted.expected.quantity - found.quantity,
        impact_recurring=impact,
        currency=wanted.currency,
        lines=tuple(line.id for line in found.active),
        subscriptions=wanted.subscriptions,
        changes_from=wanted.changed_from,
    )
