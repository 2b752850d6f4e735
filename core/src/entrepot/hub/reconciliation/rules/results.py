"""What a reconciliation says: issues, annotations, proposals, verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from entrepot.hub.reconciliation.rules.kinds import Kind, Severity
from entrepot.hub.reconciliation.rules.records import ZERO


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """What an issue is about; empty parts do not apply to its kind.

    Attributes:
        agreement: Agreement id, or ``family:<root>`` where a rule names a family.
        customer: Vendor customer, for kinds above the lines.
        sku: Vendor SKU, for kinds above the lines.
    """

    company: str = ""
    agreement: str = ""
    product: str = ""
    connection: str = ""
    customer: str = ""
    sku: str = ""


class Note(StrEnum):
    """Annotations: attached to a key or an issue, never an issue themselves."""

    EXTERNAL_EDIT = "EXTERNAL_EDIT"
    MINIMUM_APPLIED = "MINIMUM_APPLIED"
    DECREASE_BLOCKED = "DECREASE_BLOCKED"
    SUSPENDED_AT_VENDOR = "SUSPENDED_AT_VENDOR"
    DATE_ESTIMATED = "DATE_ESTIMATED"
    USAGE_ESTIMATE = "USAGE_ESTIMATE"
    ASSIGNED_DIFFERS = "ASSIGNED_DIFFERS"
    RENEWS_ON = "RENEWS_ON"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A note with its detail, such as the editor's name, a date or a count."""

    note: Note
    key: Key
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One difference with one cause.

    Attributes:
        field: The line's field in question; empty where it is the line itself.
        subject: Sub-object (line, subscription, order, period) that tells two issues
            of one kind and key apart.
        expected: What should be, by name, as texts.
        actual: What is, by name, as texts.
        delta: Expected minus actual quantity; None where no quantity is in question.
        impact_recurring: Money per agreement cycle, positive = under-billed; None
            where it cannot be told.
        impact_once: Money of closed or open periods; None where not looked at.
        cost_impact: Cost per cycle, expected minus actual.
        estimated: The impact belongs to something unmapped, so it is a guess.
        count: Objects behind it.
        unit_days: Of a period's gap.
        changes_from: Day from which the new state holds, for the strategy.
    """

    kind: Kind
    key: Key
    severity: Severity
    field: str = ""
    subject: str = ""
    expected: Mapping[str, str] = dataclasses.field(default_factory=dict)
    actual: Mapping[str, str] = dataclasses.field(default_factory=dict)
    delta: Decimal | None = None
    impact_recurring: Decimal | None = None
    impact_once: Decimal | None = None
    cost_impact: Decimal | None = None
    currency: str = ""
    estimated: bool = False
    count: int = 1
    unit_days: Decimal | None = None
    reason: str = ""
    lines: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    changes_from: date | None = None
    fingerprint: str = ""
    value_hash: str = ""


class Do(StrEnum):
    """An operation that this version writes to the PSA or to its own links."""

    ADOPT = "adopt"
    SET_QUANTITY = "set_quantity"
    SET_END = "set_end"
    CREATE = "create"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One exact change.

    Attributes:
        effective: First billed day of a new line; for a quantity, the first day
            whose invoice it changes.
        ends: Last billed day to write, inclusive.
    """

    do: Do
    agreement: str
    company: str
    product: str
    line: str = ""
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    unit_cost: Decimal | None = None
    bill: str = ""
    taxable: bool | None = None
    effective: date | None = None
    ends: date | None = None
    text: str = ""
    subscriptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPushed:
    """A part of the correction that is shown and not written.

    Attributes:
        code: Stable word.
        text: The reason, for people.
        amount: Its money, where there is any.
    """

    code: str
    text: str
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Precondition:
    """What must still be so when a plan is applied; texts by field name."""

    what: str
    id: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What would put one key right.

    Attributes:
        issues: Fingerprints of the key's issues.
        answered: Those of them that `operations` will put right.
        by_choice: Those that an alternative of `choices` would put right, by name.
        operations: In order; empty when nothing can or may be written.
        choices: Named alternatives where a person has to choose first.
        automatic: A policy may approve it; otherwise a person does.
        why_person: Why a person has to approve, when `automatic` is false.
        preview: Effect of `operations` on the next invoice: before, after, difference.
        choice_previews: The same with an alternative's operations, by its name.
        digest: What an approval is bound to.
        partner: The key the line should have, where a line moves between keys.
    """

    key: Key
    issues: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    by_choice: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    operations: tuple[Operation, ...] = ()
    choices: Mapping[str, tuple[Operation, ...]] = dataclasses.field(
        default_factory=dict
    )
    not_pushed: tuple[NotPushed, ...] = ()
    preconditions: tuple[Precondition, ...] = ()
    automatic: bool = False
    why_person: str = ""
    preview: Mapping[str, str] = dataclasses.field(default_factory=dict)
    choice_previews: Mapping[str, Mapping[str, str]] = dataclasses.field(
        default_factory=dict
    )
    digest: str = ""
    partner: Key | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Headline of one currency; under- and over-billed are never netted."""

    currency: str
    under: Decimal = ZERO
    over: Decimal = ZERO
    once_under: Decimal = ZERO
    once_over: Decimal = ZERO
    estimated: Decimal = ZERO
    cost: Decimal = ZERO


class Outcome(StrEnum):
    """What may be said about a scope after a run."""

    CLEAN = "clean"
    DIFFERENCES = "differences"
    INCOMPLETE = "incomplete"
    NOT_EXAMINED = "not_examined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How much was examined, and what follows from it.

    Attributes:
        outcome: CLEAN only when something was examined and nothing was left out.
        skipped: Subscriptions and lines in scope that couldn't be compared.
    """

    outcome: Outcome
    subscriptions: int = 0
    lines: int = 0
    keys: int = 0
    skipped: int = 0
    issues: int = 0
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything one reconciliation found.

    Attributes:
        frozen: Companies, and vendor customers as ``customer:<id>``, whose open
            issues must stay as they are because their data is incomplete.
        by_company: Verdict per company; unmapped customers under ``customer:<id>``.
        not_proposed: Money of older closed periods, summed once.
    """

    issues: tuple[Issue, ...]
    annotations: tuple[Annotation, ...]
    proposals: tuple[Proposal, ...]
    verdict: Verdict
    by_company: Mapping[str, Verdict]
    totals: tuple[Totals, ...]
    frozen: frozenset[str] = frozenset()
    suppressed: tuple[Issue, ...] = ()
    not_proposed: Decimal = ZERO
