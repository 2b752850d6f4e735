"""Sorting subscriptions and lines into keys, and what stops that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from entrepot.hub.reconciliation.rules.books import Books
from entrepot.hub.reconciliation.rules.lock import is_one_time, lock_of
from entrepot.hub.reconciliation.rules.mapping import (
    Resolved,
    choose_entries,
    resolve,
    rule_for,
)
from entrepot.hub.reconciliation.rules.policy import (
    RECURRING,
    AgreementMode,
    AgreementRule,
    EntryKind,
    ProductMapEntry,
)
from entrepot.hub.reconciliation.rules.psa_records import (
    Agreement,
    LinkRole,
    LinkState,
    PsaLine,
)
from entrepot.hub.reconciliation.rules.records import (
    CustomerShare,
    VendorSubscription,
)
from entrepot.hub.reconciliation.rules.results import Key
from entrepot.hub.reconciliation.rules.timeline import KeyCase, Part, Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """A subscription whose rule leads to no single active agreement."""

    company: str
    product: str
    subscription: str
    rule: AgreementRule
    candidates: tuple[str, ...]


@dataclass(slots=True)
class Sorted:
    """Everything sorted.

    Attributes:
        unmapped: Subscriptions in force whose SKU nobody decided on.
        conflicts: Subscriptions in force with contradicting entries.
        placed: Subscriptions that reached a key.
        left_out: Subscriptions that by decision have no line of their own now: their
            product is excluded or billed with a bundle.
    """

    cases: list[KeyCase] = field(default_factory=list)
    unmapped: list[VendorSubscription] = field(default_factory=list)
    conflicts: list[tuple[VendorSubscription, tuple[ProductMapEntry, ...]]] = field(
        default_factory=list
    )
    unresolved: list[Unresolved] = field(default_factory=list)
    placed: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Draft:
    rule: AgreementRule
    target: Agreement | None
    scope: frozenset[str]
    internal: bool = False
    parts: dict[str, list[Stretch]] = field(default_factory=lambda: defaultdict(list))
    shares: dict[str, tuple[CustomerShare, ...]] = field(default_factory=dict)


def stretches_of(
    books: Books, subscription: VendorSubscription
) -> tuple[list[Stretch], str, tuple[ProductMapEntry, ...]]:
    """Days and entries of a subscription, and the problem in force, if any."""
    found: list[Stretch] = []
    problem, culprits = "", tuple[ProductMapEntry, ...]()
    days = _days_of(books, subscription)
    for index, day in enumerate(days):
        phase = subscription.phase_on(day)
        if phase is None:
            continue
        until = days[index + 1] if index + 1 < len(days) else None
        choice = choose_entries(books.policy.products, subscription, phase, day)
        if choice.problem and (until is None or until > books.today):
            problem, culprits = choice.problem, choice.entries
        if not choice.problem:
            found += [
                Stretch(starts=day, ends=until, phase=phase, entry=entry)
                for entry in choice.entries
                if entry.kind in RECURRING
            ]
    return found, problem, culprits


def _days_of(books: Books, subscription: VendorSubscription) -> list[date]:
    first = subscription.phases[0].starts
    days = {phase.starts for phase in subscription.phases}
    if subscription.ends is not None:
        days.add(subscription.ends)
    for entry in books.policy.products:
        days.update(day for day in (entry.starts, entry.ends) if day and day > first)
    return sorted(days)


def sort_into_keys(books: Books, subscriptions: Iterable[VendorSubscription]) -> Sorted:
    """All keys of the given subscriptions, plus those of lines without any.

    Args:
        books: The indexes.
        subscriptions: Billable, known to the hub, of mapped customers.
    """
    result = Sorted()
    drafts: dict[Key, _Draft] = {}
    for subscription in subscriptions:
        found, problem, culprits = stretches_of(books, subscription)
        if problem == "unmapped":
            result.unmapped.append(subscription)
        elif problem == "conflict":
            result.conflicts.append((subscription, culprits))
        elif not any(one.ends is None or one.ends > books.today for one in found):
            result.left_out.add(subscription.id)
        owner = (subscription.connection, subscription.customer)
        shares = tuple(books.shares.get(owner, ()))
        for stretch in found if not problem else ():
            for share in shares:
                _place(books, result, drafts, subscription, stretch, share, shares)
    result.cases = _attach_lines(books, drafts)
    return result


def _place(
    books: Books,
    result: Sorted,
    drafts: dict[Key, _Draft],
    subscription: VendorSubscription,
    stretch: Stretch,
    share: CustomerShare,
    shares: tuple[CustomerShare, ...],
) -> None:
    entry, company = stretch.entry, share.company
    rule = rule_for(
        books.policy.agreements,
        company,
        subscription.connection,
        entry.psa_product,
        entry.kind,
    )
    found = _resolve(books, rule, company, entry.psa_product, subscription.id)
    if not found.scope and rule.mode is AgreementMode.ONLY:
        found = _of_cycle(books, found, stretch) or found
    if not found.scope:
        # An ended stretch needs no agreement any more: there is nothing to bill.
        if stretch.ends is None or stretch.ends > books.today:
            result.unresolved.append(
                Unresolved(
                    company=company,
                    product=entry.psa_product,
                    subscription=subscription.id,
                    rule=rule,
                    candidates=found.candidates,
                )
            )
        return
    key = Key(company=company, agreement=found.scope_id, product=entry.psa_product)
    draft = drafts.setdefault(key, _Draft(rule, found.target, found.scope))
    customer = books.customers.get((subscription.connection, subscription.customer))
    draft.internal = draft.internal or bool(customer and customer.internal)
    draft.parts[subscription.id].append(stretch)
    draft.shares[subscription.id] = shares
    result.placed.add(subscription.id)


def _resolve(
    books: Books, rule: AgreementRule, company: str, product: str, subscription: str
) -> Resolved:
    """Where the rule leads; where it leads nowhere, the agreement of a link."""
    own = books.company_agreements.get(company, [])
    found = resolve(rule, company, own, books.active_agreements)
    if found.scope:
        return found
    for link in books.links_of.get(subscription, ()):
        line = books.lines.get(link.line)
        agreement = books.agreements.get(line.agreement if line else link.agreement)
        fits = line is None or (line.company, line.product) == (company, product)
        mine = agreement is not None and agreement.company == company
        if agreement is not None and fits and mine:
            ids = frozenset({agreement.id})
            return Resolved(agreement, ids, agreement.id, found.candidates)
    if rule.mode is AgreementMode.ONLY:
        return _where_it_stands(books, company, product) or found
    return found


def _where_it_stands(books: Books, company: str, product: str) -> Resolved | None:
    """The one active agreement that has lines of the product; None = not one."""
    ids = {
        line.agreement
        for line in books.inputs.psa.lines
        if (line.company, line.product) == (company, product)
        and line.agreement in books.active_agreements
        and (line.ends is None or line.ends >= books.today)
    }
    if len(ids) != 1:
        return None
    agreement = books.agreements[ids.pop()]
    return Resolved(agreement, frozenset({agreement.id}), agreement.id)


def _of_cycle(books: Books, found: Resolved, stretch: Stretch) -> Resolved | None:
    """The one candidate that is invoiced as often as the vendor charges; else None.

    A product that stands on several agreements already is not decided by this.
    """
    product = stretch.entry.psa_product
    used = any(
        line.product == product and line.agreement in found.candidates
        for line in books.inputs.psa.lines
    )
    cycle = stretch.phase.billing_cycle
    fitting = [
        books.agreements[one]
        for one in found.candidates
        if books.agreements[one].billing_cycle is cycle
    ]
    if used or len(fitting) != 1:
        return None
    return Resolved(fitting[0], frozenset({fitting[0].id}), fitting[0].id)


def _attach_lines(books: Books, drafts: dict[Key, _Draft]) -> list[KeyCase]:
    by_product: dict[tuple[str, str], list[Key]] = defaultdict(list)
    for key in sorted(drafts):
        by_product[key.company, key.product].append(key)
    inside: dict[Key, list[PsaLine]] = defaultdict(list)
    outside: dict[Key, list[PsaLine]] = defaultdict(list)
    orphans: dict[Key, list[PsaLine]] = defaultdict(list)
    for line in sorted(books.inputs.psa.lines, key=lambda one: one.id):
        if not managed(books, line):
            continue
        keys = by_product.get((line.company, line.product), [])
        home = next((k for k in keys if line.agreement in drafts[k].scope), None)
        if home is not None:
            inside[home].append(line)
        elif keys:
            outside[keys[0]].append(line)
        elif line.agreement in books.active_agreements:
            own = Key(
                company=line.company, agreement=line.agreement, product=line.product
            )
            orphans[own].append(line)
    cases = [
        _case(books, key, draft, inside[key], outside[key])
        for key, draft in drafts.items()
    ]
    for key, lines in orphans.items():
        draft = _orphan_draft(books, key)
        cases.append(_case(books, key, draft, lines, []))
    return sorted(cases, key=lambda case: case.key)


def _orphan_draft(books: Books, key: Key) -> _Draft:
    rule = rule_for(
        books.policy.agreements, key.company, "", key.product, EntryKind.LICENSE
    )
    agreement = books.agreements.get(key.agreement)
    return _Draft(rule, agreement, frozenset({key.agreement}))


def managed(books: Books, line: PsaLine) -> bool:
    """Whether a line is in scope: linked, or of a mapped company and product."""
    if line.unmanaged:
        return False
    link = books.links.get(line.id)
    if link is not None and link.state is LinkState.ACTIVE:
        return link.role is not LinkRole.COMPONENT
    mapped = line.company in books.mapped_companies
    return mapped and line.product in books.recurring_targets


def _case(
    books: Books,
    key: Key,
    draft: _Draft,
    lines: list[PsaLine],
    outside: list[PsaLine],
) -> KeyCase:
    agreement = draft.target or books.agreements[next(iter(draft.scope))]
    recurring = tuple(line for line in lines if not _one_time(books, line))
    parts = tuple(
        Part(
            subscription=books.subscriptions[id_],
            stretches=tuple(draft.parts[id_]),
            shares=draft.shares[id_],
        )
        for id_ in sorted(draft.parts)
    )
    case = KeyCase(
        key=key,
        rule=draft.rule,
        target=agreement,
        lock=lock_of(agreement, draft.rule.billing_mode, books.today),
        parts=parts,
        lines=recurring,
        outside=tuple(line for line in outside if not _one_time(books, line)),
        one_time=tuple(line for line in lines if _one_time(books, line)),
        internal=draft.internal,
    )
    return replace(case, deleted=_deleted(books, case))


def _one_time(books: Books, line: PsaLine) -> bool:
    link = books.links.get(line.id)
    if line.usage_period or (link is not None and link.role is LinkRole.ONE_TIME):
        return True
    if link is not None and link.state is LinkState.ACTIVE:
        return False
    agreement = books.agreements.get(line.agreement)
    if agreement is None:
        return False
    return is_one_time(agreement, line.effective or agreement.starts, line.ends)


def _deleted(books: Books, case: KeyCase) -> tuple[str, ...]:
    """Linked lines of the key's subscriptions that the PSA no longer has."""
    gone = []
    for part in case.parts:
        for link in books.links_of.get(part.subscription.id, ()):
            same = link.product in ("", case.key.product)
            main = link.role in (LinkRole.MAIN, LinkRole.DELTA)
            if link.line not in books.lines and same and main:
                gone.append(link.line)
    return tuple(sorted(set(gone)))
