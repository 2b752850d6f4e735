"""What metadata can't say: triggers, roles, policies, extensions.

Everything here can be run again on a database that has it already.
"""

# ruff: noqa: S608 - names of our own tables, from the metadata

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, MetaData, Table, text
from sqlalchemy.exc import ProgrammingError

from entrepot.store.base import tenant_tables
from entrepot.store.engine import WEB_ROLE
from entrepot.store.settings import SettingsInvalid

EXTENSIONS = ("pg_trgm", "btree_gin")
"""PostgreSQL extensions that make substring search fast; used if they are there."""

_FUNCTION = "entrepot_append_only"
_REFUSED = "is append-only: add a new row instead"


def append_only_tables(metadata: MetaData) -> list[str]:
    """Return the tables whose rows never change, sorted.

    Those are all tables called ``..._fact`` and those marked with
    ``info={"append_only": True}``.
    """
    return sorted(
        name for name, table in metadata.tables.items() if _append_only(table)
    )


def _append_only(table: Table) -> bool:
    return table.name.endswith("_fact") or bool(table.info.get("append_only"))


def install(
    connection: Connection, owned: Mapping[str, str], append_only: Iterable[str]
) -> None:
    """Add extensions, role, policies and triggers.

    Args:
        connection: Inside the migration's transaction.
        owned: Reseller-owned tables with their reseller column.
        append_only: Tables whose rows never change.
    """
    if connection.dialect.name == "sqlite":
        for table in append_only:
            _sqlite_triggers(connection, table)
        return
    _extensions(connection)
    _web_role(connection)
    _append_only_function(connection)
    for table, column in owned.items():
        _policy(connection, table, column)
    for table in append_only:
        _postgresql_trigger(connection, table)


def install_from(connection: Connection, metadata: MetaData) -> None:
    """Add the same for everything in ``metadata``."""
    install(connection, tenant_tables(metadata), append_only_tables(metadata))


def uninstall(connection: Connection) -> None:
    """Remove what dropping the tables leaves behind.

    The role stays: it belongs to the server, and other databases may use it.
    """
    if connection.dialect.name == "sqlite":
        return
    connection.execute(
        text(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public "
            f"REVOKE ALL ON TABLES FROM {WEB_ROLE}"
        )
    )
    connection.execute(
        text(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public "
            f"REVOKE ALL ON SEQUENCES FROM {WEB_ROLE}"
        )
    )
    connection.execute(text(f"DROP FUNCTION IF EXISTS {_FUNCTION}()"))


def _sqlite_triggers(connection: Connection, table: str) -> None:
    for change in ("UPDATE", "DELETE"):
        connection.execute(
            text(
                f"CREATE TRIGGER IF NOT EXISTS {table}_no_{change.lower()} "
                f"BEFORE {change} ON {table} "
                "WHEN NOT EXISTS (SELECT 1 FROM erasure_permit) "
                f"BEGIN SELECT RAISE(ABORT, '{table} {_REFUSED}'); END"
            )
        )


def _postgresql_trigger(connection: Connection, table: str) -> None:
    connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}"))
    connection.execute(
        text(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()"
        )
    )


def _append_only_function(connection: Connection) -> None:
    connection.execute(
        text(
            f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger "
            "LANGUAGE plpgsql AS $$ BEGIN "
            "IF NOT EXISTS (SELECT 1 FROM erasure_permit) THEN "
            f"RAISE EXCEPTION '% {_REFUSED}', TG_TABLE_NAME; "
            "END IF; RETURN NULL; END $$"
        )
    )


def _web_role(connection: Connection) -> None:
    known = connection.execute(
        text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": WEB_ROLE}
    ).scalar()
    if not known:
        _as_administrator(
            connection, f"CREATE ROLE {WEB_ROLE} NOLOGIN NOBYPASSRLS NOINHERIT"
        )
    member = connection.execute(
        text("SELECT pg_has_role(current_user, :name, 'MEMBER')"), {"name": WEB_ROLE}
    ).scalar()
    if not member:
        _as_administrator(connection, f"GRANT {WEB_ROLE} TO CURRENT_USER")
    rights = "SELECT, INSERT, UPDATE, DELETE"
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {WEB_ROLE}",
        f"GRANT {rights} ON ALL TABLES IN SCHEMA public TO {WEB_ROLE}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {WEB_ROLE}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public "
        f"GRANT {rights} ON TABLES TO {WEB_ROLE}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public "
        f"GRANT USAGE, SELECT ON SEQUENCES TO {WEB_ROLE}",
        # Reading is enough for the triggers; writing would lift them.
        f"REVOKE INSERT, UPDATE, DELETE ON erasure_permit FROM {WEB_ROLE}",
        f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {WEB_ROLE}",
    ):
        connection.execute(text(statement))


def _as_administrator(connection: Connection, statement: str) -> None:
    """Run a statement that may need a right which the hub's account lacks.

    Raises:
        SettingsInvalid: It does; the text holds what the administrator must run.
    """
    try:
        with connection.begin_nested():
            connection.execute(text(statement))
    except ProgrammingError as error:
        raise SettingsInvalid(
            "database_url",
            "the database account may not prepare the role of web processes.",
            "Let the database's administrator run: "
            f"CREATE ROLE {WEB_ROLE} NOLOGIN; GRANT {WEB_ROLE} TO "
            f"{connection.execute(text('SELECT current_user')).scalar()};",
        ) from error


def _policy(connection: Connection, table: str, column: str) -> None:
    mine = f"{column} = current_setting('entrepot.tenant', true)"
    connection.execute(text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))
    connection.execute(text(f"DROP POLICY IF EXISTS {table}_tenant ON {table}"))
    connection.execute(
        text(
            f"CREATE POLICY {table}_tenant ON {table} TO {WEB_ROLE} "
            f"USING ({mine}) WITH CHECK ({mine})"
        )
    )


def _extensions(connection: Connection) -> None:
    """Create what the server offers and remember what it doesn't."""
    for name in EXTENSIONS:
        offered = connection.execute(
            text("SELECT 1 FROM pg_available_extensions WHERE name = :name"),
            {"name": name},
        ).scalar()
        usable = bool(offered) and _create_extension(connection, name)
        connection.execute(
            text(
                "INSERT INTO hub_state (key, value) VALUES (:key, :value) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
            ),
            {"key": f"extension.{name}", "value": "yes" if usable else "no"},
        )


def _create_extension(connection: Connection, name: str) -> bool:
    """Return whether the extension is there now; the account may lack the right."""
    try:
        with connection.begin_nested():
            connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {name}"))
    except ProgrammingError:
        # Search works without it, slower; health and doctor show what is recorded.
        return False
    return True
