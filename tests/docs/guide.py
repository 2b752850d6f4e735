"""Reads the documentation: fenced blocks, links, command lines."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(
    r"^ *```(?P<language>[a-z]*)[ ]*(?P<info>[^\n`]*)\n(?P<body>.*?)^ *```\s*$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of one page."""

    page: Path
    language: str
    file: str
    body: str


def pages() -> list[Path]:
    """Every page that readers get."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
    found += sorted(DOCS.rglob("*.md"))
    found += sorted(ROOT.glob("*/README.md")) + sorted(ROOT.glob("plugins/*/README.md"))
    return found


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found = []
    for match in _FENCE.finditer(page.read_text()):
        info = dict(
            part.partition("=")[::2] for part in match["info"].split() if "=" in part
        )
        found.append(
            Block(page, match["language"], info.get("file", ""), match["body"])
        )
    return found


def write_files(page: Path, target: Path) -> list[str]:
    """Write every block that names a file below `target`; the paths written."""
    written: dict[str, str] = {}
    for block in blocks(page):
        if block.file:
            written[block.file] = written.get(block.file, "") + block.body
    for name, text in written.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return sorted(written)


def command_lines(page: Path) -> list[list[str]]:
    """Every `entrepot …` command of a page, in blocks and in running text."""
    found = []
    for line in _candidates(page):
        # Brackets mark what may be left out.
        words = shlex.split(line.translate({91: None, 93: None}), comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*|env|sudo|exec", words[0]):
            words.pop(0)
        if words and words[0].rsplit("/", 1)[-1] == "entrepot":
            found.append(_until_shell(words[1:]))
    return found


def _candidates(page: Path) -> list[str]:
    lines: list[str] = []
    text = page.read_text()
    for block in blocks(page):
        if block.language in ("", "sh", "console"):
            joined = block.body.replace("\\\n", " ")
            lines += [line.strip().removeprefix("$ ") for line in joined.splitlines()]
    prose = _FENCE.sub("", text)
    for line in prose.splitlines():
        if line.startswith("    entrepot "):
            lines.append(line.strip())
    lines += re.findall(r"`(entrepot [^`\n]+)`", prose)
    return [line for line in lines if "entrepot" in line]


def _until_shell(words: list[str]) -> list[str]:
    """The words up to a pipe, a redirection or `&&`."""
    for number, word in enumerate(words):
        if word in ("|", ">", "&&", "||", ";", "&") or word.startswith((">", "2>")):
            return words[:number]
    return words


def without_blocks(page: Path) -> str:
    """The page's text without its fenced blocks."""
    return _FENCE.sub("", page.read_text())
