"""Bundles and usage: what stands beside the recurring lines."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from entrepot.hub.reconciliation.rules.books import Books
from entrepot.hub.reconciliation.rules.issues import make, texts
from entrepot.hub.reconciliation.rules.kinds import Kind
from entrepot.hub.reconciliation.rules.mapping import choose_entries
from entrepot.hub.reconciliation.rules.numbers import money
from entrepot.hub.reconciliation.rules.policy import (
    Bundle,
    BundleComponent,
    EntryKind,
    PriceMode,
    ProductMapEntry,
)
from entrepot.hub.reconciliation.rules.pricing import price_rule_for
from entrepot.hub.reconciliation.rules.psa_records import PsaLine
from entrepot.hub.reconciliation.rules.records import ONE, ZERO, UsageCharge
from entrepot.hub.reconciliation.rules.results import Annotation, Issue, Key, Note
from entrepot.hub.reconciliation.rules.shares import split

_HUNDRED = Decimal(100)


def bundle_issues(books: Books) -> Iterator[Issue]:
    """Components that don't match their driver, per company."""
    for bundle in books.policy.bundles:
        drivers = _units(books, bundle.driver)
        parts = {
            component.entry: _units(books, component.entry)
            for component in bundle.components
        }
        for company, driver in sorted(drivers.items()):
            for component in bundle.components:
                have = parts[component.entry].get(company, ZERO)
                yield from _component(bundle, component, company, driver, have)


def _component(
    bundle: Bundle,
    component: BundleComponent,
    company: str,
    driver: Decimal,
    have: Decimal,
) -> Iterator[Issue]:
    needed = driver * component.ratio
    if have == needed:
        return
    short = have < needed
    yield make(
        Kind.BUNDLE_COMPONENT_SHORTFALL if short else Kind.BUNDLE_COMPONENT_EXCESS,
        Key(company=company, product=bundle.psa_product),
        subject=component.entry,
        expected=texts(quantity=needed),
        actual=texts(quantity=have),
        delta=have - needed,
        impact_recurring=ZERO,
    )


def _units(books: Books, entry_id: str) -> dict[str, Decimal]:
    """Units in force today by company that one entry stands for."""
    found: dict[str, Decimal] = {}
    for one in books.inputs.vendor.subscriptions:
        phase = one.phase_on(books.today)
        if phase is None or not one.billable:
            continue
        choice = choose_entries(books.policy.products, one, phase, books.today)
        entry = next((e for e in choice.entries if e.id == entry_id), None)
        shares = books.shares.get((one.connection, one.customer), [])
        if entry is None or not shares:
            continue
        for company, units in split(phase.quantity * entry.factor, shares).items():
            found[company] = found.get(company, ZERO) + units
    return found


def usage_findings(books: Books) -> tuple[list[Issue], list[Annotation]]:
    """Usage that isn't posted, or posted otherwise; estimates as notes."""
    issues: list[Issue] = []
    notes: list[Annotation] = []
    for charge in books.inputs.vendor.usage:
        entry = _usage_entry(books, charge)
        shares = books.shares.get((charge.connection, charge.customer), [])
        if entry is None or not shares:
            continue
        for share in shares:
            key = Key(company=share.company, product=entry.psa_product)
            if not charge.final:
                detail = f"{charge.period}: {money(charge.amount)} {charge.currency}"
                notes.append(
                    Annotation(note=Note.USAGE_ESTIMATE, key=key, detail=detail)
                )
                continue
            part = split(charge.amount, shares).get(share.company, ZERO)
            issues += _usage(books, charge, entry, key, part)
    return issues, notes


def _usage_entry(books: Books, charge: UsageCharge) -> ProductMapEntry | None:
    fitting = [
        entry
        for entry in books.policy.products
        if entry.kind is EntryKind.USAGE
        and entry.sku in ("", charge.sku)
        and entry.connection in ("", charge.connection)
    ]
    return max(fitting, key=lambda entry: bool(entry.sku)) if fitting else None


def _usage(
    books: Books, charge: UsageCharge, entry: ProductMapEntry, key: Key, cost: Decimal
) -> Iterator[Issue]:
    rule = price_rule_for(books, key.company, key.product, [entry])
    percent = rule.value if rule.mode is PriceMode.MARKUP else ZERO
    if rule.mode is PriceMode.MARGIN:
        percent = (_HUNDRED / (_HUNDRED - rule.value) - ONE) * _HUNDRED
    price = money(cost * (ONE + percent / _HUNDRED))
    posted = [line for line in books.inputs.psa.lines if _posts(line, key, charge)]
    have = sum((line.net * (line.unit_price or ZERO) for line in posted), ZERO)
    kind = Kind.USAGE_AMOUNT_MISMATCH if posted else Kind.USAGE_UNPOSTED
    if posted and abs(price - have) <= books.policy.limits.unit_amount:
        return
    yield make(
        kind,
        key,
        field="amount",
        subject=charge.period,
        expected=texts(price=price, cost=money(cost), period=charge.period),
        actual=texts(price=have),
        impact_recurring=ZERO,
        impact_once=price - have,
        currency=charge.currency,
        reason="invoiced" if any(line.invoiced for line in posted) else "",
        lines=tuple(line.id for line in posted),
    )


def _posts(line: PsaLine, key: Key, charge: UsageCharge) -> bool:
    same = (line.company, line.product) == (key.company, key.product)
    return same and line.usage_period == charge.period
