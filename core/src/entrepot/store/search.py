"""Finding rows by any part of a text and by tokens, within one reseller.

A table names three columns with ``info={"search": (text, tokens, state)}``: its rows'
folded text, their tokens (each between two bars), and their state; its key is ``id``.
SQLite then has an index of trigrams beside it, kept by triggers; PostgreSQL one of
trigrams, pairs of letters and tokens where the server has the extensions, else it
walks. What is found is the same everywhere.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Boolean,
    ColumnElement,
    MetaData,
    String,
    Table,
    TextualSelect,
    bindparam,
    column,
    literal,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from entrepot.store.base import Base

PAIR, SHORTEST = 2, 3
"""Letters from which on an index of trigrams helps: by their beginnings, by all."""

_DENSE = 30_000
"""Rows up to which looking at what the index found is cheaper than at all rows."""
_BEGINNINGS = 500
"""Trigrams up to which an index is asked for all of them."""

Columns = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What rows must have to be found; all that is given must hold.

    Attributes:
        words: A part of the text, as typed.
        instead: Tokens; a row that has one of them needn't hold the words.
        tokens: Groups of tokens; a row has one of each group.
        states: What the state may be; empty = anything.
    """

    words: str = ""
    instead: tuple[str, ...] = ()
    tokens: tuple[tuple[str, ...], ...] = ()
    states: tuple[str, ...] = ()


def searched_tables(metadata: MetaData = Base.metadata) -> dict[str, Columns]:
    """Return every searched table's name with its columns: text, tokens, state."""
    return {
        name: table.info["search"]
        for name, table in sorted(metadata.tables.items())
        if table.info.get("search")
    }


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


def hits(
    session: Session, table: Table, tenant_id: str, words: str, most: int
) -> list[str]:
    """Return ids of rows whose text holds some words, in no order, at most `most`.

    Args:
        session: In the reseller's scope.
        table: A searched table.
        tenant_id: Whose rows.
        words: As typed; folded here.
        most: Where to stop.
    """
    sought = Sought(words=words)
    return list(session.scalars(found(session, table, tenant_id, sought, most)))


def found(
    session: Session, table: Table, tenant_id: str, sought: Sought, most: int
) -> TextualSelect:
    """Return the select of the ids of rows that are sought, in no order.

    Args:
        session: In the reseller's scope.
        table: A searched table.
        tenant_id: Whose rows.
        sought: What they must have.
        most: Where to stop.
    """
    if session.get_bind().dialect.name == "postgresql":
        return _asked_of_server(table, sought, most)
    return _Walk(session, table.name, tenant_id, sought, most).select()


class contained(FunctionElement[bool]):
    """The condition that a text holds another one, letter by letter.

    A walk over many rows takes a third of what LIKE takes, and PostgreSQL can't look
    into an index, which has nothing for short words and too much for frequent ones.
    """

    type = Boolean()
    inherit_cache = True


@compiles(contained)
def _instr(element: Any, compiler: Any, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    return f"(instr({compiler.process(element.clauses, **options)}) > 0)"


@compiles(contained, "postgresql")
def _strpos(element: Any, compiler: Any, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    return f"(strpos({compiler.process(element.clauses, **options)}) > 0)"


def holds(column: ColumnElement[str], words: str) -> ColumnElement[bool]:
    """Return the condition that a folded text holds some words, for a walk."""
    return contained(column, literal(fold(words)))


def _asked_of_server(table: Table, sought: Sought, most: int) -> TextualSelect:
    words = fold(sought.words)
    tokens = [[one.strip("|") for one in group] for group in sought.tokens]
    instead = [one.strip("|") for one in sought.instead]
    return _rows(
        f"SELECT row_id FROM entrepot_search_{table.name}(CAST(:words AS text), "  # noqa: S608 - a table of ours
        "CAST(:pattern AS text), :instead, CAST(:tokens AS jsonb), :states, :most) "
        "AS row_id",
        bindparam("words", words),
        bindparam("pattern", contains(words)),
        bindparam("instead", instead, ARRAY(String)),
        bindparam("tokens", json.dumps(tokens)),
        bindparam("states", list(sought.states), ARRAY(String)),
        bindparam("most", most),
    )


def _rows(statement: str, *values: BindParameter[Any]) -> TextualSelect:
    return text(statement).bindparams(*values).columns(column("row_id", String))


class _Walk:
    """One search on SQLite: through the index of trigrams, or by reading the texts.

    The texts lie side by side beside the index, with tokens and states.
    """

    def __init__(
        self, session: Session, name: str, tenant_id: str, sought: Sought, most: int
    ) -> None:
        self._session, self._name = session, name
        self._sought, self._words = sought, fold(sought.words)
        self._values: dict[str, Any] = {"tenant_id": tenant_id, "most": most}

    def select(self) -> TextualSelect:
        """Return the select of the ids."""
        name, conditions = self._name, ["k.tenant_id = :tenant_id", *self._narrowed()]
        phrase = self._phrase()
        if phrase == "":
            source, conditions = f"{name}_search_key k", ["k.number IS NULL"]
        elif phrase is None:
            source = f"{name}_search_key k"
            conditions += self._holding()
        else:
            source = (
                f"{name}_search f CROSS JOIN {name}_search_key k ON k.number = f.rowid"
            )
            conditions.insert(0, f"f.{name}_search MATCH :phrase")
            self._values["phrase"] = phrase
        statement = (
            f"SELECT k.row_id FROM {source} WHERE {' AND '.join(conditions)} "  # noqa: S608 - likewise
            "LIMIT :most"
        )
        given: list[BindParameter[Any]] = [
            bindparam(key, value)
            for key, value in self._values.items()
            if f":{key}" in statement
        ]
        return _rows(statement, *given)

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

    def _phrase(self) -> str | None:
        """Return what the index is asked for.

        Empty when nothing can match, None when reading all texts is better.
        """
        if len(self._words) < PAIR or self._sought.instead:
            return None
        phrase: str | None = _quoted(self._words)
        if len(self._words) < SHORTEST:
            phrase = self._beginning()
        if phrase and self._sought.tokens and self._many(phrase):
            return None
        return phrase

    def _beginning(self) -> str | None:
        """Return all trigrams that begin with two letters; every text ends with one."""
        found = self._session.execute(
            text(
                f"SELECT term FROM {self._name}_search_vocab "  # noqa: S608 - likewise
                "WHERE term >= :words AND term < :words || char(1114111) LIMIT :most"
            ),
            {"words": self._words, "most": _BEGINNINGS + 1},
        )
        terms = list(found.scalars())
        if len(terms) > _BEGINNINGS:
            return None
        return " OR ".join(map(_quoted, terms))

    def _many(self, phrase: str) -> bool:
        found = self._session.execute(
            text(
                f"SELECT count(*) FROM (SELECT 1 FROM {self._name}_search "  # noqa: S608 - likewise
                f"WHERE {self._name}_search MATCH :phrase LIMIT :most)"
            ),
            {"phrase": phrase, "most": _DENSE + 1},
        )
        return bool(found.scalar_one() > _DENSE)


def _quoted(wanted: str) -> str:
    return '"' + wanted.replace('"', '""') + '"'
