"""Finding rows on SQLite: through an index of trigrams, or by reading the texts.

The texts lie side by side beside the index, with tokens, states and what rows are
sorted by, so that a whole page is found without looking into the table.
"""

# ruff: noqa: S608 - put together from names of our own tables

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PAIR, SHORTEST = 2, 3
"""Letters from which on an index of trigrams helps: by their beginnings, by all."""
DENSE = 15_000
"""Rows up to which looking at what the index found is cheaper than at all rows."""
NEAR = 30_000
"""Rows in their order that are looked at first for what many have."""
_BEGINNINGS = 500
"""Trigrams up to which an index is asked for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What rows must have to be found; all that is given must hold.

    Attributes:
        words: A part of the text, as typed.
        instead: Tokens; a row that has one of them needn't hold the words.
        tokens: Groups of tokens; a row has one of each group.
        states: What the state may be; empty = anything.
        token_rows: For a single group and no words, where a table tells the rows that
            have a token: a select of ``row_id`` for ``:tenant_id``, and its values.
    """

    words: str = ""
    instead: tuple[str, ...] = ()
    tokens: tuple[tuple[str, ...], ...] = ()
    states: tuple[str, ...] = ()
    token_rows: tuple[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Which part of the rows that are sought is wanted.

    Attributes:
        rows: So many at most.
        counted: So many are counted at most.
        down: From the last row in their order to the first.
        after: Sorted text and id of the row before them; None = from the beginning.
    """

    rows: int
    counted: int
    down: bool = False
    after: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the rows that are sought.

    Attributes:
        number: How many are sought, up to `Cut.counted`.
        ids: Ids of the rows that come next, in no order.
    """

    number: int
    ids: Sequence[str]


def fold(words: str) -> str:
    """Return a text as it is searched: no case, no accents, single spaces."""
    if words.isascii():
        return " ".join(words.lower().split())
    plain = unicodedata.normalize("NFKD", words)
    kept = "".join(one for one in plain if not unicodedata.combining(one))
    return " ".join(kept.casefold().split())


def contains(words: str) -> str:
    """Return the LIKE pattern that finds words anywhere; the escape is a backslash."""
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


Statement = tuple[str, dict[str, Any]]


class Walk:
    """One search.

    Args:
        name: The searched table's.
        tenant_id: Whose rows.
        sought: What they must have.
    """

    def __init__(self, name: str, tenant_id: str, sought: Sought) -> None:
        self._name, self._sought = name, sought
        self._words = fold(sought.words)
        self._values: dict[str, Any] = {"tenant_id": tenant_id}
        self._own = " AND ".join(["k.tenant_id = :tenant_id", *self._narrowed()])
        self._all = " AND ".join([self._own, *self._holding()])

    def found(self, most: int) -> Statement:
        """Return the statement of ids in no order, at most so many."""
        self._values["most"] = most
        return self._said(f"WITH {', '.join(self._hits())} SELECT row_id FROM hit")

    def page(self, cut: Cut) -> Statement:
        """Return the statement of the number of rows, and of the ids of a page."""
        self._values |= {"most": cut.counted, "rows": cut.rows, "near": NEAR}
        parts = [
            *self._hits(),
            "number(n) AS MATERIALIZED (SELECT count(*) FROM hit)",
            *self._parts(cut),
        ]
        return self._said(
            f"WITH {', '.join(parts)} SELECT n, row_id FROM number LEFT JOIN ("
            "SELECT row_id FROM few UNION ALL "
            "SELECT row_id FROM near WHERE (SELECT yes FROM enough) "
            "UNION ALL SELECT row_id FROM far)"
        )

    def _hits(self) -> list[str]:
        """Return what finds the rows: all that are sought where they are few.

        The index is asked for words; all texts are read where it gives too much.
        """
        scan, words = self._scan(), self._words
        if self._sought.token_rows:
            return [f"hit AS MATERIALIZED ({self._pick()} LIMIT :most)"]
        if len(words) < PAIR or self._sought.instead:
            return [f"hit AS MATERIALIZED ({scan} LIMIT :most)"]
        first, doubts, phrase = [], [], ":phrase"
        if len(words) < SHORTEST:
            phrase = "(SELECT words FROM beginning)"
            self._values |= {"words": words, "terms": _BEGINNINGS}
            first.append(
                f"beginning(words, many) AS MATERIALIZED ({self._beginning()})"
            )
            doubts.append("(SELECT many FROM beginning)")
        else:
            self._values["phrase"] = _quoted(words)
        if self._sought.tokens:
            self._values["dense"] = DENSE
            doubts.append(
                f"(SELECT count(*) FROM (SELECT 1 FROM {self._name}_search WHERE "
                f"{self._name}_search MATCH {phrase} LIMIT :dense + 1)) > :dense"
            )
        if not doubts:
            return [f"hit AS MATERIALIZED ({self._ask(phrase)} LIMIT :most)"]
        either = "LIMIT CASE WHEN (SELECT yes FROM dense) THEN"
        return [
            *first,
            f"dense(yes) AS MATERIALIZED (SELECT {' OR '.join(doubts)})",
            f"hit AS MATERIALIZED (SELECT * FROM ({self._ask(phrase)} "
            f"{either} 0 ELSE :most END) UNION ALL SELECT * FROM ({scan} "
            f"{either} :most ELSE 0 END))",
        ]

    def _parts(self, cut: Cut) -> list[str]:
        """Return where the page may come from: one of three, the others stay empty.

        SQLite looks at a limit before it looks at a row.
        """
        way, beyond = "DESC" if cut.down else "ASC", "TRUE"
        if cut.after is not None:
            self._values["place"], self._values["row_id"] = cut.after
            beyond = f"(sorted, row_id) {'<' if cut.down else '>'} (:place, :row_id)"
        few = "(SELECT n FROM number) < :most"
        keys = f"{self._name}_search_key"
        return [
            f"few AS (SELECT row_id FROM hit WHERE {few} AND {beyond} "
            f"ORDER BY sorted {way}, row_id {way} LIMIT :rows)",
            "near AS MATERIALIZED (SELECT row_id FROM (SELECT * FROM "
            f"{keys} INDEXED BY ix_{keys}_sorted WHERE tenant_id = :tenant_id "
            f"AND {beyond} ORDER BY sorted {way}, row_id {way} "
            f"LIMIT CASE WHEN {few} THEN 0 ELSE :near END) k "
            f"WHERE {self._all} LIMIT :rows)",
            f"enough(yes) AS MATERIALIZED (SELECT {few} OR "
            "(SELECT count(*) FROM near) = :rows)",
            f"far AS (SELECT row_id FROM ({self._scan()} AND {beyond} "
            f"ORDER BY +sorted {way}, +row_id {way} "
            "LIMIT CASE WHEN (SELECT yes FROM enough) THEN 0 ELSE :rows END))",
        ]

    def _scan(self) -> str:
        """Return the select that reads all texts, side by side as they lie."""
        keys = f"{self._name}_search_key"
        return (
            f"SELECT k.sorted, k.row_id FROM {keys} k INDEXED BY ix_{keys} "
            f"WHERE {self._all}"
        )

    def _ask(self, phrase: str) -> str:
        """Return the select that asks the index for a phrase."""
        name = self._name
        return (
            f"SELECT k.sorted, k.row_id FROM {name}_search f "
            f"CROSS JOIN {name}_search_key k ON k.number = f.rowid "
            f"WHERE f.{name}_search MATCH {phrase} AND {self._own}"
        )

    def _pick(self) -> str:
        """Return the select of the rows that are known to have a token."""
        rows, values = self._sought.token_rows or ("", {})
        self._values |= values
        return (
            f"SELECT k.sorted, k.row_id FROM ({rows}) given CROSS JOIN "
            f"{self._name}_search_key k ON k.row_id = given.row_id WHERE {self._own}"
        )

    def _beginning(self) -> str:
        """Return the select of all trigrams that begin with two letters, as a phrase.

        Every text ends with a line break, and none has three of them.
        """
        return (
            "SELECT coalesce(group_concat('\"' || replace(term, '\"', '\"\"') || '\"', "
            "' OR '), '\"' || char(10, 10, 10) || '\"'), count(*) > :terms FROM ("
            f"SELECT term FROM {self._name}_search_vocab WHERE term >= :words "
            "AND term < :words || char(1114111) LIMIT :terms + 1)"
        )

    def _said(self, statement: str) -> Statement:
        given = self._values.items()
        return statement, {key: one for key, one in given if f":{key}" in statement}

    def _narrowed(self) -> list[str]:
        """Return the conditions on states and tokens."""
        found, states = [], self._sought.states
        if states:
            named = [self._named(f"s{at}", one) for at, one in enumerate(states)]
            found.append(f"k.state IN ({', '.join(named)})")
        for at, group in enumerate(self._sought.tokens):
            found.append(f"({' OR '.join(self._tokens(f't{at}_', group))})")
        return found

    def _holding(self) -> list[str]:
        """Return the condition on the text, for reading all of them."""
        if not self._words:
            return []
        pattern = self._named("pattern", contains(self._words))
        either = [f"k.folded LIKE {pattern} ESCAPE '\\'"]
        either += self._tokens("i", self._sought.instead)
        return [f"({' OR '.join(either)})"]

    def _tokens(self, prefix: str, tokens: Sequence[str]) -> list[str]:
        return [
            f"instr(k.tokens, {self._named(f'{prefix}{at}', one)}) > 0"
            for at, one in enumerate(tokens)
        ]

    def _named(self, name: str, value: str) -> str:
        self._values[name] = value
        return f":{name}"


def _quoted(wanted: str) -> str:
    return '"' + wanted.replace('"', '""') + '"'
