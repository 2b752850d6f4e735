"""The `conditions` language: text to a tree (connectwise.md §5, sandbox grammar).

    expr   := term (OR term)*
    term   := factor (AND factor)*
    factor := [NOT] ( '(' expr ')' | comparison )
    comparison := path ( relop literal
                       | [NOT] (CONTAINS|LIKE) string
                       | [NOT] IN '(' literal (',' literal)* ')' )

Keywords and identifiers are case-insensitive. Nothing here knows a resource; the
names are resolved by `conditions.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

Literal = str | bool | Decimal | datetime | None

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<moment>\[[^\]]*\])
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z_]\w*(?:/[A-Za-z_]\w*)*)
    | (?P<op><=|>=|<>|!=|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE,
)
_RELATIONS = frozenset({"=", "!=", "<>", "<", "<=", ">", ">="})
_MOMENT_FORMS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")
MAX_DEPTH = 40


class GrammarError(ValueError):
    """The text is not a condition; the message is what the vendor would answer."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One test of one field.

    `operator` is a relation, `contains`, `like` or `in`; `values` holds one literal,
    or several for `in`.
    """

    path: tuple[str, ...]
    operator: str
    values: tuple[Literal, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a part."""

    part: Node


@dataclass(frozen=True, slots=True)
class Both:
    """All parts hold."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part holds."""

    parts: tuple[Node, ...]


Node = Comparison | Not | Both | Either


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def parse(text: str) -> Node:
    """Read one condition.

    Returns:
        The tree of the whole text.

    Raises:
        GrammarError: The text is empty, incomplete or has something left over.
    """
    return _Parser(tuple(_tokens(text))).whole()


def render(node: Node) -> str:
    """Write a tree as condition text; `parse` reads back an equal tree."""
    if isinstance(node, Comparison):
        return _render_comparison(node)
    if isinstance(node, Not):
        return f"NOT ({render(node.part)})"
    joint = " AND " if isinstance(node, Both) else " OR "
    return joint.join(f"({render(part)})" for part in node.parts)


def quote(text: str) -> str:
    """A string literal with the vendor's backslash escapes (connectwise.md §5)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _render_comparison(node: Comparison) -> str:
    path = "/".join(node.path)
    prefix = "not " if node.negated else ""
    literals = [_render_literal(value) for value in node.values]
    if node.operator == "in":
        return f"{path} {prefix}in ({', '.join(literals)})"
    return f"{path} {prefix}{node.operator} {literals[0]}"


def _render_literal(value: Literal) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, datetime):
        return value.strftime("[%Y-%m-%dT%H:%M:%SZ]")
    return quote(value) if isinstance(value, str) else f"{value:f}"


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise GrammarError(f"Unexpected character at position {position}.")
        yield _Token(match.lastgroup, match.group(match.lastgroup))
        position = match.end()


def _unescape(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL)


def parse_moment(text: str) -> datetime:
    """Read the inside of `[...]` as an aware UTC moment.

    Raises:
        GrammarError: The text is none of the documented date forms.
    """
    for form in _MOMENT_FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise GrammarError(f"[{text}] is not a valid date.")


class _Parser:
    def __init__(self, tokens: tuple[_Token, ...]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._either()
        if self._at != len(self._tokens):
            raise GrammarError(f"Unexpected '{self._tokens[self._at].text}'.")
        return node

    def _either(self) -> Node:
        parts = [self._both()]
        while self._take_word("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Node:
        parts = [self._factor()]
        while self._take_word("and"):
            parts.append(self._factor())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _factor(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise GrammarError("The condition is nested too deeply.")
        node = self._inside_factor()
        self._depth -= 1
        return node

    def _inside_factor(self) -> Node:
        if self._take_word("not"):
            return Not(self._factor())
        if self._take_op("("):
            node = self._either()
            self._expect_op(")")
            return node
        return self._comparison()

    def _comparison(self) -> Comparison:
        path = self._path()
        token = self._next()
        if token.kind == "op" and token.text in _RELATIONS:
            operator = "!=" if token.text == "<>" else token.text
            return Comparison(path, operator, (self._literal(),))
        negated = self._is_word(token, "not")
        if negated:
            token = self._next()
        return self._word_comparison(path, token, negated)

    def _word_comparison(
        self, path: tuple[str, ...], token: _Token, negated: bool
    ) -> Comparison:
        word = token.text.lower() if token.kind == "word" else ""
        if word in {"contains", "like"}:
            value = self._literal()
            if not isinstance(value, str):
                raise GrammarError(f"'{word}' needs a string.")
            return Comparison(path, word, (value,), negated)
        if word == "in":
            return Comparison(path, "in", self._literals(), negated)
        raise GrammarError(f"'{token.text}' is not a valid operator.")

    def _literals(self) -> tuple[Literal, ...]:
        self._expect_op("(")
        values = [self._literal()]
        while self._take_op(","):
            values.append(self._literal())
        self._expect_op(")")
        return tuple(values)

    def _literal(self) -> Literal:
        token = self._next()
        if token.kind == "string":
            return _unescape(token.text)
        if token.kind == "number":
            return Decimal(token.text)
        if token.kind == "moment":
            return parse_moment(token.text[1:-1].strip())
        word = token.text.lower() if token.kind == "word" else ""
        if word in {"true", "false"}:
            return word == "true"
        if word == "null":
            return None
        raise GrammarError(f"'{token.text}' is not a valid value.")

    def _path(self) -> tuple[str, ...]:
        token = self._next()
        if token.kind != "word":
            raise GrammarError(f"'{token.text}' is not a recognized name.")
        return tuple(token.text.split("/"))

    def _next(self) -> _Token:
        if self._at >= len(self._tokens):
            raise GrammarError("The condition ends too early.")
        token = self._tokens[self._at]
        self._at += 1
        return token

    @staticmethod
    def _is_word(token: _Token, word: str) -> bool:
        return token.kind == "word" and token.text.lower() == word

    def _take_word(self, word: str) -> bool:
        found = self._at < len(self._tokens) and self._is_word(
            self._tokens[self._at], word
        )
        self._at += found
        return found

    def _take_op(self, op: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == _Token(
            "op", op
        )
        self._at += found
        return found

    def _expect_op(self, op: str) -> None:
        if not self._take_op(op):
            raise GrammarError(f"'{op}' is missing.")
