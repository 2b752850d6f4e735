"""Running case files: one line per case, every miss named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from entrepot.hub.reconciliation.casefiles.expectations import describe, misses
from entrepot.hub.reconciliation.casefiles.reader import (
    CaseFile,
    CaseInvalid,
    Plain,
    Reader,
    laid_over,
    read_cases,
    read_fixture,
)
from entrepot.hub.reconciliation.casefiles.state import World
from entrepot.hub.reconciliation.rules.engine import reconcile
from entrepot.hub.reconciliation.rules.issues import text_of
from entrepot.hub.reconciliation.rules.kinds import LEVELS
from entrepot.hub.reconciliation.rules.lifecycle import (
    Decision,
    Resolution,
    Scope,
    State,
    Tracked,
    advance,
)
from entrepot.hub.reconciliation.rules.lock import period_of
from entrepot.hub.reconciliation.rules.results import Proposal, Result
from entrepot.hub.reconciliation.rules.staleness import stale_because

FIXTURE = "fixture.yaml"
_STEP_KEYS = {"do", "note", "as_of", "zone", "vendor", "hub", "psa", "rules", "expect"}
_ACTION_KEYS = {"ignore", "snooze", "apply", "plan"}


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went.

    Attributes:
        misses: What differed; empty when the case holds.
        level: Level it was run at.
        found: What was found, in a few words.
    """

    case: str
    title: str
    file: str
    level: int
    misses: tuple[str, ...] = ()
    found: str = ""

    @property
    def passed(self) -> bool:
        """Whether everything came as expected."""
        return not self.misses


def shipped_cases() -> Path:
    """The directory of the cases that ship with the hub."""
    found = resources.files("entrepot.hub.reconciliation") / "cases"
    return Path(str(found))


def run_cases(directory: Path, level: int = 1) -> list[CaseResult]:
    """Run every case of a directory, or of one file.

    Cases are laid over ``fixture.yaml`` of the directory, itself laid over the
    shipped one; without it, over the shipped one alone.

    Args:
        directory: Folder with ``*.yaml`` or ``*.yml`` files, or one such file.
        level: 1 = the next invoice; 2 = also closed periods, for the cases that
            say ``level: 2``. The others run at level 1 in both.

    Returns:
        One result per case, in the order of files and records.

    Raises:
        CaseInvalid: The directory holds no case, or the level is unknown.
    """
    if level not in LEVELS:
        raise CaseInvalid(f"level {level} does not exist; use 1 or 2")
    files = _files(directory)
    if not files:
        raise CaseInvalid(f"{directory}: no case files (*.yaml) in there")
    fixture = _fixture(directory)
    results = [result for file in files for result in _run_file(file, fixture, level)]
    if not results:
        raise CaseInvalid(f"{directory}: no cases in there")
    return results


def _files(directory: Path) -> list[Path]:
    if directory.is_file():
        return [directory]
    if not directory.is_dir():
        raise CaseInvalid(f"{directory}: no such file or directory")
    found = [*directory.rglob("*.yaml"), *directory.rglob("*.yml")]
    return sorted(file for file in found if file.stem != Path(FIXTURE).stem)


def _fixture(directory: Path) -> Plain:
    base = read_fixture(shipped_cases() / FIXTURE)
    folder = directory if directory.is_dir() else directory.parent
    own = folder / FIXTURE
    if own.exists() and not own.samefile(shipped_cases() / FIXTURE):
        return laid_over(base, read_fixture(own))
    return base


def _run_file(file: Path, fixture: Plain, level: int) -> Iterator[CaseResult]:
    try:
        cases = list(read_cases(file))
    except CaseInvalid as error:
        yield CaseResult(file.stem, "", file.name, level, (str(error),))
        return
    for case in cases:
        yield run_case(case, fixture, level)


def run_case(case: CaseFile, fixture: Plain, level: int = 1) -> CaseResult:
    """Run one case with all its steps; a broken record is a miss, not a crash."""
    own = min(level, int(str(case.body.get("level", 1))))
    title = str(case.body.get("title", ""))
    try:
        found, missed = _Play(case, fixture, own).run()
    except (CaseInvalid, ValueError) as error:
        return CaseResult(case.id, title, case.path.name, own, (str(error),))
    return CaseResult(case.id, title, case.path.name, own, tuple(missed), found)


