"""The life of an issue from run to run: open, ignored, healed, back again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from entrepot.hub.reconciliation.rules.results import Issue, Result


class State(StrEnum):
    """Where an issue stands."""

    OPEN = "open"
    PROPOSED = "proposed"
    APPROVED = "approved"
    APPLYING = "applying"
    VERIFYING = "verifying"
    RESOLVED = "resolved"
    FAILED = "failed"
    IGNORED = "ignored"
    SNOOZED = "snoozed"
    SELF_HEALED = "self_healed"
    SUPERSEDED = "superseded"


CLOSED = frozenset({State.RESOLVED, State.SELF_HEALED, State.SUPERSEDED})
SILENT = frozenset({State.IGNORED, State.SNOOZED})
WORKING = frozenset({State.PROPOSED, State.APPROVED, State.APPLYING, State.VERIFYING})


class Scope(StrEnum):
    """How far an IGNORE reaches."""

    ONCE = "once"
    UNTIL_CHANGED = "until_changed"
    ALWAYS = "always"


class Resolution(StrEnum):
    """What people can decide about an issue."""

    IGNORE = "ignore"
    SNOOZE = "snooze"
    ACCEPT_PSA = "accept_psa"
    MARK_UNMANAGED = "mark_unmanaged"
    SETTLE = "settle"
    CREATE_TICKET = "create_ticket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision that silences an issue.

    Attributes:
        until: Last day it holds: end of the billing period for ``once``, the chosen
            day for a snooze; None = no end.
        value_hash: The values it was made on; matters for ``until_changed``.
    """

    resolution: Resolution
    scope: Scope | None = None
    until: date | None = None
    value_hash: str = ""

    def holds(self, today: date, value_hash: str) -> bool:
        """Whether it still silences the issue."""
        if self.until is not None and today > self.until:
            return False
        changed = value_hash != self.value_hash
        return not (self.scope is Scope.UNTIL_CHANGED and changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """An issue with its history.

    Attributes:
        occurrence: 1 at first; one more each time it comes back.
        changed: Its values differ from the run before.
    """

    issue: Issue
    state: State = State.OPEN
    occurrence: int = 1
    decision: Decision | None = None
    changed: bool = False


def advance(
    before: Mapping[str, Tracked], result: Result, today: date
) -> dict[str, Tracked]:
    """The state of every issue after a run, by fingerprint.

    Issues of companies with incomplete data stay as they were. A difference that is
    gone without our doing heals by itself; one that something else explains is
    superseded.
    """
    after: dict[str, Tracked] = {}
    for issue in result.issues:
        after[issue.fingerprint] = _seen(before.get(issue.fingerprint), issue, today)
    explained = {issue.fingerprint for issue in result.suppressed}
    for fingerprint, old in before.items():
        if fingerprint not in after:
            after[fingerprint] = _unseen(old, result, explained)
    return after


def _seen(old: Tracked | None, issue: Issue, today: date) -> Tracked:
    if old is None:
        return Tracked(issue=issue)
    changed = old.issue.value_hash != issue.value_hash
    if old.state in CLOSED:
        return Tracked(issue=issue, occurrence=old.occurrence + 1, changed=changed)
    if old.state in SILENT:
        decision = old.decision
        if decision is not None and decision.holds(today, issue.value_hash):
            return replace(old, issue=issue, changed=changed)
        return Tracked(issue=issue, occurrence=old.occurrence + 1, changed=changed)
    if old.state in WORKING and not changed:
        return replace(old, issue=issue, changed=False)
    return Tracked(issue=issue, occurrence=old.occurrence, changed=changed)


def _unseen(old: Tracked, result: Result, explained: Iterable[str]) -> Tracked:
    key = old.issue.key
    frozen = {key.company, f"customer:{key.customer}"} & result.frozen
    if old.state in CLOSED or frozen:
        return old
    if old.issue.fingerprint in explained:
        return replace(old, state=State.SUPERSEDED)
    ours = old.state in (State.APPLYING, State.VERIFYING)
    return replace(old, state=State.RESOLVED if ours else State.SELF_HEALED)


def headline_issues(tracked: Iterable[Tracked]) -> list[Issue]:
    """Issues that count in the headline: neither closed nor silenced."""
    return [one.issue for one in tracked if one.state not in CLOSED | SILENT]
