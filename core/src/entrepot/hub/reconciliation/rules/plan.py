"""What would put a key right, and how much of it this version writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from entrepot.hub.reconciliation.rules.approval import AutoPolicy, why_person
from entrepot.hub.reconciliation.rules.fingerprint import plan_digest
from entrepot.hub.reconciliation.rules.kinds import Group, Kind
from entrepot.hub.reconciliation.rules.lock import is_period_end
from entrepot.hub.reconciliation.rules.plan_lines import (
    change_quantity,
    create_line,
    end_lines,
    is_operation_list,
    last_invoiced,
)
from entrepot.hub.reconciliation.rules.precedence import group_of
from entrepot.hub.reconciliation.rules.preconditions import preconditions_of
from entrepot.hub.reconciliation.rules.presence import adoptable
from entrepot.hub.reconciliation.rules.preview import preview_of
from entrepot.hub.reconciliation.rules.psa_records import PsaLine
from entrepot.hub.reconciliation.rules.reasons import not_pushed
from entrepot.hub.reconciliation.rules.results import (
    Annotation,
    Do,
    Issue,
    NotPushed,
    Operation,
    Proposal,
)
from entrepot.hub.reconciliation.rules.view import View

_SIMPLE = {
    Kind.PRICE_MISMATCH: "price_change",
    Kind.COST_MISMATCH: "cost_change",
    Kind.BILLABLE_FLAG_MISMATCH: "flag_change",
    Kind.TAX_FLAG_MISMATCH: "flag_change",
    Kind.EFFECTIVE_DATE_MISMATCH: "start_date",
    Kind.USAGE_UNPOSTED: "usage",
    Kind.USAGE_AMOUNT_MISMATCH: "usage",
    Kind.CURRENCY_MISMATCH: "basis",
    Kind.BILLING_CYCLE_MISMATCH: "basis",
    Kind.PENDING_ORDER: "wait",
    Kind.ORDER_STUCK: "wait",
}


@dataclass(slots=True)
class Draft:
    """A proposal in the making."""

    operations: list[Operation] = field(default_factory=list)
    choices: dict[str, tuple[Operation, ...]] = field(default_factory=dict)
    not_pushed: list[NotPushed] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    by_choice: dict[str, list[str]] = field(default_factory=dict)

    def take(self, found: list[Operation] | NotPushed) -> None:
        """Add operations, or the reason why there are none."""
        if is_operation_list(found):
            self.operations += found
        else:
            self.not_pushed.append(found)  # type: ignore[arg-type]  # a union

    def note(self, issue: Issue, operations: int, choices: set[str]) -> None:
        """Write down what an issue's answer is, given what there was before it."""
        if len(self.operations) > operations:
            self.answered.append(issue.fingerprint)
        for name in sorted(self.choices.keys() - choices):
            self.by_choice.setdefault(name, []).append(issue.fingerprint)

    def clear(self) -> None:
        """Write nothing after all."""
        self.operations.clear()
        self.choices.clear()
        self.answered.clear()
        self.by_choice.clear()


def propose(
    view: View,
    issues: Sequence[Issue],
    notes: Sequence[Annotation],
    policy: AutoPolicy,
    partner: View | None = None,
) -> Proposal | None:
    """What would put a key right; None when there is nothing to do.

    Args:
        view: The key.
        issues: Its issues, identified.
        notes: Its annotations.
        policy: What may be approved without a person.
        partner: The key the line should have, for a term mismatch.
    """
    draft = Draft()
    for issue in issues:
        before = len(draft.operations), set(draft.choices)
        _answer(draft, view, issue, issues, partner)
        draft.note(issue, *before)
    _adopt(draft, view, issues)
    if any(group_of(issue) is Group.BASIS for issue in issues):
        draft.clear()
    if not (draft.operations or draft.choices or draft.not_pushed):
        return None
    return _finished(draft, view, issues, notes, policy, partner)


def _finished(
    draft: Draft,
    view: View,
    issues: Sequence[Issue],
    notes: Sequence[Annotation],
    policy: AutoPolicy,
    partner: View | None,
) -> Proposal:
    every = [*draft.operations, *(op for ops in draft.choices.values() for op in ops)]
    conditions = preconditions_of(view, every, partner)
    why = why_person(view, issues, draft.operations, notes, policy)
    automatic = bool(draft.operations) and not draft.choices and not why
    return Proposal(
        key=view.case.key,
        issues=tuple(issue.fingerprint for issue in issues),
        answered=tuple(draft.answered),
        by_choice={name: tuple(found) for name, found in draft.by_choice.items()},
        operations=tuple(draft.operations),
        choices=draft.choices,
        not_pushed=tuple(draft.not_pushed),
        preconditions=conditions,
        automatic=automatic,
        why_person="" if automatic else why,
        preview=preview_of(view, draft.operations, partner),
        choice_previews={
            name: preview_of(view, (*draft.operations, *chosen), partner)
            for name, chosen in draft.choices.items()
        },
        digest=plan_digest(every, conditions),
        partner=partner.case.key if partner is not None else None,
    )


