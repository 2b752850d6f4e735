"""Comparing what a case expects with what was found; every miss in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from entrepot.hub.reconciliation.casefiles.reader import (
    CaseInvalid,
    Plain,
    Reader,
    check_keys,
)
from entrepot.hub.reconciliation.rules.fingerprint import operation_texts
from entrepot.hub.reconciliation.rules.issues import text_of
from entrepot.hub.reconciliation.rules.kinds import CATALOGUE, Kind
from entrepot.hub.reconciliation.rules.lifecycle import Tracked
from entrepot.hub.reconciliation.rules.records import ZERO
from entrepot.hub.reconciliation.rules.results import (
    Annotation,
    Issue,
    Operation,
    Result,
)

_EXPECT_KEYS = {
    "issues",
    "annotations",
    "plan",
    "choices",
    "not_pushed",
    "approval",
    "verdict",
    "totals",
    "not_proposed",
    "m",
    "o",
    "ignored",
    "applied",
    "suppressed",
    "note",
}
_ISSUE_KEYS = {
    "kind",
    "severity",
    "company",
    "agreement",
    "product",
    "connection",
    "customer",
    "sku",
    "field",
    "subject",
    "delta",
    "m",
    "o",
    "cost",
    "currency",
    "count",
    "unit_days",
    "reason",
    "expected",
    "actual",
    "lines",
    "subscriptions",
    "annotations",
    "state",
    "occurrence",
    "estimated",
}
_NUMBERS = {
    "delta": "delta",
    "m": "impact_recurring",
    "o": "impact_once",
    "cost": "cost_impact",
    "unit_days": "unit_days",
}
_PERIOD_LEVEL = 2
_OPERATION_KEYS = {
    "do",
    "agreement",
    "company",
    "product",
    "line",
    "quantity",
    "unit_price",
    "unit_cost",
    "bill",
    "taxable",
    "effective",
    "ends",
    "subscriptions",
}


def misses(
    expect: object,
    result: Result,
    tracked: Mapping[str, Tracked],
    level: int,
    where: str,
    applied: str = "",
) -> list[str]:
    """Everything a case expects that didn't come, and what came unexpected.

    Args:
        expect: The record, or the word ``nothing``.
        result: What was found.
        tracked: States and occurrences by fingerprint.
        level: Kinds and amounts of a higher level are not looked at.
        where: File and case for error messages.
        applied: How the step's last apply ended, if it had one.
    """
    body = {"issues": []} if expect == "nothing" else expect
    read = Reader(body, f"{where}: expect", _EXPECT_KEYS)
    silent = {f for f, one in tracked.items() if one.state in ("ignored", "snoozed")}
    visible = [one for one in result.issues if one.fingerprint not in silent]
    found = [
        *_issue_misses(read, visible, tracked, level),
        *_note_misses(read, result),
        *_plan_misses(read, result),
        *_sum_misses(read, visible, level),
        *_verdict_misses(read, result, level),
    ]
    if read.has("ignored"):
        hidden = [str(one.kind) for one in result.issues if one.fingerprint in silent]
        found += _unequal("ignored", sorted(read.texts("ignored")), sorted(hidden))
    if read.has("applied"):
        found += _unequal("applied", read.text("applied"), applied)
    return found


def _unequal(name: str, wanted: object, have: object) -> list[str]:
    return [] if wanted == have else [f"{name}: expected {wanted}, found {have}"]


def _issue_misses(
    read: Reader, issues: Sequence[Issue], tracked: Mapping[str, Tracked], level: int
) -> list[str]:
    wanted = [_wanted(one, read.where) for one in _records(read)]
    wanted = [one for one in wanted if CATALOGUE[Kind(one["kind"])].level <= level]
    left = list(issues)
    found: list[str] = []
    for one in wanted:
        same = [issue for issue in left if issue.kind == one["kind"]]
        scored = [
            (_differences(one, issue, tracked, level, read.where), issue)
            for issue in same
        ]
        if not scored:
            found.append(f"missing {one['kind']}")
            continue
        different, best = min(scored, key=lambda pair: len(pair[0]))
        left.remove(best)
        found += [f"{one['kind']}: {text}" for text in different]
    found += [f"unexpected {describe(issue)}" for issue in left]
    return found


def _records(read: Reader) -> list[Any]:
    value = read.body.get("issues")
    return [] if value in (None, "nothing", "none") else list(value)


def _wanted(record: object, where: str) -> Plain:
    body = {"kind": record} if isinstance(record, str) else record
    if not isinstance(body, Mapping):
        raise CaseInvalid(f"{where}: issues: {record!r} is neither kind nor mapping")
    check_keys(body, _ISSUE_KEYS, f"{where}: issues")
    if body.get("kind") not in CATALOGUE:
        raise CaseInvalid(f"{where}: issues: kind {body.get('kind')!r} is unknown")
    return dict(body)


def _differences(
    wanted: Plain,
    issue: Issue,
    tracked: Mapping[str, Tracked],
    level: int,
    where: str,
) -> list[str]:
    read = Reader(wanted, f"{where}: issues: {issue.kind}", _ISSUE_KEYS)
    return [
        *_number_misses(read, issue, level),
        *_text_misses(read, issue),
        *_value_misses(read, issue),
        *_state_misses(read, tracked.get(issue.fingerprint)),
    ]


def _number_misses(read: Reader, issue: Issue, level: int) -> list[str]:
    found: list[str] = []
    for name, attribute in _NUMBERS.items():
        later = name == "o" and level < _PERIOD_LEVEL and not _once(issue)
        if name not in read.body or later:
            continue
        number: Decimal | None = getattr(issue, attribute)
        stated = read.body[name] not in (None, "none")
        expected = read.decimal(name) if stated else None
        if expected != number:
            found.append(
                f"{name} expected {text_of(expected) or 'none'}, "
                f"found {text_of(number) or 'none'}"
            )
    if "count" in read.body:
        found += _unequal("count", read.number("count", 1), issue.count)
    return found


def _text_misses(read: Reader, issue: Issue) -> list[str]:
    found: list[str] = []
    for name in ("company", "agreement", "product", "connection", "customer", "sku"):
        if name in read.body:
            found += _unequal(name, read.text(name), getattr(issue.key, name))
    for name in ("severity", "field", "subject", "reason", "currency"):
        if name in read.body:
            found += _unequal(name, read.text(name), str(getattr(issue, name)))
    for name in ("lines", "subscriptions"):
        if name in read.body:
            wanted = sorted(read.texts(name))
            found += _unequal(name, wanted, sorted(getattr(issue, name)))
    return found


def _value_misses(read: Reader, issue: Issue) -> list[str]:
    found: list[str] = []
    for name in ("expected", "actual"):
        values: Mapping[str, str] = getattr(issue, name)
        for key, value in dict(read.body.get(name) or {}).items():
            if not _equal(values.get(key), value):
                found += _unequal(f"{name}.{key}", text_of(value), values.get(key))
    if "estimated" in read.body:
        wanted = read.flag("estimated", default=False)
        found += _unequal("estimated", wanted, issue.estimated)
    notes = _names(issue.annotations)
    missing = [name for name in read.texts("annotations") if name not in notes]
    return found + [f"annotation {name} missing" for name in missing]


def _names(annotations: Iterable[Annotation]) -> set[str]:
    """Every way a case may name an annotation: with its detail or without."""
    found: set[str] = set()
    for one in annotations:
        found |= {str(one.note), f"{one.note}({one.detail})"}
    return found


def _once(issue: Issue) -> bool:
    """Usage has one-off money at every level."""
    return issue.kind in (Kind.USAGE_UNPOSTED, Kind.USAGE_AMOUNT_MISMATCH)


def _state_misses(read: Reader, tracked: Tracked | None) -> list[str]:
    found: list[str] = []
    if read.has("state"):
        state = str(tracked.state) if tracked else "open"
        found += _unequal("state", read.text("state"), state)
    if read.has("occurrence"):
        times = tracked.occurrence if tracked else 1
        found += _unequal("occurrence", read.number("occurrence", 1), times)
    return found


def _note_misses(read: Reader, result: Result) -> list[str]:
    notes = _names(result.annotations)
    return [
        f"annotation {name} missing; found {', '.join(sorted(notes)) or 'none'}"
        for name in read.texts("annotations")
        if name not in notes
    ]


def _plan_misses(read: Reader, result: Result) -> list[str]:
    found: list[str] = []
    if "plan" in read.body:
        operations = [op for one in result.proposals for op in one.operations]
        found += _operation_misses("plan", read.body["plan"], operations, read.where)
    for name, wanted in dict(read.body.get("choices") or {}).items():
        operations = [
            op for one in result.proposals for op in one.choices.get(name, ())
        ]
        found += _operation_misses(f"choice {name}", wanted, operations, read.where)
    codes = {reason.code for one in result.proposals for reason in one.not_pushed}
    if "not_pushed" in read.body:
        wanted_codes = set(read.texts("not_pushed")) - {"none"}
        found += _unequal("not_pushed", sorted(wanted_codes), sorted(codes))
    if read.has("approval"):
        person = any(one.operations and not one.automatic for one in result.proposals)
        have = "person" if person or not result.proposals else "automatic"
        found += _unequal("approval", read.text("approval"), have)
    return found


def _operation_misses(
    name: str, wanted: object, operations: Sequence[Operation], where: str
) -> list[str]:
    records = [] if wanted in (None, "none", "nothing") else list(wanted)  # type: ignore[call-overload]  # YAML
    have = [operation_texts(operation) for operation in operations]
    if len(records) != len(have):
        return [f"{name}: expected {len(records)} operations, found {_shown(have)}"]
    found = []
    for record, operation in zip(records, have, strict=True):
        check_keys(record, _OPERATION_KEYS, f"{where}: {name}")
        for key, value in record.items():
            text = ",".join(value) if isinstance(value, list) else text_of(value)
            same = operation.get(key, "") == text or _equal(operation.get(key), value)
            if not same:
                found.append(
                    f"{name}: {key} expected {text}, found {_shown([operation])}"
                )
    return found


def _equal(have: str | None, wanted: object) -> bool:
    if have == text_of(wanted):
        return True
    try:
        return have is not None and Decimal(have) == Decimal(str(wanted))
    except ArithmeticError:
        return False


def _shown(operations: Iterable[Mapping[str, str]]) -> str:
    texts = [
        " ".join(f"{k}={v}" for k, v in one.items() if k not in ("company", "text"))
        for one in operations
    ]
    return "; ".join(texts) or "none"


def _sum_misses(read: Reader, issues: Sequence[Issue], level: int) -> list[str]:
    found: list[str] = []
    if read.has("m"):
        total = sum((one.impact_recurring or ZERO for one in issues), ZERO)
        if total != read.decimal("m"):
            found.append(f"m expected {read.decimal('m')}, found {total}")
    if read.has("o") and level >= _PERIOD_LEVEL:
        total = sum((one.impact_once or ZERO for one in issues), ZERO)
        if total != read.decimal("o"):
            found.append(f"o expected {read.decimal('o')}, found {total}")
    return found


def _verdict_misses(read: Reader, result: Result, level: int) -> list[str]:
    found: list[str] = []
    if read.has("verdict"):
        found += _unequal("verdict", read.text("verdict"), str(result.verdict.outcome))
    older = read.maybe_decimal("not_proposed")
    if older is not None and level >= _PERIOD_LEVEL and older != result.not_proposed:
        found.append(f"not_proposed expected {older}, found {result.not_proposed}")
    wanted = read.body.get("totals")
    if isinstance(wanted, Mapping):
        under = sum((one.under for one in result.totals), ZERO)
        over = sum((one.over for one in result.totals), ZERO)
        sums = Reader(wanted, f"{read.where}: totals", {"under", "over"})
        if sums.has("under") and sums.decimal("under") != under:
            found.append(
                f"totals.under expected {sums.decimal('under')}, found {under}"
            )
        if sums.has("over") and sums.decimal("over") != over:
            found.append(f"totals.over expected {sums.decimal('over')}, found {over}")
    return found


def describe(issue: Issue) -> str:
    """An issue in a few words, for the runner's output."""
    parts = [str(issue.kind)]
    if issue.delta is not None:
        parts.append(f"Δ{issue.delta:+}")
    if issue.impact_recurring:
        parts.append(f"m={issue.impact_recurring:+}")
    if issue.impact_once:
        parts.append(f"o={issue.impact_once:+}")
    if issue.cost_impact:
        parts.append(f"cost={issue.cost_impact:+}")
    return " ".join(parts)
