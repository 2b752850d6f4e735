"""The one entry point: from inputs to issues, proposals and a verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from entrepot.hub.reconciliation.rules.approval import AutoPolicy
from entrepot.hub.reconciliation.rules.books import Books, Inputs, Owner
from entrepot.hub.reconciliation.rules.compare import value_issues
from entrepot.hub.reconciliation.rules.extras import bundle_issues, usage_findings
from entrepot.hub.reconciliation.rules.fingerprint import identified
from entrepot.hub.reconciliation.rules.keys import Sorted, sort_into_keys
from entrepot.hub.reconciliation.rules.kinds import Group, Kind
from entrepot.hub.reconciliation.rules.mapping_kinds import (
    agreement_issues,
    customer_issues,
    in_force,
    incomplete_issues,
    product_issues,
    stale_products,
    suggestion_conflicts,
)
from entrepot.hub.reconciliation.rules.notes import key_notes
from entrepot.hub.reconciliation.rules.periods import (
    closed_gaps,
    open_amount,
    open_gap,
)
from entrepot.hub.reconciliation.rules.plan import propose
from entrepot.hub.reconciliation.rules.precedence import (
    apply_precedence,
    group_of,
    silences_open_gap,
)
from entrepot.hub.reconciliation.rules.presence import presence_issues
from entrepot.hub.reconciliation.rules.records import (
    ZERO,
    Decided,
    VendorSubscription,
)
from entrepot.hub.reconciliation.rules.results import (
    Annotation,
    Issue,
    Key,
    Proposal,
    Result,
    Verdict,
)
from entrepot.hub.reconciliation.rules.terms import term_issues
from entrepot.hub.reconciliation.rules.vendor_hub import (
    VendorFindings,
    compare_vendor_and_hub,
)
from entrepot.hub.reconciliation.rules.verdict import (
    by_company,
    headline,
    make_verdict,
    merged,
)
from entrepot.hub.reconciliation.rules.view import View

LEVEL_PERIODS = 2
NO_POLICY = AutoPolicy()


@dataclass(slots=True)
class _Run:
    """What one run gathers."""

    books: Books
    level: int
    policy: AutoPolicy
    issues: list[Issue] = field(default_factory=list)
    notes: dict[Key, tuple[Annotation, ...]] = field(default_factory=dict)
    views: dict[Key, View] = field(default_factory=dict)
    pairs: dict[Key, Key] = field(default_factory=dict)
    older: Decimal = ZERO


def reconcile(
    inputs: Inputs, *, level: int = 1, policy: AutoPolicy = NO_POLICY
) -> Result:
    """Compare what was bought with what will be invoiced.

    Args:
        inputs: Vendor, hub, PSA and decisions; nothing else is looked at.
        level: 1 = the next invoice; 2 = closed periods and the open one as well.
        policy: What may be approved without a person; off unless given.

    Returns:
        Issues after precedence, annotations, one proposal per key that has anything
        to do, the verdict with its coverage, and totals by currency.
    """
    books = Books(inputs)
    run = _Run(books, level, policy)
    mapping, blocked = customer_issues(books)
    vendor = compare_vendor_and_hub(books, _visible(books))
    known = _comparable(books, blocked)
    sorted_ = sort_into_keys(books, (s for s in known if s.id not in vendor.unknown))
    importing = _importing_keys(books, known, vendor)
    _compare_keys(run, sorted_, importing)
    mapping += suggestion_conflicts(books)
    mapping += product_issues(books, sorted_)
    mapping += agreement_issues(sorted_)
    stale = stale_products(books, sorted_)
    usage, estimates = usage_findings(books)
    found = [*run.issues, *vendor.issues, *usage, *bundle_issues(books)]
    kept, silenced = apply_precedence(
        found,
        frozen=books.frozen,
        waiting=vendor.waiting,
        stale_products=stale,
    )
    kept = [issue for issue in kept if not _hasty(books, sorted_, blocked, issue)]
    kept += [*mapping, *stale.values(), *incomplete_issues(books)]
    return _result(run, kept, silenced, estimates, sorted_, known, blocked)


def _visible(books: Books) -> list[VendorSubscription]:
    """Subscriptions whose customer is neither excluded nor read incompletely."""
    found = []
    for one in sorted(books.inputs.vendor.subscriptions, key=lambda s: s.id):
        customer = books.customers.get((one.connection, one.customer))
        excluded = customer is not None and customer.decided is Decided.EXCLUDED
        complete = customer is None or customer.complete
        if complete and not excluded:
            found.append(one)
    return found


def _comparable(books: Books, blocked: set[Owner]) -> list[VendorSubscription]:
    return [
        one
        for one in sorted(books.inputs.vendor.subscriptions, key=lambda s: s.id)
        if one.billable and (one.connection, one.customer) not in blocked
    ]


def _importing_keys(
    books: Books, known: Iterable[VendorSubscription], vendor: VendorFindings
) -> frozenset[tuple[str, str]]:
    """Company and product of subscriptions that the hub imports first."""
    new = [one for one in known if one.id in vendor.unknown]
    cases = sort_into_keys(books, new).cases if new else []
    return frozenset(
        (case.key.company, case.key.product) for case in cases if case.parts
    )


def _compare_keys(
    run: _Run, sorted_: Sorted, importing: frozenset[tuple[str, str]]
) -> None:
    run.views = {case.key: View(run.books, case) for case in sorted_.cases}
    views = [
        view
        for key, view in run.views.items()
        if (key.company, key.product) not in importing
    ]
    terms, run.pairs = term_issues(views)
    run.issues += terms
    explained = {*run.pairs, *run.pairs.values()}
    for view in views:
        found: list[Issue] = []
        if view.case.key not in explained:
            found = [*presence_issues(view), *value_issues(view)]
        notes = key_notes(view)
        if notes:
            run.notes[view.case.key] = notes
        if run.level >= LEVEL_PERIODS:
            found = _with_periods(run, view, found)
        run.issues += found


def _with_periods(run: _Run, view: View, found: list[Issue]) -> list[Issue]:
    gaps, older = closed_gaps(view)
    run.older += older
    if not silences_open_gap(found):
        gap = open_gap(view)
        return [*found, *gaps, *([gap] if gap is not None else [])]
    shown = []
    for issue in found:
        once = open_amount(view) if group_of(issue) is Group.QUANTITY else None
        shown.append(replace(issue, impact_once=once) if once else issue)
    return [*shown, *gaps]


def _hasty(books: Books, sorted_: Sorted, blocked: set[Owner], issue: Issue) -> bool:
    """Whether an orphan may yet belong to something undecided of its company.

    That is also so when the company is a customer's whose mapping can't be used now.
    """
    if issue.kind is not Kind.ORPHAN_IN_PSA:
        return False
    company, product = issue.key.company, issue.key.product
    if any((u.company, u.product) == (company, product) for u in sorted_.unresolved):
        return True
    undecided = [*sorted_.unmapped, *(one for one, _ in sorted_.conflicts)]
    owners = {(one.connection, one.customer) for one in undecided} | blocked
    return any(
        share.company == company
        for owner in owners
        for share in books.shares.get(owner, ())
    )


def _result(
    run: _Run,
    kept: list[Issue],
    silenced: list[Issue],
    estimates: list[Annotation],
    sorted_: Sorted,
    known: Sequence[VendorSubscription],
    blocked: set[Owner],
) -> Result:
    inputs = run.books.inputs

    def named(issues: Iterable[Issue]) -> tuple[Issue, ...]:
        noted = (replace(one, annotations=run.notes.get(one.key, ())) for one in issues)
        full = (identified(inputs.tenant, inputs.psa_connection, one) for one in noted)
        return tuple(sorted(full, key=lambda one: (one.key, one.kind, one.subject)))

    issues = named(kept)
    verdicts = _verdicts(run, issues, sorted_, known, blocked)
    notes = [note for group in run.notes.values() for note in group]
    return Result(
        issues=issues,
        annotations=(*notes, *estimates),
        proposals=_proposals(run, issues),
        verdict=merged(verdicts.values()),
        by_company=verdicts,
        totals=headline(issues),
        frozen=frozenset({*run.books.frozen, *_incomplete(run.books)}),
        suppressed=named(silenced),
        not_proposed=run.older,
    )


def _incomplete(books: Books) -> Iterable[str]:
    return (
        f"customer:{customer.id}"
        for customer in books.customers.values()
        if not customer.complete
    )


def _proposals(run: _Run, issues: Sequence[Issue]) -> tuple[Proposal, ...]:
    by_key: dict[Key, list[Issue]] = defaultdict(list)
    for issue in issues:
        by_key[issue.key].append(issue)
    found = []
    for key, view in run.views.items():
        if key.company in run.books.frozen:
            continue
        partner = run.views.get(run.pairs[key]) if key in run.pairs else None
        notes = run.notes.get(key, ())
        proposal = propose(view, by_key.get(key, []), notes, run.policy, partner)
        if proposal is not None:
            found.append(proposal)
    return tuple(sorted(found, key=lambda one: one.key))


def _verdicts(
    run: _Run,
    issues: Sequence[Issue],
    sorted_: Sorted,
    known: Sequence[VendorSubscription],
    blocked: set[Owner],
) -> Mapping[str, Verdict]:
    """One verdict per company, and one per vendor customer that reached none."""
    books = run.books
    subscriptions: dict[str, set[str]] = defaultdict(set)
    lines: dict[str, set[str]] = defaultdict(set)
    keys: dict[str, int] = defaultdict(int)
    skipped: dict[str, set[str]] = defaultdict(set)
    for key, view in run.views.items():
        keys[key.company] += 1
        lines[key.company] |= {line.id for line in view.case.lines}
        subscriptions[key.company] |= set(view.subscriptions)
    settled = sorted_.placed | sorted_.left_out
    for one in known:
        if in_force(one, books.today) and one.id not in settled:
            for share in books.shares.get((one.connection, one.customer), ()):
                skipped[share.company].add(one.id)
    for connection, customer in blocked:
        decided = books.customers[connection, customer].decided
        for one in books.by_customer.get((connection, customer), ()):
            if in_force(one, books.today) and decided is not Decided.EXCLUDED:
                skipped[f"customer:{customer}"].add(one.id)
    found = by_company(issues)
    scopes = {*keys, *skipped, *books.frozen, *books.mapped_companies, *found}
    return {
        scope: make_verdict(
            subscriptions=len(subscriptions[scope]),
            lines=len(lines[scope]),
            keys=keys[scope],
            skipped=len(skipped[scope]),
            issues=found.get(scope, []),
            incomplete=books.frozen.get(scope, ""),
        )
        for scope in sorted(scopes)
    }
