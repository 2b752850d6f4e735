"""The three writes of this version: create, set a quantity, set an end date."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TypeGuard

from entrepot.hub.reconciliation.rules.numbers import money
from entrepot.hub.reconciliation.rules.policy import Owner
from entrepot.hub.reconciliation.rules.psa_records import PsaLine
from entrepot.hub.reconciliation.rules.reasons import not_pushed
from entrepot.hub.reconciliation.rules.records import ZERO
from entrepot.hub.reconciliation.rules.results import (
    Do,
    Issue,
    NotPushed,
    Operation,
)
from entrepot.hub.reconciliation.rules.view import View
from entrepot.sdk.model import BillingMode

_DAY = timedelta(days=1)


def is_operation_list(
    found: list[Operation] | NotPushed,
) -> TypeGuard[list[Operation]]:
    """Whether operations were found, not a reason."""
    return isinstance(found, list)


def last_invoiced(view: View) -> date:
    """The day before the first un-invoiced one."""
    return view.case.lock.first_open - _DAY


def create_line(view: View) -> list[Operation] | NotPushed:
    """A new line from the first un-invoiced day, with all that is expected."""
    lock, target = view.case.lock, view.case.target
    if not lock.known or target is None:
        return not_pushed("lock_unknown")
    changed = view.changed_from
    if changed is not None and changed > lock.first_open:
        return not_pushed("mid_period")
    expected = view.expected
    parts = expected.parts
    price = expected.quote.price
    if price is None:
        price = view.list_price
    cost = expected.quote.cost
    return [
        Operation(
            do=Do.CREATE,
            agreement=target.id,
            company=view.case.key.company,
            product=view.case.key.product,
            quantity=expected.quantity,
            unit_price=price,
            unit_cost=None if cost is None else money(cost),
            bill=expected.bill if expected.flags_managed else "",
            taxable=expected.taxable if expected.flags_managed else None,
            effective=lock.first_open,
            text=parts[0].entry.text if parts else "",
            subscriptions=view.subscriptions,
        )
    ]


def end_lines(
    view: View, lines: tuple[PsaLine, ...], last: date
) -> list[Operation] | NotPushed:
    """End lines on a day that no invoice has passed; approval by a person."""
    for line in lines:
        agreement = view.books.agreements.get(line.agreement)
        if agreement is None or not agreement.lock_known:
            return not_pushed("lock_unknown")
        if line.effective is not None and line.effective > last:
            return not_pushed("closed_line")
        through = agreement.locked_through
        if through is not None and last < through:
            return not_pushed("closed_period")
    return [
        Operation(
            do=Do.SET_END,
            agreement=line.agreement,
            company=line.company,
            product=line.product,
            line=line.id,
            ends=last,
        )
        for line in lines
    ]


def change_quantity(view: View, issue: Issue) -> list[Operation] | NotPushed:
    """S1: the quantity of the main line at the first un-invoiced day.

    Only where the agreement bills in advance: an arrears line changed in place would
    bill its whole open period at the new quantity.
    """
    reason = _why_not(view, issue)
    if reason:
        return not_pushed(reason)
    delta = issue.delta or ZERO
    surplus = _whole_deltas(view, -delta) if delta < 0 else ()
    if surplus:
        return end_lines(view, surplus, last_invoiced(view))
    main = _main_line(view)
    if main is None or main.quantity + delta < 0:
        return not_pushed("several_lines")
    change = Operation(
        do=Do.SET_QUANTITY,
        agreement=main.agreement,
        company=main.company,
        product=main.product,
        line=main.id,
        quantity=main.quantity + delta,
        effective=view.case.lock.first_open,
    )
    if not view.case.rule.dated_lines_always:
        return [change]
    return _dated(view, main, change)


def _why_not(view: View, issue: Issue) -> str:
    lock, changed = view.case.lock, issue.changes_from
    if issue.field == "lessIncluded":
        return "included_units"
    if not lock.known:
        return "lock_unknown"
    if lock.mode is BillingMode.ARREARS:
        return "arrears"
    if lock.mode is not BillingMode.ADVANCE:
        return "mode_unknown"
    if changed is not None and changed > lock.first_open:
        return "mid_period"
    grows = issue.delta is not None and issue.delta > 0
    backdated = changed is not None and changed < lock.first_open
    asks_psa = view.case.rule.proration_owner is Owner.PSA
    return "dated_delta" if asks_psa and grows and backdated else ""


def _whole_deltas(view: View, surplus: object) -> tuple[PsaLine, ...]:
    """Delta lines that are exactly the surplus, so that ending them is enough."""
    deltas = [line for line in view.active if view.is_delta(line)]
    exact = [line for line in deltas if line.net == surplus]
    if exact:
        return (exact[-1],)
    return tuple(deltas) if sum((x.net for x in deltas), ZERO) == surplus else ()


def _main_line(view: View) -> PsaLine | None:
    """The line whose quantity is changed; None when it can't be told."""
    if len(view.active) == 1:
        return view.active[0]
    linked = [line for line in view.active if view.is_linked(line)]
    mains = [line for line in linked if not view.is_delta(line)]
    return mains[0] if len(mains) == 1 else None


def _dated(view: View, main: PsaLine, change: Operation) -> list[Operation] | NotPushed:
    """End and successor instead of a change in place, for dated history."""
    ended = end_lines(view, (main,), last_invoiced(view))
    if isinstance(ended, NotPushed):
        return [change]  # the line begins in the open period: nothing is dated yet
    successor = Operation(
        do=Do.CREATE,
        agreement=main.agreement,
        company=main.company,
        product=main.product,
        quantity=change.quantity,
        unit_price=main.unit_price,
        unit_cost=main.unit_cost,
        bill=main.bill,
        taxable=main.taxable,
        effective=view.case.lock.first_open,
        subscriptions=view.subscriptions,
    )
    return [*ended, successor]
