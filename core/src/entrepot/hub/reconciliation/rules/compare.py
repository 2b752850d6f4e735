"""Quantity, price, cost and flags of one key on its compared day."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from entrepot.hub.reconciliation.rules.issues import make, texts
from entrepot.hub.reconciliation.rules.kinds import Kind
from entrepot.hub.reconciliation.rules.numbers import money
from entrepot.hub.reconciliation.rules.pricing import CURRENCY, CYCLE
from entrepot.hub.reconciliation.rules.psa_records import PsaLine
from entrepot.hub.reconciliation.rules.records import ZERO
from entrepot.hub.reconciliation.rules.results import Issue
from entrepot.hub.reconciliation.rules.view import View, average_price
from entrepot.sdk.model import BillCustomer

_HUNDRED = Decimal(100)


def value_issues(view: View) -> Iterator[Issue]:
    """Quantity, basis, price, cost, margin and flags; precedence comes later."""
    yield from basis_issues(view)
    yield from _quantity(view)
    yield from _price(view)
    yield from _cost(view)
    yield from _margin(view)
    yield from _billable(view)
    yield from _taxable(view)


def basis_issues(view: View) -> Iterator[Issue]:
    """Currency and cycle: what must fit before prices can be compared."""
    if view.expected.quantity == 0:
        return
    for problem, kind in (
        (CURRENCY, Kind.CURRENCY_MISMATCH),
        (CYCLE, Kind.BILLING_CYCLE_MISMATCH),
    ):
        if problem in view.expected.quote.problems:
            agreement = view.case.target
            parts = view.expected.parts
            yield make(
                kind,
                view.case.key,
                expected=texts(
                    currency=agreement.currency if agreement else "",
                    cycle=agreement.billing_cycle if agreement else "",
                ),
                actual=texts(
                    currency=parts[0].subscription.currency if parts else "",
                    cycle=parts[0].phase.billing_cycle if parts else "",
                ),
                currency=view.currency,
                subscriptions=view.subscriptions,
            )


def _quantity(view: View) -> Iterator[Issue]:
    wanted, have = view.expected.quantity, view.quantity
    if wanted == have:
        return
    delta = wanted - have
    kind = Kind.QUANTITY_UNDERBILLED if delta > 0 else Kind.QUANTITY_OVERBILLED
    minimum = view.expected.minimum
    if have < minimum and view.expected.bought < minimum:
        kind = Kind.BELOW_MINIMUM
    yield make(
        kind,
        view.case.key,
        field=_quantity_field(view),
        expected=texts(quantity=wanted),
        actual=texts(quantity=have),
        delta=delta,
        impact_recurring=view.money(delta),
        currency=view.currency,
        lines=tuple(line.id for line in view.active),
        subscriptions=view.subscriptions,
        changes_from=view.changed_from,
    )


def _quantity_field(view: View) -> str:
    gross = sum((line.quantity for line in view.active), ZERO)
    included = sum((line.less_included for line in view.active), ZERO)
    return (
        "lessIncluded" if included and gross == view.expected.quantity else "quantity"
    )


def _deviating(
    view: View, expected: Decimal, name: str, *, percent: Decimal | None = None
) -> tuple[PsaLine, ...]:
    found = []
    for line in view.active:
        actual: Decimal | None = getattr(line, name)
        if actual is None:
            continue
        exact = abs(expected - actual)
        if percent is not None:
            limit = abs(expected) * percent / _HUNDRED
            far = exact > limit
        else:
            rounded = abs(money(expected) - actual)
            far = min(exact, rounded) > view.books.policy.limits.unit_amount
        if far:
            found.append(line)
    return tuple(found)


def _difference(lines: tuple[PsaLine, ...], expected: Decimal, name: str) -> Decimal:
    return sum(
        (line.net * (expected - (getattr(line, name) or ZERO)) for line in lines), ZERO
    )


def _shown(lines: tuple[PsaLine, ...], name: str) -> str:
    return ", ".join(texts(v=getattr(line, name))["v"] for line in lines)


def _price(view: View) -> Iterator[Issue]:
    wanted = view.expected.quote.price
    if wanted is None or not view.expected.quote.price_managed:
        return
    lines = _deviating(view, wanted, "unit_price")
    if not lines:
        return
    charged = tuple(line for line in lines if line.bill is BillCustomer.BILLABLE)
    yield make(
        Kind.PRICE_MISMATCH,
        view.case.key,
        field="unit_price",
        expected=texts(unit_price=wanted),
        actual=texts(unit_price=_shown(lines, "unit_price")),
        impact_recurring=_difference(charged, wanted, "unit_price"),
        currency=view.currency,
        lines=tuple(line.id for line in lines),
        subscriptions=view.subscriptions,
        changes_from=view.day,
    )


def _cost(view: View) -> Iterator[Issue]:
    found = view.expected.quote
    if found.cost is None:
        return
    percent = view.books.policy.limits.fx_percent if found.converted else None
    lines = _deviating(view, found.cost, "unit_cost", percent=percent)
    if not lines:
        return
    shown = money(found.cost)
    yield make(
        Kind.COST_MISMATCH,
        view.case.key,
        field="unit_cost",
        expected=texts(unit_cost=shown),
        actual=texts(unit_cost=_shown(lines, "unit_cost")),
        cost_impact=_difference(lines, shown, "unit_cost"),
        impact_recurring=ZERO,
        currency=view.currency,
        lines=tuple(line.id for line in lines),
        subscriptions=view.subscriptions,
        changes_from=view.day,
    )


def _margin(view: View) -> Iterator[Issue]:
    found = view.expected.quote
    if found.floor is None or not view.active or view.expected.quantity == 0:
        return
    price = found.price if found.price is not None else average_price(view.active)
    cost = found.cost
    if cost is None:
        costs = [line.unit_cost for line in view.active]
        cost = next((one for one in costs if one is not None), None)
    if price is None or cost is None or price <= 0:
        return
    margin = (price - cost) / price * _HUNDRED
    if margin < found.floor:
        yield make(
            Kind.MARGIN_BELOW_FLOOR,
            view.case.key,
            field="margin",
            expected=texts(margin=found.floor),
            actual=texts(margin=money(margin)),
            impact_recurring=ZERO,
            currency=view.currency,
            lines=tuple(line.id for line in view.active),
            subscriptions=view.subscriptions,
        )


def _billable(view: View) -> Iterator[Issue]:
    if not view.expected.flags_managed:
        return
    wanted = view.expected.bill
    lines = tuple(line for line in view.active if line.bill is not wanted)
    if not lines:
        return
    yield make(
        Kind.BILLABLE_FLAG_MISMATCH,
        view.case.key,
        field="bill",
        expected=texts(bill=wanted),
        actual=texts(bill=_shown(lines, "bill")),
        impact_recurring=_flag_money(view, lines, wanted),
        currency=view.currency,
        lines=tuple(line.id for line in lines),
        subscriptions=view.subscriptions,
    )


def _flag_money(
    view: View, lines: tuple[PsaLine, ...], wanted: BillCustomer
) -> Decimal | None:
    """What charging, or not charging, these lines as they are would change."""
    if not view.has_price or any(line.unit_price is None for line in lines):
        return None
    total = ZERO
    for line in lines:
        amount = line.net * (line.unit_price or ZERO)
        if wanted is BillCustomer.BILLABLE:
            total += amount
        elif line.bill is BillCustomer.BILLABLE:
            total -= amount
    return total


def _taxable(view: View) -> Iterator[Issue]:
    wanted = view.expected.taxable
    if wanted is None or not view.expected.flags_managed:
        return
    lines = tuple(line for line in view.active if line.taxable not in (None, wanted))
    if lines:
        yield make(
            Kind.TAX_FLAG_MISMATCH,
            view.case.key,
            field="taxable",
            expected=texts(taxable=wanted),
            actual=texts(taxable=_shown(lines, "taxable")),
            impact_recurring=ZERO,
            currency=view.currency,
            lines=tuple(line.id for line in lines),
            subscriptions=view.subscriptions,
        )
