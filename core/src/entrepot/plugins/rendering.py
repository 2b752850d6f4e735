"""A new plugin's distribution, rendered from the templates."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from entrepot.sdk.model import PluginKind

KINDS = (PluginKind.VENDOR, PluginKind.PSA)
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_SUFFIX = ".tmpl"


class TemplateRefused(ValueError):
    """A plugin that cannot be rendered; the text says why and what to do."""


def render(name: str, kind: PluginKind, title: str, target: Path) -> list[str]:
    """Write a distribution that installs, loads and passes what it implements.

    Args:
        name: Entry-point name: lower-case letters, digits and underscores.
        kind: Vendor or PSA.
        title: What people read; empty makes one of the name.
        target: Folder for it; it must be empty or not exist yet.

    Returns:
        The files written, relative to `target`, sorted.

    Raises:
        TemplateRefused: The name or the folder cannot be used.
    """
    if not _NAME.fullmatch(name):
        raise TemplateRefused(
            f"{name!r} cannot name a plugin. Use lower-case letters, digits and "
            "single underscores, with a letter first."
        )
    if kind not in KINDS:
        raise TemplateRefused(f"There is no template for the kind {kind.value!r}.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise TemplateRefused(f"{target} is not an empty folder. Choose another one.")
    words = _words(name, title)
    return sorted(_write(_root(kind), "", words, name, target))


def _words(name: str, title: str) -> dict[str, str]:
    word = "".join(part.capitalize() for part in name.split("_"))
    return {
        "name": name,
        "word": word,
        "title": title or word,
        "code": name[:2].upper(),
    }


def _root(kind: PluginKind) -> Traversable:
    return files("entrepot.plugins") / "template" / kind.value


def _write(
    folder: Traversable, path: str, words: dict[str, str], name: str, target: Path
) -> list[str]:
    written: list[str] = []
    for entry in folder.iterdir():
        place = f"{path}{entry.name}"
        if entry.is_dir():
            written += _write(entry, f"{place}/", words, name, target)
        elif place.endswith(_SUFFIX):
            file = _place(place.removesuffix(_SUFFIX), name)
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            text = _filled(entry.read_text(encoding="utf-8"), words)
            (target / file).write_text(text, encoding="utf-8")
            written.append(file)
    return written


def _place(path: str, name: str) -> str:
    head, _, tail = path.partition("/")
    if head == "package":
        return f"src/entrepot_{name}/{tail}"
    return path.replace("tests/test_", f"tests/test_{name}_")


def _filled(text: str, words: dict[str, str]) -> str:
    for key, value in words.items():
        text = text.replace(f"[[{key}]]", value)
    return text