def _answer(
    draft: Draft,
    view: View,
    issue: Issue,
    issues: Sequence[Issue],
    partner: View | None,
) -> None:
    kind = issue.kind
    lines = tuple(
        view.books.lines[id_] for id_ in issue.lines if id_ in view.books.lines
    )
    if kind in _SIMPLE:
        draft.not_pushed.append(not_pushed(_SIMPLE[kind]))
    elif kind is Kind.MISSING_IN_PSA and issue.reason == "unfinished_plan":
        draft.not_pushed.append(not_pushed("unfinished_plan"))
    elif kind is Kind.MISSING_IN_PSA:
        draft.take(create_line(view))
    elif kind is Kind.AGREEMENT_INACTIVE:
        _successor(draft, view)
    elif kind is Kind.CANCELLED_IN_PSA:
        _ask(draft, "new_line", create_line(view))
    elif kind is Kind.CANCEL_DATE_MISMATCH:
        draft.take(_due_end(view, issue, lines))
    elif kind is Kind.ORPHAN_IN_PSA:
        _ask(draft, "end", end_lines(view, lines, last_invoiced(view)))
    elif kind is Kind.DUPLICATE_IN_PSA:
        draft.take(end_lines(view, lines, last_invoiced(view)))
    elif kind is Kind.WRONG_AGREEMENT:
        draft.take(_move(view, lines))
    elif kind is Kind.TERM_MISMATCH and partner is not None:
        draft.take(_retarget(view, partner, lines))
    elif group_of(issue) is Group.QUANTITY:
        _quantity(draft, view, issue, issues)
    elif kind in (Kind.PERIOD_GAP, Kind.OPEN_PERIOD_GAP):
        draft.not_pushed.append(not_pushed(_gap_reason(issue), issue.impact_once))


def _gap_reason(issue: Issue) -> str:
    if issue.reason == "not_charged_by_policy":
        return issue.reason
    over = issue.impact_once is not None and issue.impact_once < 0
    return "credit" if over else "closed_period"


def _ask(draft: Draft, name: str, found: list[Operation] | NotPushed) -> None:
    draft.not_pushed.append(not_pushed("needs_choice"))
    if isinstance(found, NotPushed):
        draft.not_pushed.append(found)
    else:
        draft.choices[name] = tuple(found)


def _successor(draft: Draft, view: View) -> None:
    target = view.case.target
    if target is None or target.id not in view.books.active_agreements:
        draft.not_pushed.append(not_pushed("no_successor"))
    else:
        draft.take(create_line(view))


def _due_end(
    view: View, issue: Issue, lines: tuple[PsaLine, ...]
) -> list[Operation] | NotPushed:
    due = date.fromisoformat(issue.expected["ends"])
    agreement = view.case.target
    if not view.case.lock.known or agreement is None:
        return not_pushed("lock_unknown")
    if not is_period_end(agreement, due):
        return not_pushed("mid_period")
    return end_lines(view, lines, due)


def _move(view: View, lines: tuple[PsaLine, ...]) -> list[Operation] | NotPushed:
    if view.quantity > 0:
        return not_pushed("several_lines")
    new = create_line(view)
    if isinstance(new, NotPushed):
        return new
    through = {view.books.agreements[line.agreement].locked_through for line in lines}
    last = last_invoiced(view)
    if through != {last}:
        return not_pushed("lock_dates_differ")
    ends = end_lines(view, lines, last)
    return ends if isinstance(ends, NotPushed) else ends + new


def _retarget(
    view: View, partner: View, lines: tuple[PsaLine, ...]
) -> list[Operation] | NotPushed:
    changed = partner.changed_from
    if changed is not None and changed > partner.case.lock.first_open:
        return not_pushed("mid_period")
    new = create_line(partner)
    if isinstance(new, NotPushed):
        return new
    if last_invoiced(view) != last_invoiced(partner):
        return not_pushed("lock_dates_differ")
    ends = end_lines(view, lines, last_invoiced(view))
    return ends if isinstance(ends, NotPushed) else ends + new


def _quantity(draft: Draft, view: View, issue: Issue, issues: Sequence[Issue]) -> None:
    found = change_quantity(view, issue)
    draft.take(found)
    if isinstance(found, NotPushed):
        return
    through, changed = view.case.lock.through, issue.changes_from
    told = any(other.kind is Kind.PERIOD_GAP for other in issues)
    if through is not None and changed is not None and changed <= through and not told:
        over = issue.delta is not None and issue.delta < 0
        draft.not_pushed.append(not_pushed("credit" if over else "closed_period"))


def _adopt(draft: Draft, view: View, issues: Sequence[Issue]) -> None:
    """Link the one candidate, before anything else is done with it."""
    if any(group_of(issue) is Group.PRESENCE for issue in issues):
        return
    candidates = adoptable(view)
    if not candidates or view.expected.quantity == 0:
        return
    if len(candidates) > 1 and view.quantity != view.expected.quantity:
        draft.clear()
        draft.not_pushed.append(not_pushed("several_lines"))
        return
    adopt = [
        Operation(
            do=Do.ADOPT,
            agreement=line.agreement,
            company=line.company,
            product=line.product,
            line=line.id,
            subscriptions=view.subscriptions,
        )
        for line in candidates
    ]
    draft.operations[:0] = adopt


def impact_of(operations: Sequence[Operation]) -> Decimal:
    """Number of lines at the PSA that operations change."""
    return Decimal(sum(operation.do is not Do.ADOPT for operation in operations))
