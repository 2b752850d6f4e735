"""Annotations of a key: what a person should know beside the difference."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from entrepot.hub.reconciliation.rules.issues import texts
from entrepot.hub.reconciliation.rules.psa_records import PsaLine
from entrepot.hub.reconciliation.rules.records import VendorSubscription
from entrepot.hub.reconciliation.rules.results import Annotation, Note
from entrepot.hub.reconciliation.rules.view import View
from entrepot.sdk.model import SubscriptionStatus


def key_notes(view: View) -> tuple[Annotation, ...]:
    """All annotations of a key, without repetition, in a stable order."""
    found = list(_all(view))
    unique = {(one.note, one.detail): one for one in found}
    return tuple(unique[key] for key in sorted(unique))


def _all(view: View) -> Iterator[Annotation]:
    key = view.case.key
    for line in (*view.case.lines, *view.elsewhere):
        editor = external_editor(view, line)
        if editor:
            yield Annotation(note=Note.EXTERNAL_EDIT, key=key, detail=editor)
    if view.expected.bought < view.expected.minimum == view.expected.quantity:
        extra = view.expected.minimum - view.expected.bought
        detail = "+" + texts(extra=extra)["extra"]
        yield Annotation(note=Note.MINIMUM_APPLIED, key=key, detail=detail)
    for part in view.case.parts:
        for note, detail in _of_subscription(view, part.subscription):
            yield Annotation(note=note, key=key, detail=detail)


def external_editor(view: View, line: PsaLine) -> str:
    """Who other than the hub changed a line since the hub last verified it."""
    link = view.books.links.get(line.id)
    if link is None or link.verified_at is None or line.updated_at is None:
        return ""
    ours = line.updated_by in view.books.inputs.psa.our_members
    return "" if ours or line.updated_at <= link.verified_at else line.updated_by


def _of_subscription(view: View, one: VendorSubscription) -> Iterator[tuple[Note, str]]:
    today = view.books.today
    if one.status is SubscriptionStatus.SUSPENDED:
        yield Note.SUSPENDED_AT_VENDOR, one.id
    blocked = one.decrease_blocked_until
    if blocked is not None and blocked > today and view.quantity < view.expected.bought:
        yield Note.DECREASE_BLOCKED, blocked.isoformat()
    phase = one.phase_on(view.day)
    if phase is not None and phase.estimated and phase.starts == view.changed_from:
        yield Note.DATE_ESTIMATED, phase.starts.isoformat()
    if one.assigned is not None and phase and one.assigned != phase.quantity:
        yield Note.ASSIGNED_DIFFERS, texts(assigned=one.assigned)["assigned"]
    renewal = _renewal(view, one)
    if renewal is not None:
        yield Note.RENEWS_ON, renewal.isoformat()


def _renewal(view: View, one: VendorSubscription) -> date | None:
    """The renewal, when something is scheduled for it or it is near."""
    today = view.books.today
    scheduled = [p.starts for p in one.phases if p.scheduled and p.starts > today]
    if scheduled:
        return min(scheduled)
    soon = today + view.books.policy.limits.end_notice
    if one.renews is not None and today < one.renews <= soon and one.ends is None:
        return one.renews
    return None
