"""Indexes of trigrams, which metadata can't describe; see `entrepot.store.search`.

On SQLite the key table gives rows a number and keeps their texts side by side, since
rows of the table itself have no number that lasts and are wide.
"""

# ruff: noqa: S608 - names of our own tables, from the metadata

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

from entrepot.store.engine import WEB_ROLE

_EXTENSIONS = (
    "SELECT extname FROM pg_extension WHERE extname IN ('pg_trgm','btree_gin')"
)


def install(connection: Connection, searched: Mapping[str, str]) -> None:
    """Add the index of every searched table.

    Args:
        connection: Inside the migration's transaction.
        searched: Tables with the column that holds their text.
    """
    for table, column in searched.items():
        if connection.dialect.name == "sqlite":
            _sqlite(connection, table, column)
        else:
            _postgresql(connection, table, column)


def uninstall(connection: Connection, searched: Mapping[str, str]) -> None:
    """Remove what dropping the tables leaves behind."""
    for table in searched:
        if connection.dialect.name == "sqlite":
            connection.execute(text(f"DROP TABLE IF EXISTS {table}_search"))
            connection.execute(text(f"DROP TABLE IF EXISTS {table}_search_key"))
        else:
            connection.execute(
                text(f"DROP FUNCTION IF EXISTS entrepot_search_{table}(text, integer)")
            )


def _sqlite(connection: Connection, table: str, column: str) -> None:
    number = f"(SELECT number FROM {table}_search_key WHERE row_id = old.id)"
    forget = (
        f"INSERT INTO {table}_search ({table}_search, rowid, folded) "
        f"VALUES ('delete', {number}, old.{column});"
    )
    learn = (
        f"INSERT INTO {table}_search (rowid, folded) SELECT number, folded "
        f"FROM {table}_search_key WHERE row_id = new.id;"
    )
    for statement in (
        f"CREATE TABLE IF NOT EXISTS {table}_search_key (number INTEGER PRIMARY KEY, "
        "row_id TEXT NOT NULL UNIQUE, tenant_id TEXT NOT NULL, folded TEXT NOT NULL)",
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {table}_search USING fts5("
        f"folded, tokenize='trigram', content='{table}_search_key', "
        "content_rowid='number')",
        f"CREATE TRIGGER IF NOT EXISTS {table}_search_insert AFTER INSERT ON {table} "
        f"BEGIN INSERT INTO {table}_search_key (row_id, tenant_id, folded) "
        f"VALUES (new.id, new.tenant_id, new.{column}); {learn} END",
        f"CREATE TRIGGER IF NOT EXISTS {table}_search_update AFTER UPDATE OF {column} "
        f"ON {table} WHEN old.{column} IS NOT new.{column} BEGIN {forget} "
        f"UPDATE {table}_search_key SET folded = new.{column} WHERE row_id = new.id; "
        f"{learn} END",
        f"CREATE TRIGGER IF NOT EXISTS {table}_search_delete BEFORE DELETE ON {table} "
        f"BEGIN {forget} DELETE FROM {table}_search_key WHERE row_id = old.id; END",
    ):
        connection.exec_driver_sql(statement)


def _postgresql(connection: Connection, table: str, column: str) -> None:
    there = set(connection.execute(text(_EXTENSIONS)).scalars())
    if "pg_trgm" in there:
        first = "tenant_id, " if "btree_gin" in there else ""
        # A short list of what is pending: every search reads it, and without one a
        # load takes several times as long.
        connection.exec_driver_sql(
            f"CREATE INDEX IF NOT EXISTS {table}_search ON {table} "
            f"USING gin ({first}{column} gin_trgm_ops) "
            "WITH (fastupdate = on, gin_pending_list_limit = 512)"
        )
    # A LIKE is no leakproof operator: under row-level security no index would be
    # used for it. The function runs as the tables' owner and binds the reseller.
    name = f"entrepot_search_{table}"
    query = (
        f"SELECT id::text FROM {table} WHERE tenant_id = $2 AND {{column}} LIKE $1 "
        "LIMIT $3"
    )
    connection.exec_driver_sql(
        f"CREATE OR REPLACE FUNCTION {name}(pattern text, most integer) "
        "RETURNS SETOF text LANGUAGE plpgsql STABLE SECURITY DEFINER "
        "SET search_path = public AS $body$ BEGIN "
        "IF length(pattern) < 5 THEN RETURN QUERY EXECUTE "
        f"'{query.format(column=f'({column} || chr(32))')}' "
        "USING pattern, current_setting('entrepot.tenant', true), most; "
        "ELSE RETURN QUERY EXECUTE "
        f"'{query.format(column=column)}' "
        "USING pattern, current_setting('entrepot.tenant', true), most; "
        "END IF; END $body$"
    )
    for statement in (
        f"REVOKE ALL ON FUNCTION {name}(text, integer) FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {name}(text, integer) TO {WEB_ROLE}",
    ):
        connection.exec_driver_sql(statement)
