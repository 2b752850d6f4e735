"""Kinds that stop a comparison: mapping, agreements, incomplete data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from entrepot.hub.reconciliation.rules.books import Books, Owner
from entrepot.hub.reconciliation.rules.issues import make, texts
from entrepot.hub.reconciliation.rules.keys import Sorted, stretches_of
from entrepot.hub.reconciliation.rules.kinds import Kind
from entrepot.hub.reconciliation.rules.pricing import Contribution, quote
from entrepot.hub.reconciliation.rules.records import (
    ZERO,
    Decided,
    VendorSubscription,
)
from entrepot.hub.reconciliation.rules.results import Issue, Key
from entrepot.hub.reconciliation.rules.shares import problem_of


def in_force(subscription: VendorSubscription, day: date) -> bool:
    """Whether it is billable and has days on or after `day`."""
    open_then = subscription.ends is None or subscription.ends > day
    return subscription.billable and open_then


def customer_issues(books: Books) -> tuple[list[Issue], set[Owner]]:
    """Issues about vendor customers, and the customers that can't be compared."""
    issues: list[Issue] = []
    blocked: set[Owner] = set()
    for owner, customer in sorted(books.customers.items()):
        shares = books.shares.get(owner, [])
        if customer.decided is Decided.EXCLUDED:
            blocked.add(owner)
            continue
        found = list(_customer(books, owner, bool(shares)))
        if found or not shares:
            blocked.add(owner)
        issues += found
    return issues, blocked


def _customer(books: Books, owner: Owner, mapped: bool) -> Iterator[Issue]:
    key = Key(connection=owner[0], customer=owner[1])
    billable = [
        one for one in books.by_customer.get(owner, ()) if in_force(one, books.today)
    ]
    ids = tuple(one.id for one in billable)
    if not mapped:
        if billable:
            yield make(
                Kind.CUSTOMER_UNMAPPED,
                key,
                subscriptions=ids,
                count=len(billable),
                impact_recurring=estimate(books, billable),
                currency=billable[0].currency,
                estimated=True,
            )
        return
    shares = books.shares[owner]
    for share in shares:
        company = books.companies.get(share.company)
        if company is None or not company.usable:
            yield make(
                Kind.CUSTOMER_MAPPING_STALE,
                key,
                subject=share.company,
                subscriptions=ids,
                count=len(billable),
            )
    wrong = problem_of(shares) or next(
        (text for one in billable if (text := problem_of(shares, _most(books, one)))),
        "",
    )
    if wrong:
        yield make(Kind.CUSTOMER_MAPPING_CONFLICT, key, reason=wrong, subscriptions=ids)


def _most(books: Books, one: VendorSubscription) -> Decimal:
    phase = one.phase_on(books.today) or one.phases[-1]
    return phase.quantity


def suggestion_conflicts(books: Books) -> Iterator[Issue]:
    """Two unconfirmed customers that claim one company."""
    claims: dict[str, list[Owner]] = defaultdict(list)
    for share in books.policy.shares:
        if not share.confirmed:
            claims[share.company].append((share.connection, share.customer))
    for company, owners in sorted(claims.items()):
        if len(set(owners)) > 1:
            yield make(
                Kind.CUSTOMER_MAPPING_CONFLICT,
                Key(company=company),
                reason="several vendor customers claim this company",
                count=len(set(owners)),
            )


def estimate(
    books: Books, subscriptions: Iterable[VendorSubscription]
) -> Decimal | None:
    """What they would bring a month, as far as their products are mapped."""
    total, known = ZERO, False
    for one in subscriptions:
        for stretch in stretches_of(books, one)[0]:
            if not stretch.holds_on(max(books.today, stretch.starts)):
                continue
            if stretch.ends is not None and stretch.ends <= books.today:
                continue
            units = stretch.phase.quantity * stretch.entry.factor
            part = Contribution(
                subscription=one,
                phase=stretch.phase,
                entry=stretch.entry,
                quantity=units,
            )
            priced = quote(
                books, "", stretch.entry.psa_product, None, [part], books.today
            )
            if priced.price is not None:
                total, known = total + units * priced.price, True
    return total if known else None


