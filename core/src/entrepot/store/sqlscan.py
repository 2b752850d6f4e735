"""Finding reseller-owned tables in SQL text, and those left unfiltered.

This is a guard against forgetting, not against malice: it understands the
statements that people and SQLAlchemy write, and when in doubt it reports.
Row-level security repeats the rule inside PostgreSQL.
"""

# ruff: noqa: S105 - tokens of SQL, no passwords

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

_TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?\*/            # comments
    |'(?:[^']|'')*'                  # texts
    |"(?:[^"]|"")*"                  # quoted names
    |[A-Za-z_][\w$]*                 # names and keywords
    |%\(\w+\)s|%s|\?|[$:]\w+         # parameters
    |<>|!=|<=|>=|::|\|\||[^\s]""",
    re.VERBOSE | re.DOTALL,
)
_TABLE_FOLLOWS = {"FROM", "JOIN", "UPDATE", "INTO", "USING"}
_NOT_A_TABLE_AFTER = {("DISTINCT", "FROM"), ("FOR", "UPDATE"), ("DO", "UPDATE")}
_LIST_ENDS = {
    "WHERE", "ON", "SET", "GROUP", "ORDER", "HAVING", "LIMIT", "OFFSET", "UNION",
    "EXCEPT", "INTERSECT", "RETURNING", "SELECT", "VALUES", "WINDOW", "FETCH", "FOR",
}  # fmt: skip
_KEYWORDS = _LIST_ENDS | _TABLE_FOLLOWS | {
    "AS", "LEFT", "RIGHT", "FULL", "INNER", "OUTER", "CROSS", "NATURAL", "LATERAL",
    "ONLY", "DEFAULT", "AND", "OR", "NOT", "IN", "IS", "CONFLICT", "DO", "NOTHING",
    "INDEXED", "TABLESAMPLE", "OVERRIDING",
}  # fmt: skip
_CHANGES = {"INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "TRUNCATE", "COPY"}
_DEFINITIONS = {"CREATE", "ALTER", "DROP", "GRANT", "REVOKE", "PRAGMA", "COMMENT"}


@dataclass(frozen=True, slots=True)
class Scan:
    """What a statement does to the tables that were asked about.

    Attributes:
        tables: Owned tables it mentions as sources or targets.
        unfiltered: Those among them without a criterion on their reseller column.
        changed: Owned tables it inserts into, updates or deletes from.
    """

    tables: tuple[str, ...]
    unfiltered: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(slots=True)
class _Reader:
    tokens: list[str]
    owned: dict[str, str]
    references: list[tuple[str, str]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Collect every mention of an owned table with the name it goes by."""
        depth = 0
        listing: set[int] = set()
        position = 0
        while position < len(self.tokens):
            token = self.tokens[position]
            upper = token.upper()
            previous = self.tokens[position - 1].upper() if position else ""
            depth += (token == "(") - (token == ")")
            if token == ")":
                listing.discard(depth + 1)
            starts = upper in _TABLE_FOLLOWS
            if starts and (previous, upper) not in _NOT_A_TABLE_AFTER:
                listing.add(depth)
                self._table(position + 1, upper)
            elif token == "," and depth in listing:
                self._table(position + 1, "FROM")
            elif upper in _LIST_ENDS:
                listing.discard(depth)
            elif upper == "TRUNCATE" or (upper == "COPY" and position == 0):
                self._table(position + 1, "UPDATE")
            position += 1

    def _table(self, position: int, keyword: str) -> None:
        skipped = {"ONLY", "LATERAL", "TABLE", "OR"}
        while self._at(position).upper() in skipped:
            position += 1
        name = _plain(self._at(position))
        while self._at(position + 1) == ".":
            position += 2
            name = _plain(self._at(position))
        if name not in self.owned:
            return
        self.references.append((name, self._alias(position + 1) or name))
        before = self._at(position - 2).upper()
        if keyword in {"UPDATE", "INTO"} or before == "DELETE":
            self.changed.append(name)

    def _alias(self, position: int) -> str | None:
        if self._at(position).upper() == "AS":
            position += 1
        candidate = self._at(position)
        named = bool(re.match(r'[A-Za-z_"]', candidate))
        return (
            _plain(candidate) if named and candidate.upper() not in _KEYWORDS else None
        )

    def _at(self, position: int) -> str:
        return self.tokens[position] if 0 <= position < len(self.tokens) else ""

    def criteria(self) -> Counter[tuple[str, str]]:
        """Count the equality criteria on (table name or alias or '', column)."""
        columns = set(self.owned.values())
        found: Counter[tuple[str, str]] = Counter()
        assigning = False
        for position, token in enumerate(self.tokens):
            if token.upper() in _LIST_ENDS:
                assigning = token.upper() == "SET"
            if assigning or _plain(token) not in columns:
                continue
            qualified = self._at(position - 1) == "."
            start = position - 2 if qualified else position
            if self._compared(start, position):
                owner = _plain(self._at(start)) if qualified else ""
                found[owner, _plain(token)] += 1
        return found

    def _compared(self, start: int, end: int) -> bool:
        following = self._at(end + 1).upper()
        return following in {"=", "IN"} or self._at(start - 1) == "="


