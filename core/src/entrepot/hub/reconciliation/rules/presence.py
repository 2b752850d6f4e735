"""Presence and dates: is there a line at all, does it begin and end rightly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

from entrepot.hub.reconciliation.rules.issues import make, texts
from entrepot.hub.reconciliation.rules.kinds import Kind, Severity
from entrepot.hub.reconciliation.rules.lock import period_of
from entrepot.hub.reconciliation.rules.policy import Owner
from entrepot.hub.reconciliation.rules.psa_records import LinkState, PsaLine
from entrepot.hub.reconciliation.rules.records import ZERO
from entrepot.hub.reconciliation.rules.results import Issue
from entrepot.hub.reconciliation.rules.view import View, revenue


def presence_issues(view: View) -> Iterator[Issue]:
    """Presence and date kinds of one key, at most one cause each."""
    if view.expected.quantity > 0 and view.is_stranded:
        yield _lost(view, Kind.AGREEMENT_INACTIVE, "agreement_ended", view.dead)
    elif view.expected.quantity > 0 and view.quantity == 0:
        yield from _nothing_billed(view)
    elif view.expected.quantity == 0 and view.quantity > 0:
        yield from _nothing_expected(view)
    elif view.quantity > 0:
        yield from _both(view)


def _ids(lines: tuple[PsaLine, ...]) -> tuple[str, ...]:
    return tuple(line.id for line in lines)


def _lost(view: View, kind: Kind, reason: str, lines: tuple[PsaLine, ...]) -> Issue:
    """An issue where nothing is billed of all that is expected."""
    return make(
        kind,
        view.case.key,
        expected=texts(quantity=view.expected.quantity, unit_price=view.price),
        actual=texts(quantity=ZERO),
        delta=view.expected.quantity,
        impact_recurring=view.money(view.expected.quantity),
        currency=view.currency,
        reason=reason,
        lines=_ids(lines),
        subscriptions=view.subscriptions,
        changes_from=view.changed_from,
    )


def _nothing_billed(view: View) -> Iterator[Issue]:
    if view.elsewhere:
        yield _misplaced(view)
        return
    if view.dead:
        yield _lost(view, Kind.AGREEMENT_INACTIVE, "agreement_ended", view.dead)
        return
    if view.unfinished:
        yield _lost(view, Kind.MISSING_IN_PSA, "unfinished_plan", ())
        return
    ended = tuple(line for line in view.case.lines if _ended(view, line))
    linked = tuple(line for line in ended if view.is_linked(line))
    later = tuple(
        line
        for line in view.case.lines
        if line.effective is not None and line.effective > view.day
    )
    if later:
        yield from _starts_later(view, later)
    elif linked:
        yield _lost(view, Kind.CANCELLED_IN_PSA, "line_ended", linked)
    elif any(line.active_on(view.day) for line in view.case.lines):
        return  # a line of zero units: a matter of quantity
    else:
        reason = "line_deleted" if view.case.deleted else "no_line"
        yield _lost(view, Kind.MISSING_IN_PSA, reason, ())


def _ended(view: View, line: PsaLine) -> bool:
    return line.ends is not None and line.ends < view.day


def _starts_later(view: View, later: tuple[PsaLine, ...]) -> Iterator[Issue]:
    """A later start that may still be moved; any other one is a wrong quantity."""
    first = min(line.effective for line in later if line.effective is not None)
    if _movable(view, first):
        yield _dated(view, view.money(view.expected.quantity), later, first)


def _movable(view: View, line_starts: date) -> bool:
    """Whether neither the line nor the expectation begins before the open period."""
    lock = view.case.lock
    if not lock.known or view.starts is None:
        return False
    return view.starts >= lock.first_open and line_starts >= lock.first_open


def _dated(
    view: View, impact: Decimal | None, lines: tuple[PsaLine, ...], first: date
) -> Issue:
    return make(
        Kind.EFFECTIVE_DATE_MISMATCH,
        view.case.key,
        field="effective",
        expected=texts(effective=view.starts),
        actual=texts(effective=first),
        impact_recurring=impact,
        currency=view.currency,
        lines=_ids(lines),
        subscriptions=view.subscriptions,
        changes_from=view.starts,
    )


def _nothing_expected(view: View) -> Iterator[Issue]:
    if view.starts is not None and view.starts > view.day:
        first = _first_start(view)
        if first is not None and _movable(view, first):
            yield _dated(view, _minus(revenue(view.active)), view.active, first)
            return
    if view.ends is not None and view.ends <= view.day:
        due = view.end_for(view.ends)
        wrong = tuple(line for line in view.active if line.ends != due)
        if wrong:
            yield _ends_wrongly(view, due, wrong, Severity.ERROR)
        return
    if not view.case.parts and view.expected.bought == 0:
        yield make(
            Kind.ORPHAN_IN_PSA,
            view.case.key,
            expected=texts(quantity=ZERO),
            actual=texts(quantity=view.quantity),
            delta=-view.quantity,
            impact_recurring=_minus(revenue(view.active)),
            currency=view.currency,
            lines=_ids(view.active),
        )


def _minus(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else -amount


def _ends_wrongly(
    view: View, due: date, lines: tuple[PsaLine, ...], severity: Severity
) -> Issue:
    over = severity is Severity.ERROR
    issue = make(
        Kind.CANCEL_DATE_MISMATCH,
        view.case.key,
        field="ends",
        expected=texts(ends=due),
        actual=texts(ends=", ".join(texts(e=line.ends)["e"] for line in lines)),
        delta=-sum((line.net for line in lines), ZERO) if over else None,
        impact_recurring=_minus(revenue(lines)) if over else ZERO,
        currency=view.currency,
        reason="ended" if over else "will_end",
        lines=_ids(lines),
        subscriptions=view.subscriptions,
        changes_from=view.ends,
    )
    return replace(issue, severity=severity)


def _both(view: View) -> Iterator[Issue]:
    matches = view.quantity == view.expected.quantity
    if view.elsewhere and (not matches or any(map(view.is_linked, view.elsewhere))):
        yield _misplaced(view)
        return
    rest = _duplicates(view)
    if rest:
        over = revenue(rest)
        yield make(
            Kind.DUPLICATE_IN_PSA,
            view.case.key,
            expected=texts(quantity=view.expected.quantity),
            actual=texts(
                quantity=view.quantity + sum((x.net for x in view.elsewhere), ZERO)
            ),
            delta=-sum((line.net for line in rest), ZERO),
            impact_recurring=_minus(over) if view.has_price else None,
            currency=view.currency,
            lines=_ids(rest),
            subscriptions=view.subscriptions,
        )
        return
    yield from _future_end(view)
    yield from _start(view)


def _misplaced(view: View) -> Issue:
    """Lines on another agreement than the rule's: explains missing and too many."""
    elsewhere = view.elsewhere
    total = view.quantity + sum((line.net for line in elsewhere), ZERO)
    delta = view.expected.quantity - total
    own, other = revenue(view.active), revenue(elsewhere)
    expected = view.money(view.expected.quantity)
    impact = None
    if expected is not None and own is not None and other is not None:
        impact = expected - own - other
    return make(
        Kind.WRONG_AGREEMENT,
        view.case.key,
        expected=texts(
            agreement=view.case.target.id if view.case.target else "",
            quantity=view.expected.quantity,
        ),
        actual=texts(
            agreement=", ".join(sorted({line.agreement for line in elsewhere})),
            quantity=total,
        ),
        delta=delta,
        impact_recurring=impact,
        currency=view.currency,
        lines=_ids(elsewhere),
        subscriptions=view.subscriptions,
    )


