"""The user guide inside the console: one article per module, and a search.

The articles are the Markdown files of the user guide, shipped with this package.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from entrepot_web.i18n import SOURCE, language

GUIDE = Path(__file__).parent / "guide"
FIRST = "README"
_PAGE = re.compile(r"^(?:\./)?([a-z0-9-]+|README)\.md(#.*)?$")
_NOT_WORD = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Topic:
    """One article.

    Attributes:
        name: Its name in addresses.
        title: Its heading.
        html: Its text, safe to show.
        text: Its words, for the search.
        language: In which language it is.
    """

    name: str
    title: str
    html: Markup
    text: str
    language: str


def topics() -> Sequence[Topic]:
    """Return all articles in the reader's language, the first one first."""
    return _all(language())


def find_topic(name: str) -> Topic | None:
    """Return an article by its name, or None."""
    return next((one for one in topics() if one.name == name), None)


def matching(text: str) -> list[Topic]:
    """Return the articles that hold every word asked for, titles first."""
    words = text.casefold().split()
    found = [
        one for one in topics() if all(word in one.text.casefold() for word in words)
    ]
    return sorted(
        found, key=lambda one: not any(w in one.title.casefold() for w in words)
    )


@cache
def _all(code: str) -> tuple[Topic, ...]:
    names = sorted(
        (path.stem for path in GUIDE.glob("*.md")),
        key=lambda name: (name != FIRST, name),
    )
    return tuple(_topic(name, code) for name in names)


def _topic(name: str, code: str) -> Topic:
    own = GUIDE / code / f"{name}.md"
    spoken, path = (code, own) if own.is_file() else (SOURCE, GUIDE / f"{name}.md")
    text = path.read_text(encoding="utf-8")
    title = next(
        (line[2:] for line in text.splitlines() if line.startswith("# ")), name
    )
    return Topic(name.lower(), title, _rendered(text), text, spoken)


def _rendered(text: str) -> Markup:
    """Return an article as HTML; raw HTML in it stays text."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", "help-" + _slug(tokens[at + 1].content))
        for child in token.children or ():
            _redirect(child)
        if token.children:
            token.children = _reachable(token.children)
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - the parser escapes


def _redirect(token: Token) -> None:
    """Let links between articles lead to articles, and mark those to elsewhere."""
    if token.type != "link_open":
        return
    href = str(token.attrGet("href") or "")
    found = _PAGE.match(href)
    if found:
        anchor = (found[2] or "").replace("#", "#help-", 1)
        token.attrSet("href", f"/help/{found[1].lower()}{anchor}")
    elif href.startswith("#"):
        token.attrSet("href", "#help-" + href[1:])
    elif not href.startswith("https://"):
        token.meta["unreachable"] = True


def _reachable(tokens: Sequence[Token]) -> list[Token]:
    """Return tokens without pictures and without links to what isn't shipped."""
    kept: list[Token] = []
    dropping = False
    for token in tokens:
        if token.type == "link_open":
            dropping = bool(token.meta.get("unreachable"))
        leaves = token.type == "image" or (
            dropping and token.type in ("link_open", "link_close")
        )
        if not leaves:
            kept.append(token)
        if token.type == "link_close":
            dropping = False
    return kept


def _slug(heading: str) -> str:
    return _NOT_WORD.sub("", heading.lower()).strip().replace(" ", "-")
