"""The score card of a plugin: its quality rules and the conformance kit's verdict."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.plugins.quality import Quality, Rule

GOLD, SILVER, BRONZE, FAILING = "gold", "silver", "bronze", "failing"
_SILVER_FROM = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class KitResult:
    """What the conformance kit found.

    Attributes:
        passed: Checks that passed.
        failed: Names of the checks that failed, each with its first line.
        gaps: Declared gaps that are still gaps, each with its reason.
    """

    passed: int
    failed: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCard:
    """How good a plugin is, as anybody can repeat it.

    Attributes:
        plugin: Entry-point name.
        version: Its version.
        api: Plugin API of the kit.
        scored_on: Date of the run, ISO 8601.
        percent: Rules done of those that apply, rounded down.
        level: ``gold`` (all done), ``silver`` (80 % and more), ``bronze``, or
            ``failing`` when a check of the kit fails.
        rules: Rules of the quality file.
        kit: The kit's verdict.
    """

    plugin: str
    version: str
    api: str
    scored_on: str
    percent: int
    level: str
    rules: tuple[Rule, ...]
    kit: KitResult


def score(
    quality: Quality, kit: KitResult, *, version: str, api: str, scored_on: str
) -> ScoreCard:
    """Reckon the score card; pure.

    Args:
        quality: The plugin's quality file.
        kit: The kit's verdict.
        version: The plugin's version.
        api: Plugin API of the kit.
        scored_on: Date of the run.
    """
    percent = percent_of(quality.rules)
    return ScoreCard(
        plugin=quality.plugin,
        version=version,
        api=api,
        scored_on=scored_on,
        percent=percent,
        level=level_of(percent, kit),
        rules=quality.rules,
        kit=kit,
    )


def percent_of(rules: tuple[Rule, ...]) -> int:
    """Rules done of those that apply, rounded down; 0 when none applies."""
    done = sum(rule.state == "done" for rule in rules)
    open_ = sum(rule.state == "todo" for rule in rules)
    return 100 * done // (done + open_) if done + open_ else 0


def level_of(percent: int, kit: KitResult) -> str:
    """The level of a percentage; a check that fails, or no check, is failing."""
    if kit.failed or not kit.passed:
        return FAILING
    if percent == 100:
        return GOLD
    return SILVER if percent >= _SILVER_FROM else BRONZE
