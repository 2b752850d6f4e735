"""Which product-map entries and which agreement a subscription belongs to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from entrepot.hub.reconciliation.rules.lock import is_recurring
from entrepot.hub.reconciliation.rules.policy import (
    RECURRING,
    AgreementMode,
    AgreementRule,
    EntryKind,
    ProductMapEntry,
)
from entrepot.hub.reconciliation.rules.psa_records import Agreement
from entrepot.hub.reconciliation.rules.records import Phase, VendorSubscription

_BILLS_A_SUBSCRIPTION = RECURRING | {EntryKind.BUNDLE_COMPONENT, EntryKind.IGNORE}


@dataclass(frozen=True, slots=True)
class Choice:
    """The entries of one subscription in one phase.

    Attributes:
        problem: ``unmapped`` or ``conflict``; empty when `entries` are right.
    """

    entries: tuple[ProductMapEntry, ...] = ()
    problem: str = ""


def choose_entries(
    entries: Iterable[ProductMapEntry],
    subscription: VendorSubscription,
    phase: Phase,
    day: date,
) -> Choice:
    """The most specific entries that fit.

    Entries of one pattern with different PSA products are one-to-many and all hold.
    Equally specific entries of different patterns, or two with the same PSA product,
    contradict each other.
    """
    fitting = [
        entry
        for entry in entries
        if entry.kind in _BILLS_A_SUBSCRIPTION and fits(entry, subscription, phase, day)
    ]
    if not fitting:
        return Choice(problem="unmapped")
    best = max(specificity(entry) for entry in fitting)
    top = sorted(
        (entry for entry in fitting if specificity(entry) == best),
        key=lambda entry: entry.id,
    )
    targets = {(entry.psa_product, entry.kind) for entry in top}
    if len({_pattern(entry) for entry in top}) > 1 or len(targets) < len(top):
        return Choice(tuple(top), "conflict")
    return Choice(tuple(top))


def fits(
    entry: ProductMapEntry,
    subscription: VendorSubscription,
    phase: Phase,
    day: date,
) -> bool:
    """Whether every dimension the entry names has the subscription's value."""
    begun = entry.starts is None or entry.starts <= day
    if not begun or (entry.ends is not None and day >= entry.ends):
        return False
    pairs = (
        (entry.connection, subscription.connection),
        (entry.product, subscription.product),
        (entry.sku, phase.sku),
        (entry.term, phase.term),
        (entry.segment, subscription.segment),
        (entry.market, subscription.market),
    )
    if any(wanted and wanted != have for wanted, have in pairs):
        return False
    return entry.billing_cycle in (None, phase.billing_cycle)


def _pattern(entry: ProductMapEntry) -> tuple[bool, ...]:
    cycle = entry.billing_cycle is not None
    names = (entry.product, entry.sku, entry.term, entry.segment, entry.market)
    return (*map(bool, names), cycle)


def specificity(entry: ProductMapEntry) -> int:
    """How many dimensions the entry names."""
    return sum(_pattern(entry))


DEFAULT_RULE = AgreementRule()


def rule_for(
    rules: Sequence[AgreementRule],
    company: str,
    connection: str,
    product: str,
    kind: EntryKind,
) -> AgreementRule:
    """The most specific rule; a rule without any agreement when none fits."""

    def fit(rule: AgreementRule) -> bool:
        pairs = (
            (rule.company, company),
            (rule.connection, connection),
            (rule.product, product),
        )
        named = all(not wanted or wanted == have for wanted, have in pairs)
        return named and rule.kind in (None, kind)

    def weight(rule: AgreementRule) -> tuple[int, bool, bool]:
        names = (rule.company, rule.connection, rule.product, rule.kind)
        return sum(map(bool, names)), bool(rule.company), bool(rule.product)

    fitting = [rule for rule in rules if fit(rule)]
    return max(fitting, key=weight) if fitting else DEFAULT_RULE


@dataclass(frozen=True, slots=True)
class Resolved:
    """Where a rule leads.

    Attributes:
        target: The agreement to create lines under; None = unresolved.
        scope: Agreements whose lines count for the key.
        scope_id: Name of the scope in the key.
        candidates: What it could have been, when unresolved.
    """

    target: Agreement | None = None
    scope: frozenset[str] = frozenset()
    scope_id: str = ""
    candidates: tuple[str, ...] = ()


def resolve(
    rule: AgreementRule,
    company: str,
    agreements: Iterable[Agreement],
    active: Collection[str],
) -> Resolved:
    """The one agreement a rule means among the company's agreements.

    Args:
        rule: What people configured.
        company: Whose agreements count.
        agreements: All that are known.
        active: Ids of those that are invoiced at their horizon.
    """
    own = [agreement for agreement in agreements if agreement.company == company]
    if rule.mode is AgreementMode.EXPLICIT:
        named = [agreement for agreement in own if agreement.id == rule.value]
    elif rule.mode is AgreementMode.BY_TYPE:
        named = [agreement for agreement in own if agreement.type == rule.value]
    elif rule.mode is AgreementMode.ONLY:
        named = [agreement for agreement in own if is_recurring(agreement)]
    else:
        named = [a for a in own if rule.value in (a.id, a.family)]
    usable = [agreement for agreement in named if agreement.id in active]
    if rule.mode is AgreementMode.FAMILY and usable:
        root = next((a for a in usable if a.id == rule.value), usable[0])
        ids = frozenset(agreement.id for agreement in usable)
        return Resolved(root, ids, f"family:{rule.value}")
    if len(usable) == 1:
        only = usable[0]
        return Resolved(only, frozenset({only.id}), only.id)
    return Resolved(candidates=tuple(sorted(a.id for a in usable)))