def product_issues(books: Books, sorted_: Sorted) -> Iterator[Issue]:
    """One issue per undecided SKU and connection, stale targets, contradictions."""
    undecided: dict[tuple[str, str], list[VendorSubscription]] = defaultdict(list)
    for one in sorted_.unmapped:
        phase = one.phase_on(books.today) or one.phases[-1]
        undecided[one.connection, phase.sku].append(one)
    for (connection, sku), found in sorted(undecided.items()):
        if (connection, sku) in books.policy.excluded_skus:
            continue
        yield make(
            Kind.PRODUCT_UNMAPPED,
            Key(connection=connection, sku=sku),
            subscriptions=tuple(sorted(one.id for one in found)),
            count=len(found),
            estimated=True,
            impact_recurring=_at_cost(books, found),
            currency=found[0].currency,
        )
    yield from _conflicts(books, sorted_)


def _at_cost(books: Books, found: Sequence[VendorSubscription]) -> Decimal | None:
    """Monthly cost, for want of a price: what is certainly being lost."""
    total, known = ZERO, False
    for one in found:
        phase = one.phase_on(books.today) or one.phases[-1]
        months = phase.billing_cycle.months
        if phase.unit_cost is not None and months:
            total, known = total + phase.quantity * phase.unit_cost / months, True
    return total if known else None


def _conflicts(books: Books, sorted_: Sorted) -> Iterator[Issue]:
    by_sku: dict[tuple[str, str], tuple[list[str], tuple[str, ...]]] = {}
    for one, entries in sorted_.conflicts:
        phase = one.phase_on(books.today) or one.phases[-1]
        ids = tuple(entry.id for entry in entries)
        by_sku.setdefault((one.connection, phase.sku), ([], ids))[0].append(one.id)
    for (connection, sku), (subscriptions, ids) in sorted(by_sku.items()):
        yield make(
            Kind.PRODUCT_MAPPING_CONFLICT,
            Key(connection=connection, sku=sku),
            subscriptions=tuple(sorted(subscriptions)),
            count=len(subscriptions),
            reason=", ".join(ids),
        )


def stale_products(books: Books, sorted_: Sorted) -> dict[str, Issue]:
    """Keys' PSA products that are gone or inactive, one issue each."""
    found: dict[str, Issue] = {}
    for case in sorted_.cases:
        item = books.catalogue.get(case.key.product)
        if item is None or item.active or not case.parts:
            continue
        ids = tuple(part.subscription.id for part in case.parts)
        found[item.id] = make(
            Kind.PRODUCT_MAPPING_STALE,
            Key(product=item.id),
            subscriptions=ids,
            count=len(ids),
            actual=texts(active=item.active),
        )
    return found


def agreement_issues(sorted_: Sorted) -> Iterator[Issue]:
    """One issue per company and rule that leads to no single active agreement."""
    groups: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    candidates: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for one in sorted_.unresolved:
        group = (one.company, one.rule.mode, one.rule.value)
        groups[group].append(one.subscription)
        candidates[group] = one.candidates
    for (company, mode, value), subscriptions in sorted(groups.items()):
        ids = tuple(sorted(set(subscriptions)))
        which = candidates[company, mode, value]
        many = f"several active agreements: {', '.join(which)}"
        yield make(
            Kind.AGREEMENT_UNRESOLVED,
            Key(company=company),
            subject=f"{mode}:{value}",
            subscriptions=ids,
            count=len(ids),
            reason=many if which else "no active agreement",
        )


def incomplete_issues(books: Books) -> Iterator[Issue]:
    """One issue per customer or company whose data isn't complete."""
    told: set[str] = set()
    for owner, customer in sorted(books.customers.items()):
        if customer.complete:
            continue
        told.update(share.company for share in books.shares.get(owner, ()))
        yield make(
            Kind.DATA_INCOMPLETE,
            Key(connection=owner[0], customer=owner[1]),
            reason=customer.incomplete_because,
        )
    for company, why in sorted(books.frozen.items()):
        if company not in told:
            yield make(Kind.DATA_INCOMPLETE, Key(company=company), reason=why)