def _duplicates(view: View) -> tuple[PsaLine, ...]:
    """Unlinked lines beside one line, or the linked set, that is right alone."""
    lines = (*view.active, *view.elsewhere)
    total = sum((line.net for line in lines), ZERO)
    wanted = view.expected.quantity
    if len(lines) < 2 or total <= wanted:
        return ()
    linked = tuple(line for line in lines if view.is_linked(line))
    if linked:
        rest = tuple(line for line in lines if line not in linked)
        right = sum((line.net for line in linked), ZERO) == wanted
        return rest if right else ()
    for keep in sorted(lines, key=lambda one: (one.effective or date.min, one.id)):
        if keep.net == wanted:
            return tuple(line for line in lines if line is not keep)
    return ()


def _future_end(view: View) -> Iterator[Issue]:
    """A known end of service that the lines don't carry yet."""
    if view.expected.ends is not None:
        due, soon = view.expected.ends, True
    elif view.ends is not None:
        notice = view.ends - view.books.policy.limits.end_notice
        soon = view.case.rule.preset_cancel_date or notice <= view.books.today
        due = view.end_for(view.ends)
    else:
        return
    wrong = tuple(line for line in view.active if line.ends != due)
    if soon and wrong:
        yield _ends_wrongly(view, due, wrong, Severity.WARN)


def _start(view: View) -> Iterator[Issue]:
    first = _first_start(view)
    if first is None or view.starts is None or not _movable(view, first):
        return
    accepted = {view.starts}
    if view.case.rule.proration_owner is not Owner.PSA and view.case.target:
        period = period_of(view.case.target, view.starts)
        accepted.add(view.starts if period.start == view.starts else period.end)
    if first not in accepted:
        yield _dated(view, None, view.active, first)


def _first_start(view: View) -> date | None:
    if view.case.target is None or not view.case.lines:
        return None
    begin = view.case.target.starts
    return min(line.effective or begin for line in view.case.lines)


def adoptable(view: View) -> tuple[PsaLine, ...]:
    """Active lines the hub could adopt: none linked yet, at least one there.

    Lines with a detached link of the key's own subscriptions come first and alone.
    """
    if any(view.is_linked(line) for line in view.active) or not view.case.parts:
        return ()
    known = tuple(line for line in view.active if _was_ours(view, line))
    return known or view.active


def _was_ours(view: View, line: PsaLine) -> bool:
    link = view.books.links.get(line.id)
    if link is None or link.state is not LinkState.DETACHED:
        return False
    return bool(set(link.subscriptions) & set(view.subscriptions))
