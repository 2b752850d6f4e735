"""How a unit of work begins and ends in each database, with the fewest round trips.

Every page and every API call pays for this, so what needs no result goes past
SQLAlchemy to the driver.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from entrepot.store.engine import WEB_ROLE
from entrepot.store.scope import Scope, TenantScope

_COMMAND_OK = 1
_SNAPSHOT = "ISOLATION LEVEL REPEATABLE READ READ ONLY"


def read_sqlite(connection: Connection, *, switch: bool) -> None:
    """Begin a snapshot in which writing fails.

    Args:
        connection: A connection at rest.
        switch: Whether it is one that may write otherwise.
    """
    driver = _driver(connection)
    if switch:
        driver.execute("PRAGMA query_only=ON")
    driver.execute("BEGIN")


def open_postgresql(
    connection: Connection, scope: Scope, *, web: bool, readonly: bool
) -> None:
    """Begin a transaction of a scope: its mode, its role, its reseller.

    Args:
        connection: A connection at rest.
        scope: Whose rows it may touch.
        web: Whether row-level security binds it.
        readonly: Whether it is a snapshot in which writing fails.
    """
    statements = opening(scope, web=web)
    if readonly:
        # One round trip with BEGIN, which the driver would send by itself before.
        begin = f"BEGIN {_SNAPSHOT}; {statements}"
        done = _driver(connection).pgconn.exec_(begin.encode())
        if done.status == _COMMAND_OK:
            return
        # It fails again below, where the failure is understood.
        statements = f"SET TRANSACTION {_SNAPSHOT}; {statements}"
    connection.exec_driver_sql(statements)


def end_read(connection: Connection, *, switch: bool) -> None:
    """End a snapshot, whether or not SQLAlchemy knows that one was begun.

    Args:
        connection: The connection of the snapshot.
        switch: Whether it may write again, on SQLite.
    """
    driver = _driver(connection)
    driver.rollback()
    if switch and connection.dialect.name == "sqlite":
        driver.execute("PRAGMA query_only=OFF")


def opening(scope: Scope, *, web: bool) -> str:
    """Return the statements that bind a transaction on PostgreSQL to a scope."""
    tenant = scope.tenant_id if isinstance(scope, TenantScope) else ""
    parts = [f"SET LOCAL ROLE {WEB_ROLE if tenant else 'NONE'}"] if web else []
    quoted = tenant.replace("'", "''")
    parts.append(f"SET LOCAL entrepot.tenant = '{quoted}'")
    return "; ".join(parts)


def _driver(connection: Connection) -> Any:  # noqa: ANN401 - the driver's connection
    return connection.connection.driver_connection
