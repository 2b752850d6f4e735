"""Rows through the driver, inside SQLAlchemy's transaction.

COPY on PostgreSQL, ``executemany`` elsewhere. Value conversions are derived from the
tables, so that a bulk write and an ordinary one store the same. Values come a column
at a time: most columns of a load hold one value, or none, and cost nothing then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, repeat
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    String,
    Table,
    any_,
    func,
    literal,
    select,
)

from entrepot.hub.sync.forms import (
    Ready,
    Same,
    Values,
    converted,
    copy_texts,
    folded,
)

__all__ = [
    "Ready",
    "Same",
    "among",
    "comparable",
    "insert_columns",
    "insert_rows",
    "update_columns",
]

Row = tuple[Any, ...]
_COPY_FROM = 200  # rows from which a COPY is cheaper than executemany
_PIECE = 2_000  # rows handed to the driver at once


def insert_columns(
    connection: Connection, table: Table, columns: Mapping[str, Values], count: int
) -> None:
    """Insert `count` rows.

    Args:
        connection: In a transaction.
        table: Where to.
        columns: Values by column, each as many as there are rows.
        count: Number of rows.
    """
    if not count:
        return
    filled = {name: one for name, one in _folded(columns).items() if not _empty(one)}
    if _copies(connection, count):
        _copy(connection, table, table.name, filled)
        return
    names, rows = _driver_rows(connection, table, filled, count)
    marks = ", ".join([_mark(connection)] * len(names))
    sql = f"INSERT INTO {table.name} ({_names(names)}) VALUES ({marks})"  # noqa: S608 - names come from our tables
    _cursor(connection).executemany(sql, rows)


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]
) -> None:
    """Insert `rows`, whose values stand in the order of `columns`."""
    by_column = dict(zip(columns, zip(*rows, strict=True), strict=True)) if rows else {}
    insert_columns(connection, table, by_column, len(rows))


def update_columns(
    connection: Connection,
    table: Table,
    ids: Sequence[str],
    columns: Mapping[str, Values],
) -> None:
    """Update rows by id; values stand in the order of `ids`."""
    if not ids:
        return
    if _copies(connection, len(ids)):
        _update_by_copy(connection, table, ids, columns)
        return
    every = {**_folded(columns), "id": ids}
    names, rows = _driver_rows(connection, table, every, len(ids))
    mark = _mark(connection)
    sets = ", ".join(f'"{name}" = {mark}' for name in names[:-1])
    sql = f"UPDATE {table.name} SET {sets} WHERE id = {mark}"  # noqa: S608 - names come from our tables
    _cursor(connection).executemany(sql, rows)


def comparable(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    values: Row,
) -> Row:
    """Values in the driver's form, in which equal content is equal."""
    by_column: dict[str, Values] = {
        name: Same(value) for name, value in zip(columns, values, strict=True)
    }
    return next(_driver_rows(connection, table, by_column, 1)[1])


def among(
    connection: Connection, column: ColumnElement[str], values: Sequence[str]
) -> ColumnElement[bool]:
    """That a text column holds one of `values`: one parameter, however many."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(String)))
    each = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(each.c.value))


def _folded(columns: Mapping[str, Values]) -> dict[str, Values]:
    return {name: folded(values) for name, values in columns.items()}


def _empty(values: Values) -> bool:
    """Whether a column holds nothing, so that it may be left out."""
    return isinstance(values, Same) and values.value is None


def _update_by_copy(
    connection: Connection,
    table: Table,
    ids: Sequence[str],
    columns: Mapping[str, Values],
) -> None:
    stage = f"stage_{table.name}"
    columns = _folded(columns)
    staged = {"id": ids, **_varying(columns)}
    same = {name: one for name, one in columns.items() if isinstance(one, Same)}
    cursor = _cursor(connection)
    cursor.execute(
        f"CREATE TEMP TABLE {stage} ON COMMIT DROP AS "  # noqa: S608 - our own names
        f"SELECT {_names(staged)} FROM {table.name} WITH NO DATA"
    )
    _copy(connection, table, stage, staged)
    sets = [f'"{name}" = s."{name}"' for name in staged if name != "id"]
    sets += [f'"{name}" = %s' for name in same]
    _, rows = _driver_rows(connection, table, same, 1)
    cursor.execute(
        f"UPDATE {table.name} t SET {', '.join(sets)} "  # noqa: S608 - our own names
        f"FROM {stage} s WHERE t.id = s.id",
        next(rows, ()),
    )
    cursor.execute(f"DROP TABLE {stage}")


def _varying(columns: Mapping[str, Values]) -> dict[str, Sequence[Any]]:
    return {name: one for name, one in columns.items() if not isinstance(one, Same)}


def _copy(
    connection: Connection,
    table: Table,
    into: str,
    columns: Mapping[str, Values],
) -> None:
    """COPY in text form; constant columns are the same end of every line."""
    dialect, varying = connection.dialect, _varying(columns)
    texts = [copy_texts(table.c[name], dialect, one) for name, one in varying.items()]
    tail = ""
    for name, one in columns.items():
        if isinstance(one, Same):
            tail += "\t" + copy_texts(table.c[name], dialect, [one.value])[0]
    tail += "\n"
    names = [*varying, *(name for name in columns if name not in varying)]
    rows = map("\t".join, zip(*texts, strict=True))
    with _cursor(connection).copy(f"COPY {into} ({_names(names)}) FROM STDIN") as copy:
        while piece := list(islice(rows, _PIECE)):
            copy.write(tail.join(piece) + tail)


def _copies(connection: Connection, count: int) -> bool:
    return connection.dialect.name == "postgresql" and count >= _COPY_FROM


def _driver_rows(
    connection: Connection, table: Table, columns: Mapping[str, Values], count: int
) -> tuple[list[str], Iterator[Row]]:
    found: list[Any] = []
    for name, values in columns.items():
        column, dialect = table.c[name], connection.dialect
        if isinstance(values, Same):
            one = converted(column, dialect, [values.value])[0]
            found.append(repeat(one, count))
        else:
            found.append(converted(column, dialect, values))
    return list(columns), iter(zip(*found, strict=True))


def _names(columns: Sequence[str] | Mapping[str, Any]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.name == "sqlite" else "%s"


def _cursor(connection: Connection) -> Any:  # noqa: ANN401 - the driver's own cursor
    driver = connection.connection.driver_connection
    if driver is None:
        msg = "the connection has no driver connection"
        raise RuntimeError(msg)
    return driver.cursor()