@dataclass(slots=True)
class _Play:
    """One case being played, step by step."""

    case: CaseFile
    fixture: Plain
    level: int
    tracked: dict[str, Tracked] = field(default_factory=dict)
    result: Result | None = None
    planned: tuple[Proposal, ...] = ()
    applied: str = ""

    def run(self) -> tuple[str, list[str]]:
        """Play all steps; what the last one found, and every miss."""
        body = self.case.body
        world = World.of(self.fixture, body)
        steps: list[Plain] = list(body.get("steps") or [])
        if "expect" in body:
            steps = [{"expect": body["expect"]}, *steps]
        if not steps:
            raise CaseInvalid(f"{self.case.where}: expect is missing")
        missed: list[str] = []
        for number, step in enumerate(steps, 1):
            label = f"step {number}: " if len(steps) > 1 else ""
            world, found = self._step(world, step)
            missed += [label + text for text in found]
        issues = self.result.issues if self.result else ()
        return "; ".join(describe(issue) for issue in issues) or "nothing", missed

    def _step(self, world: World, step: Plain) -> tuple[World, list[str]]:
        read = Reader(step, self.case.where, _STEP_KEYS)
        world = world.changed(step)
        self.applied = ""
        for action in read.mappings("do"):
            world = self._act(world, action)
        inputs, auto = world.inputs(self.case.where)
        self.result = reconcile(inputs, level=self.level, policy=auto)
        self.tracked = advance(self.tracked, self.result, inputs.today)
        if "expect" not in step:
            return world, []
        found = misses(
            step["expect"],
            self.result,
            self.tracked,
            self.level,
            self.case.where,
            self.applied,
        )
        return world, found

    def _act(self, world: World, action: Plain) -> World:
        read = Reader(action, f"{self.case.where}: do", _ACTION_KEYS)
        if read.has("ignore"):
            self._decide(world, read.body["ignore"], Resolution.IGNORE)
        if read.has("snooze"):
            self._decide(world, read.body["snooze"], Resolution.SNOOZE)
        if read.has("plan"):
            self.planned = self.result.proposals if self.result else ()
        return self._apply(world) if read.has("apply") else world

    def _decide(self, world: World, body: Any, resolution: Resolution) -> None:  # noqa: ANN401 - YAML
        read = Reader(body, f"{self.case.where}: do", {"kind", "scope", "until"})
        scope = read.word("scope", Scope, Scope.UNTIL_CHANGED)
        inputs, _ = world.inputs(self.case.where)
        for fingerprint, one in self.tracked.items():
            if one.issue.kind != read.text("kind", str(one.issue.kind)):
                continue
            until = read.day("until")
            agreement = next(
                (a for a in inputs.psa.agreements if a.id == one.issue.key.agreement),
                None,
            )
            if resolution is Resolution.IGNORE and scope is Scope.ONCE and agreement:
                until = period_of(agreement, inputs.today).last_day
            silent = resolution is Resolution.IGNORE
            decision = Decision(
                resolution=resolution,
                scope=scope if silent else None,
                until=until,
                value_hash=one.issue.value_hash,
            )
            state = State.IGNORED if silent else State.SNOOZED
            self.tracked[fingerprint] = replace(one, state=state, decision=decision)

    def _apply(self, world: World) -> World:
        """Apply what was planned, or what the last run proposes."""
        proposals = self.planned or (self.result.proposals if self.result else ())
        self.planned = ()
        inputs, _ = world.inputs(self.case.where)
        self.applied = "nothing"
        for proposal in proposals:
            if not proposal.operations:
                continue
            if stale_because(inputs, proposal):
                self.applied = "stale"
                return world
            self.applied = "done"
            world = world.applied(proposal.operations)
        return world


def format_results(results: Iterable[CaseResult]) -> list[str]:
    """One line per case, its misses below it, and a summary."""
    lines: list[str] = []
    counts: dict[bool, int] = {True: 0, False: 0}
    for one in results:
        counts[one.passed] += 1
        word = "ok  " if one.passed else "MISS"
        title = f"  {one.title}" if one.title else ""
        shown = one.found if one.passed else "; ".join(one.misses)
        lines.append(f"{word} {one.case} (level {one.level}){title}: {shown}")
    total = counts[True] + counts[False]
    lines.append(f"{counts[True]} of {total} cases hold, {counts[False]} missed")
    return lines


def as_json(results: Iterable[CaseResult]) -> list[Mapping[str, object]]:
    """The results as plain records, for machines."""
    return [
        {
            "case": one.case,
            "title": one.title,
            "file": one.file,
            "level": one.level,
            "passed": one.passed,
            "misses": [text_of(text) for text in one.misses],
            "found": one.found,
        }
        for one in results
    ]