def _plain(token: str) -> str:
    return token.strip('"') if token.startswith('"') else token.lower()


def _tokens(sql: str) -> Iterator[str]:
    for match in _TOKEN.finditer(sql):
        if not match[0].startswith(("--", "/*")):
            yield match[0]


@lru_cache(maxsize=4096)
def scan(sql: str, owned: frozenset[tuple[str, str]]) -> Scan:
    """Return which owned tables ``sql`` touches and which of them unfiltered.

    Args:
        sql: The text as it goes to the driver.
        owned: Pairs of table name and reseller column.

    Returns:
        An empty scan for definitions (``CREATE``, ``ALTER`` …): they read no rows.
    """
    tokens = list(_tokens(sql))
    if not tokens or tokens[0].upper() in _DEFINITIONS:
        return Scan((), (), ())
    reader = _Reader(tokens, dict(owned))
    reader.read()
    missing = _unfiltered(reader)
    changes = reader.changed if _CHANGES & {t.upper() for t in tokens} else []
    return Scan(
        tuple(sorted({table for table, _ in reader.references})),
        tuple(sorted(set(missing))),
        tuple(sorted(set(changes))),
    )


def _unfiltered(reader: _Reader) -> list[str]:
    """Return tables that are mentioned more often than they are filtered.

    A table that stands in a query and again in a subquery under the same name needs
    two criteria, since one of them says nothing about the other mention.
    """
    criteria = reader.criteria()
    inserted = _inserted(reader)
    missing = []
    for (table, alias), mentions in Counter(reader.references).items():
        column = reader.owned[table]
        filters = criteria[alias, column] + criteria["", column]
        if filters < mentions and table not in inserted:
            missing.append(table)
    return missing


def _inserted(reader: _Reader) -> set[str]:
    """Return tables whose only mention is as target of an INSERT with the column.

    Whether the value is the scope's is the caller's check: it needs the parameters.
    """
    mentions = [table for table, _ in reader.references]
    found = set()
    for position, token in enumerate(reader.tokens):
        if token.upper() != "INTO":
            continue
        while reader._at(position + 2) == ".":
            position += 2
        table = _plain(reader._at(position + 1))
        listed = _parenthesis(reader.tokens, position + 2)
        if mentions.count(table) == 1 and reader.owned.get(table) in listed:
            found.add(table)
    return found


def _parenthesis(tokens: list[str], start: int) -> set[str]:
    if start >= len(tokens) or tokens[start] != "(":
        return set()
    end = tokens.index(")", start) if ")" in tokens[start:] else len(tokens)
    return {_plain(token) for token in tokens[start:end]}
