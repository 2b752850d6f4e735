"""Rows of statements that were compiled before, at the driver's own price.

Building a statement, looking it up and making rows of its answer costs SQLAlchemy
many times what the database takes for a page. Where a statement is always the same,
its text and its rows go straight through the driver's cursor; everything that listens
on the engine, the tenancy guard first of all, sees it as it sees any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

Parameters = Mapping[str, Any] | Sequence[Any]


def fetch(
    connection: Connection, statement: str, parameters: Parameters
) -> list[tuple[Any, ...]]:
    """Return all rows of a statement as the driver gives them; an empty list for none.

    Args:
        connection: Of the unit of work; its scope is guarded.
        statement: The text in the driver's own style of parameters.
        parameters: In the driver's form already.

    Raises:
        TenantScopeMissing: The statement isn't bound to the scope's reseller.
        TenantMismatch: It is bound to another one.
        DBAPIError: The database refused it or is away.
    """
    dialect = connection.dialect
    cursor = connection.connection.cursor()
    try:
        for listener in connection.dispatch.before_cursor_execute:
            statement, parameters = listener(
                connection, cursor, statement, parameters, None, False
            )
        try:
            cursor.execute(statement, parameters)
            rows = list[tuple[Any, ...]](cursor.fetchall())
        except dialect.loaded_dbapi.Error:
            # SQLAlchemy knows which errors mean a lost connection and what then.
            again = connection.exec_driver_sql(statement, _plain(parameters))
            return [tuple(row) for row in again]
        for listener in connection.dispatch.after_cursor_execute:
            listener(connection, cursor, statement, parameters, None, False)
    finally:
        cursor.close()
    return rows


def _plain(parameters: Parameters) -> Any:  # noqa: ANN401 - what SQLAlchemy takes
    return dict(parameters) if isinstance(parameters, Mapping) else tuple(parameters)
