"""The quality file of a plugin: which rules it keeps, and which not and why."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FILE = "quality.toml"
STATES = ("done", "todo", "exempt")
RULES: Mapping[str, str] = {
    "typed_settings": "settings are a frozen dataclass with labels and help",
    "reauth_path": "credentials that stop working park the connection with a remedy",
    "redacted_diagnostics": "no secret in logs, errors and recordings",
    "deadline_on_every_request": "every request goes through the connection's session",
    "no_global_state": "nothing of a connection outlives it in the plugin",
    "errors_by_recovery": "every refusal has the error that says what to do next",
    "conformance": "the conformance kit passes",
    "simulator": "a stateful simulator of the other side comes along",
    "raw_listings": "large listings can be compared without decoding them",
    "known_limits_documented": "what it cannot do is written down",
}
"""Rules that every quality file answers; a plugin may add rules of its own."""


class QualityInvalid(ValueError):
    """A quality file that breaks the rules of such files; the text says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule and how far the plugin is.

    Attributes:
        name: As in the file.
        state: ``done``, ``todo`` or ``exempt``.
        reason: Why it is not done; empty when it is.
    """

    name: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """A plugin's quality file.

    Attributes:
        plugin: Entry-point name.
        rules: By name.
        kit: What the generic conformance run needs to know: ``data_paths`` and
            ``exempt``; empty where the plugin's own tests are at hand.
        folder: Where the file was found.
    """

    plugin: str
    rules: tuple[Rule, ...]
    kit: Mapping[str, Any] = field(default_factory=dict)
    folder: Path


def find_quality(module: str) -> Path | None:
    """The quality file of an installed plugin; None when it has none.

    Args:
        module: Its package, such as ``entrepot_example``. A wheel holds the file in
            the package, an editable installation beside `pyproject.toml`.
    """
    found = find_spec(module)
    if found is None or found.origin is None:
        return None
    package = Path(found.origin).parent
    for folder in (package, *package.parents[:2]):
        if (folder / FILE).is_file():
            return folder / FILE
    return None


def read_quality(path: Path) -> Quality:
    """Read and check a quality file.

    Raises:
        QualityInvalid: A rule is missing, has no known state, or no reason.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise QualityInvalid(f"{path}: it cannot be read: {error}") from None
    given = data.get("rules")
    if not isinstance(given, Mapping) or not isinstance(data.get("plugin"), str):
        raise QualityInvalid(f"{path}: it needs `plugin` and a table [rules].")
    missing = sorted(RULES.keys() - given.keys())
    if missing:
        raise QualityInvalid(f"{path}: these rules are not answered: {missing}.")
    rules = tuple(_rule(path, name, said) for name, said in sorted(given.items()))
    kit = data.get("conformance", {})
    return Quality(plugin=data["plugin"], rules=rules, kit=kit, folder=path.parent)


def _rule(path: Path, name: str, said: object) -> Rule:
    if said == "done":
        return Rule(name=name, state="done")
    if isinstance(said, Mapping) and said.get("state") in STATES[1:]:
        reason = str(said.get("reason", "")).strip()
        if reason:
            return Rule(name=name, state=str(said["state"]), reason=reason)
    raise QualityInvalid(
        f'{path}: {name} must be "done", or todo or exempt with a reason: '
        '{ state = "todo", reason = "…" }.'
    )
