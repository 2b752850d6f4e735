"""Finding rows by any part of a text and by tokens, within one reseller.

A table names four columns with ``info={"search": (text, tokens, state, sorted)}``: its
rows' folded text, their tokens (each between two bars), their state, and the text that
they are sorted by as a rule; its key is ``id``.
SQLite then has an index of trigrams beside it, kept by triggers; PostgreSQL one of
trigrams, pairs of letters and tokens where the server has the extensions, else it
walks. What is found is the same everywhere.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Boolean,
    ColumnElement,
    Integer,
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
from entrepot.store.search_walk import (
    Cut,
    Page,
    Sought,
    Walk,
    contains,
    fold,
)

__all__ = [
    "Cut", "Page", "Sought", "contained", "contains", "fold", "found", "hits", "holds",
    "page", "searched_tables",
]  # fmt: skip

Columns = tuple[str, str, str, str]


def searched_tables(metadata: MetaData = Base.metadata) -> dict[str, Columns]:
    """Return every searched table's name with its columns, as `info` names them."""
    return {
        name: table.info["search"]
        for name, table in sorted(metadata.tables.items())
        if table.info.get("search")
    }


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
    statement, values = Walk(table.name, tenant_id, sought).found(most)
    return _rows(statement, *(bindparam(*one) for one in values.items()))


def page(
    session: Session, table: Table, tenant_id: str, sought: Sought, cut: Cut
) -> Page:
    """Return how many rows are sought, and which of them come next in their order.

    One statement, whatever is sought: what few have is found and sorted, what many
    have is looked for near the position first.

    Args:
        session: In the reseller's scope.
        table: A searched table.
        tenant_id: Whose rows.
        sought: What they must have.
        cut: Which of them.
    """
    if session.get_bind().dialect.name == "postgresql":
        row = session.execute(_page_of_server(table, sought, cut)).one()
        return Page(row.number, row.ids)
    statement, values = Walk(table.name, tenant_id, sought).page(cut)
    rows = session.execute(text(statement), values).all()
    return Page(rows[0][0], [key for _, key in rows if key is not None])


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
    return _rows(
        f"SELECT row_id FROM entrepot_search_{table.name}({_SOUGHT}, :most) "  # noqa: S608 - a table of ours
        "AS row_id",
        *_sought(sought),
        bindparam("most", most),
    )


def _page_of_server(table: Table, sought: Sought, cut: Cut) -> TextualSelect:
    place, row_id = cut.after or (None, None)
    statement = text(
        f"SELECT number, ids FROM entrepot_page_{table.name}({_SOUGHT}, :most, "  # noqa: S608 - likewise
        "CAST(:place AS text), CAST(:row_id AS text), :down, :rows)"
    )
    return statement.bindparams(
        *_sought(sought),
        bindparam("most", cut.counted),
        bindparam("place", place),
        bindparam("row_id", row_id),
        bindparam("down", cut.down),
        bindparam("rows", cut.rows),
    ).columns(column("number", Integer), column("ids", ARRAY(String)))


_SOUGHT = (
    "CAST(:words AS text), CAST(:pattern AS text), :instead, CAST(:tokens AS jsonb), "
    ":states"
)


def _sought(sought: Sought) -> list[BindParameter[Any]]:
    words = fold(sought.words)
    tokens = [[one.strip("|") for one in group] for group in sought.tokens]
    instead = [one.strip("|") for one in sought.instead]
    return [
        bindparam("words", words),
        bindparam("pattern", contains(words)),
        bindparam("instead", instead, ARRAY(String)),
        bindparam("tokens", json.dumps(tokens)),
        bindparam("states", list(sought.states), ARRAY(String)),
    ]


def _rows(statement: str, *values: BindParameter[Any]) -> TextualSelect:
    return text(statement).bindparams(*values).columns(column("row_id", String))
