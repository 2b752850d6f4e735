"""Finding rows by any part of a text, within one reseller.

A table names the column that holds its rows' folded text with
``info={"search": "column"}``; its key is ``id``. SQLite then has an index of trigrams
beside it, kept by triggers; PostgreSQL one on the column where the server has the
extension, else it walks. What is found is the same everywhere.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from sqlalchemy import Boolean, ColumnElement, MetaData, Table, literal, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from entrepot.store.base import Base

SHORTEST = 3
"""Letters from which on an index of trigrams can help."""


def searched_tables(metadata: MetaData = Base.metadata) -> dict[str, str]:
    """Return every searched table's name with the column that is searched."""
    return {
        name: str(table.info["search"])
        for name, table in sorted(metadata.tables.items())
        if table.info.get("search")
    }


def fold(words: str) -> str:
    """Return a text as it is searched: no case, no accents, single spaces."""
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
    wanted = fold(words)
    if session.get_bind().dialect.name == "postgresql":
        found = session.execute(
            text(f"SELECT * FROM entrepot_search_{table.name}(:pattern, :most)"),  # noqa: S608 - a table of ours
            {"pattern": contains(wanted), "most": most},
        )
        return list(found.scalars())
    if len(wanted) < SHORTEST:
        return _walk(session, table, tenant_id, wanted, most)
    name = table.name
    found = session.execute(
        text(
            f"SELECT k.row_id FROM {name}_search f CROSS JOIN {name}_search_key k "  # noqa: S608 - likewise
            f"ON k.number = f.rowid WHERE f.{name}_search MATCH :phrase "
            "AND k.tenant_id = :tenant_id LIMIT :most"
        ),
        {"phrase": _phrase(wanted), "tenant_id": tenant_id, "most": most},
    )
    return list(found.scalars())


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


def _walk(
    session: Session, table: Table, tenant_id: str, wanted: str, most: int
) -> list[str]:
    """Read the texts one after the other: they lie side by side beside the index."""
    found = session.execute(
        text(
            f"SELECT row_id FROM {table.name}_search_key "  # noqa: S608 - a table of ours
            "WHERE tenant_id = :tenant_id AND instr(folded, :wanted) > 0 LIMIT :most"
        ),
        {"tenant_id": tenant_id, "wanted": wanted, "most": most},
    )
    return list(found.scalars())


def _phrase(wanted: str) -> str:
    return '"' + wanted.replace('"', '""') + '"'
