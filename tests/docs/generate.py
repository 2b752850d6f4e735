"""Writes the parts of the documentation that follow from the code.

Run it after changing a hook, a record of a hook, a setting, or a route::

    .venv/bin/python tests/docs/generate.py
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from pathlib import Path

from entrepot.sdk import hookspecs, model
from entrepot.sdk.conformance.checks import EVERYBODY, OPTIONAL, PSA, VENDOR
from entrepot.store.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
HOOKS = ROOT / "docs" / "hooks.md"
MODEL = ROOT / "docs" / "model.md"
OPERATOR = ROOT / "docs" / "operator-guide.md"
PERMISSIONS = ROOT / "docs" / "permissions.md"
BEGIN, END = "<!-- settings: generated -->", "<!-- settings: end -->"

_HEAD = """# Hooks

Everything core can ask of a plugin, as written in `entrepot.sdk.hookspecs`. This page
is generated from there (`tests/docs/generate.py`); how to use it is told in
[Writing a plugin](plugin-author-guide.md).

Every addressed hook takes `ctx` (the surroundings of one call) and at most one record.
An implementation may leave out arguments it does not need. *Addressed* hooks go to the
one plugin that owns the connection, *broadcast* hooks to every plugin. A hook that a
plugin does not implement is absent, not empty: core reports `Unsupported`.

Plugin API: **{api}**.

## What `ctx` holds

{context}
"""


def hooks() -> dict[str, typing.Any]:
    """Every hook specification by name, in the order of the module."""
    return {
        name: value
        for name, value in vars(hookspecs).items()
        if inspect.isfunction(value) and hasattr(value, f"{hookspecs.PROJECT}_spec")
    }


def hooks_page() -> str:
    """The text of `docs/hooks.md`."""
    from entrepot.sdk.context import PluginContext

    found = hooks()
    listed = {
        "Everybody": ["describe_plugin", *EVERYBODY],
        "Vendors": (*VENDOR, *OPTIONAL),
        "PSA systems": PSA,
    }
    rest = set(found) - {name for names in listed.values() for name in names}
    assert not rest, f"{rest} belong to no side"
    parts = [
        _HEAD.format(
            api=".".join(map(str, hookspecs.PLUGIN_API)),
            context=_attributes(PluginContext),
        )
    ]
    for title, names in listed.items():
        parts.append(f"## {title}\n")
        parts += [_hook(name, found[name]) for name in found if name in names]
    return "\n".join(parts)


_MODEL_HEAD = """# The model

The records that cross the border between core and plugins, as written in
`entrepot.sdk.model`. This page is generated from there (`tests/docs/generate.py`). All
are frozen dataclasses made with keywords (`Money`, `Term` and `Period` take their
values in order). Amounts are `Decimal`; moments carry a time zone, else the constructor
raises.

"""


def model_page() -> str:
    """The text of `docs/model.md`."""
    parts = []
    for name in sorted(model.__all__):
        kind = getattr(model, name)
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            words = ", ".join(f"`{member.value}`" for member in kind)
            parts.append(f"## {name}\n\n{_summary(kind)}\n\nValues: {words}.\n")
        elif is_dataclass(kind):
            parts.append(f"## {name}\n\n{_summary(kind)}\n\n{_attributes(kind)}\n")
    return _MODEL_HEAD + "\n".join(parts)


def settings_table() -> str:
    """The operator's settings as a table."""
    told = _told(Settings)
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for item in fields(Settings):
        default = _default(item)
        rows.append(
            f"| `ENTREPOT_{item.name.upper()}` | {default} | {_cell(told[item.name])} |"
        )
    return "\n".join(rows)


def with_settings(page: str) -> str:
    """The operator's guide with its table of settings replaced."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{settings_table()}\n{END}{tail}"


def permissions_page() -> str:
    """The text of `docs/permissions.md`."""
    command = [sys.executable, "-m", "entrepot_web.security.matrix"]
    return subprocess.check_output(command, text=True, cwd=ROOT)


def _hook(name: str, function: typing.Any) -> str:
    signature = inspect.signature(function)
    hints = typing.get_type_hints(function, vars(hookspecs))
    arguments = ", ".join(f"{one}: {_type(hints[one])}" for one in signature.parameters)
    lines = [
        f"### {name}",
        "",
        f"`{name}({arguments}) -> {_type(hints['return'])}`",
        "",
    ]
    lines += [_ticks(inspect.getdoc(function) or ""), ""]
    record = next(
        (hint for one, hint in hints.items() if one not in ("ctx", "return")), None
    )
    if record is not None and fields(record):
        lines += [
            f"`{record.__name__}`: {_summary(record)}",
            "",
            _attributes(record),
            "",
        ]
    return "\n".join(lines)


def _attributes(kind: type) -> str:
    told = {}
    for base in reversed(kind.__mro__):
        if is_dataclass(base):
            told.update(_told(base))
    hints = typing.get_type_hints(kind, None, _lazy())
    rows = ["| Field | Type | Default | Meaning |", "|---|---|---|---|"]
    for item in fields(kind):
        rows.append(
            f"| `{item.name}` | `{_type(hints[item.name])}` | {_default(item)} "
            f"| {_cell(told.get(item.name, ''))} |".replace("|  |", "| |")
        )
    return "\n".join(rows)


def _lazy() -> dict[str, typing.Any]:
    from entrepot.sdk.http import HttpSession

    return {"HttpSession": HttpSession}


def _told(kind: type) -> dict[str, str]:
    """What a Google docstring says of its attributes."""
    text = (inspect.getdoc(kind) or "").replace("Args:\n", "Attributes:\n")
    _, _, section = text.partition("Attributes:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        match = re.match(r"    (\w+): (.*)", line)
        if match:
            name = match[1]
            found[name] = match[2]
        elif name and line.startswith("        "):
            found[name] += " " + line.strip()
    return found


def _default(item: typing.Any) -> str:
    if item.default is not MISSING:
        value = item.default
        if value is None or value in ("", ()):
            return {None: "`None`", "": "empty", (): "empty"}[value]
        if isinstance(value, bool):
            return f"`{str(value).lower()}`"
        return f"`{value}`"
    return "" if item.default_factory is MISSING else "set"


def _type(hint: typing.Any) -> str:
    if hint is type(None):
        return "None"
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join(map(_type, arguments))
    if arguments:
        origin = typing.get_origin(hint)
        inner = ", ".join("…" if one is Ellipsis else _type(one) for one in arguments)
        return f"{origin.__name__}[{inner}]"
    return getattr(hint, "__name__", str(hint))


def _summary(kind: type) -> str:
    return _ticks((inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " "))


def _ticks(text: str) -> str:
    return text.replace("``", "`")


def _cell(text: str) -> str:
    return _ticks(text).replace("|", "\\|")


def main() -> None:
    """Write the pages."""
    HOOKS.write_text(hooks_page())
    MODEL.write_text(model_page())
    OPERATOR.write_text(with_settings(OPERATOR.read_text()))
    PERMISSIONS.write_text(permissions_page())


if __name__ == "__main__":
    main()
