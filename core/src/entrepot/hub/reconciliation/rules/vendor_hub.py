"""Vendor against hub: what the hub's books lag behind or wait for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from entrepot.hub.reconciliation.rules.books import Books
from entrepot.hub.reconciliation.rules.issues import make, texts
from entrepot.hub.reconciliation.rules.kinds import Kind
from entrepot.hub.reconciliation.rules.records import (
    ZERO,
    OrderIntent,
    OrderState,
    QuantityChange,
    VendorSubscription,
)
from entrepot.hub.reconciliation.rules.results import Issue, Key
from entrepot.sdk.model import SubscriptionStatus

_TWO_SYNCS = 2


@dataclass(frozen=True, slots=True)
class VendorFindings:
    """Issues between vendor and hub, and what they mean for the lines.

    Attributes:
        unknown: Subscriptions the hub doesn't know yet; they wait for the import.
        waiting: Subscriptions with an order on its way: no quantity kinds.
    """

    issues: tuple[Issue, ...]
    unknown: frozenset[str]
    waiting: frozenset[str]


def compare_vendor_and_hub(
    books: Books, subscriptions: Sequence[VendorSubscription]
) -> VendorFindings:
    """All vendor-hub issues of the given subscriptions."""
    issues: list[Issue] = []
    unknown: set[str] = set()
    for one in subscriptions:
        if one.id not in books.mirrors:
            unknown.add(one.id)
            issues.append(_about(one, Kind.MISSING_IN_HUB))
            continue
        issues += _stale(books, one)
        issues += _absent(books, one)
        issues += _flapping(books, one)
        issues += _invoiced(books, one)
    orders, waiting = _orders(books, {one.id for one in subscriptions})
    return VendorFindings(
        tuple(issues + orders), frozenset(unknown), frozenset(waiting)
    )


def key_of(subscription: VendorSubscription) -> Key:
    """The key of issues that are about a vendor customer's subscription."""
    return Key(connection=subscription.connection, customer=subscription.customer)


def _about(one: VendorSubscription, kind: Kind, **values: object) -> Issue:
    return make(kind, key_of(one), subject=one.id, subscriptions=(one.id,), **values)


def _stale(books: Books, one: VendorSubscription) -> Iterator[Issue]:
    mirror = books.mirrors[one.id]
    current = _current_quantity(books, one)
    other = mirror.quantity is not None and mirror.quantity != current
    moved = mirror.status is not None and mirror.status is not one.status
    if (other or moved) and not _gone(books, one):
        yield _about(
            one,
            Kind.HUB_STALE,
            field="quantity" if other else "status",
            expected=texts(quantity=current, status=one.status),
            actual=texts(quantity=mirror.quantity, status=mirror.status),
        )


def _current_quantity(books: Books, one: VendorSubscription) -> Decimal:
    phase = one.phase_on(books.today)
    return phase.quantity if phase else one.phases[-1].quantity


def _gone(books: Books, one: VendorSubscription) -> bool:
    mirror = books.mirrors[one.id]
    ended = mirror.status is SubscriptionStatus.ENDED
    absent = one.absence_confirmed or one.absent_syncs > 0
    return absent and not ended


def _absent(books: Books, one: VendorSubscription) -> Iterator[Issue]:
    sure = one.absence_confirmed or one.absent_syncs >= _TWO_SYNCS
    if sure and _gone(books, one):
        reason = "direct_read" if one.absence_confirmed else "two_complete_syncs"
        yield _about(one, Kind.MISSING_AT_VENDOR, reason=reason)


def _orders(books: Books, scope: set[str]) -> tuple[list[Issue], set[str]]:
    issues, waiting = [], set()
    for order in sorted(books.inputs.vendor.orders, key=lambda one: one.id):
        if order.subscription not in scope:
            continue
        kind = _order_kind(books, order)
        if kind is None:
            continue
        one = books.subscriptions[order.subscription]
        if kind is not Kind.CONCURRENT_CHANGE:
            waiting.add(one.id)
        issues.append(
            make(
                kind,
                key_of(one),
                subject=order.id,
                subscriptions=(one.id,),
                expected=texts(quantity=order.target),
                actual=texts(quantity=_current_quantity(books, one)),
            )
        )
    return issues, waiting


def _order_kind(books: Books, order: OrderIntent) -> Kind | None:
    if order.state is OrderState.CONFLICT:
        return Kind.CONCURRENT_CHANGE
    if order.state is not OrderState.OPEN:
        return None
    age = books.inputs.as_of - order.sent_at
    waits = age < books.policy.limits.order_wait
    return Kind.PENDING_ORDER if waits else Kind.ORDER_STUCK


def _flapping(books: Books, one: VendorSubscription) -> Iterator[Issue]:
    limits = books.policy.limits
    window = limits.flapping_window
    since = books.inputs.as_of - 2 * window
    recent = [change for change in one.changes if change.at >= since]
    if _alternations(recent, window) >= limits.flapping_count:
        seen = " → ".join(texts(q=change.quantity)["q"] for change in recent)
        yield _about(one, Kind.FLAPPING, reason=seen)


def _alternations(changes: Sequence[QuantityChange], window: timedelta) -> int:
    """Most foreign changes within one window in a row that undo one another."""
    best = 0
    run: list[QuantityChange] = []
    direction = ZERO
    for before, after in pairwise(changes):
        step = after.quantity - before.quantity
        if step == 0:
            continue
        if direction == 0 or (step > 0) == (direction > 0):
            run = []
        direction = step
        run.append(after)
        run = [change for change in run if after.at - change.at <= window]
        best = max(best, sum(change.foreign for change in run))
    return best


def _invoiced(books: Books, one: VendorSubscription) -> Iterator[Issue]:
    for line in books.invoices.get(one.id, ()):
        if line.refund:
            continue
        day = line.starts or books.today
        phase = one.phase_on(day)
        if phase is None:
            continue
        cost = line.unit_cost if line.unit_cost is not None else phase.unit_cost
        other = (
            phase.unit_cost is not None
            and cost is not None
            and _far(books, cost, phase.unit_cost)
        )
        if line.quantity == phase.quantity and not other:
            continue
        invoiced, bought = ZERO, ZERO
        if cost is not None and phase.unit_cost is not None:
            invoiced = line.quantity * cost
            bought = phase.quantity * phase.unit_cost
        yield _about(
            one,
            Kind.VENDOR_INVOICE_MISMATCH,
            field="quantity" if line.quantity != phase.quantity else "unit_cost",
            expected=texts(quantity=phase.quantity, unit_cost=phase.unit_cost),
            actual=texts(quantity=line.quantity, unit_cost=line.unit_cost),
            cost_impact=invoiced - bought,
            currency=one.currency,
        )


def _far(books: Books, left: Decimal, right: Decimal) -> bool:
    return abs(left - right) > books.policy.limits.unit_amount
