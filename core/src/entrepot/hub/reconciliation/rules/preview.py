"""What a proposal changes on the next invoice, in money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from entrepot.hub.reconciliation.rules.numbers import amount_text, money
from entrepot.hub.reconciliation.rules.records import ZERO
from entrepot.hub.reconciliation.rules.results import Do, Operation
from entrepot.hub.reconciliation.rules.view import View, revenue
from entrepot.sdk.model import BillCustomer

NOT_KNOWN = "not known"


def preview_of(
    view: View, operations: Sequence[Operation], partner: View | None
) -> Mapping[str, str]:
    """The key's recurring amount on the next invoice before and after operations.

    Returns:
        ``before``, ``after`` and ``difference`` as amounts, or `NOT_KNOWN` where a
        price is; ``currency``; ``invoice_from``, the first day of that invoice.
    """
    lines = {*view.active, *view.elsewhere}
    if partner is not None:
        lines |= {*partner.active}
    before = revenue(tuple(sorted(lines, key=lambda line: line.id)))
    effects = [_effect(view, operation) for operation in operations]
    known = [one for one in effects if one is not None]
    effect = sum(known, ZERO) if len(known) == len(effects) else None
    after = None if before is None or effect is None else before + effect
    return {
        "before": _shown(before),
        "after": _shown(after),
        "difference": _shown(effect),
        "currency": view.currency,
        "invoice_from": view.case.lock.first_open.isoformat(),
    }


def _shown(amount: Decimal | None) -> str:
    return NOT_KNOWN if amount is None else amount_text(money(amount))


def _effect(view: View, operation: Operation) -> Decimal | None:
    """What one operation adds to the next invoice; None when a price isn't known."""
    if operation.do is Do.ADOPT:
        return ZERO
    if operation.do is Do.CREATE:
        charged = operation.bill in ("", BillCustomer.BILLABLE)
        return _priced(operation.quantity or ZERO, operation.unit_price, charged)
    line = view.books.lines[operation.line]
    charged = line.bill is BillCustomer.BILLABLE
    if operation.do is Do.SET_QUANTITY:
        units = max((operation.quantity or ZERO) - line.less_included, ZERO)
        return _priced(units - line.net, line.unit_price, charged)
    stays = operation.ends is not None and operation.ends >= view.day
    billed = ZERO if stays or not line.active_on(view.day) else line.net
    return _priced(-billed, line.unit_price, charged)


def _priced(units: Decimal, price: Decimal | None, charged: bool) -> Decimal | None:
    if not charged or units == 0:
        return ZERO
    return None if price is None else units * price
