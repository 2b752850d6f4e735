"""Rows through the driver, inside SQLAlchemy's transaction.

COPY on PostgreSQL, ``executemany`` elsewhere. Value conversions are derived from the
tables, so that a bulk write and an ordinary one store the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table

from entrepot.store.types import driver_form

Row = tuple[Any, ...]
_COPY_FROM = 200  # rows from which a COPY is cheaper than executemany


class Encoded(str):
    """JSON text that is ready for a JSON column."""

    __slots__ = ()


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: list[Row]
) -> None:
    """Insert `rows`, whose values stand in the order of `columns`."""
    driver_rows = _driver_rows(connection, table, columns, rows)
    if _copies(connection, rows):
        _copy(connection, table.name, columns, driver_rows)
        return
    marks = ", ".join([_mark(connection)] * len(columns))
    sql = f"INSERT INTO {table.name} ({_names(columns)}) VALUES ({marks})"  # noqa: S608 - names come from our tables
    _cursor(connection).executemany(sql, driver_rows)


def update_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: list[Row]
) -> None:
    """Update rows by id; each row is the id followed by values of `columns`."""
    driver_rows = _driver_rows(connection, table, ("id", *columns), rows)
    if _copies(connection, rows):
        _update_by_copy(connection, table, columns, driver_rows)
        return
    mark = _mark(connection)
    sets = ", ".join(f'"{name}" = {mark}' for name in columns)
    sql = f"UPDATE {table.name} SET {sets} WHERE id = {mark}"  # noqa: S608 - names come from our tables
    _cursor(connection).executemany(sql, [(*row[1:], row[0]) for row in driver_rows])


def comparable(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    values: Row,
) -> Row:
    """Values in the driver's form, in which equal content is equal."""
    return _driver_rows(connection, table, columns, [values])[0]


def _update_by_copy(
    connection: Connection, table: Table, columns: Sequence[str], rows: list[Row]
) -> None:
    stage = f"stage_{table.name}"
    cursor = _cursor(connection)
    cursor.execute(
        f"CREATE TEMP TABLE {stage} ON COMMIT DROP AS "  # noqa: S608 - our own names
        f"SELECT {_names(('id', *columns))} FROM {table.name} WITH NO DATA"
    )
    _copy(connection, stage, ("id", *columns), rows)
    sets = ", ".join(f'"{name}" = s."{name}"' for name in columns)
    cursor.execute(
        f"UPDATE {table.name} t SET {sets} FROM {stage} s WHERE t.id = s.id"  # noqa: S608 - our own names
    )
    cursor.execute(f"DROP TABLE {stage}")


def _copy(
    connection: Connection, table: str, columns: Sequence[str], rows: list[Row]
) -> None:
    with _cursor(connection).copy(
        f"COPY {table} ({_names(columns)}) FROM STDIN"
    ) as copy:
        for row in rows:
            copy.write_row(row)


def _copies(connection: Connection, rows: list[Row]) -> bool:
    return connection.dialect.name == "postgresql" and len(rows) >= _COPY_FROM


def _driver_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: list[Row]
) -> list[Row]:
    forms = [
        (place, form)
        for place, name in enumerate(columns)
        if (form := driver_form(table.c[name], connection.dialect)) is not None
    ]
    out: list[Row] = []
    for row in rows:
        values = list(row)
        for place, form in forms:
            value = values[place]
            if value is not None:
                values[place] = str(value) if type(value) is Encoded else form(value)
        out.append(tuple(values))
    return out


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.name == "sqlite" else "%s"


def _cursor(connection: Connection) -> Any:  # noqa: ANN401 - the driver's own cursor
    driver = connection.connection.driver_connection
    if driver is None:
        msg = "the connection has no driver connection"
        raise RuntimeError(msg)
    return driver.cursor()
