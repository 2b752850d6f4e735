"""Backup and restore of a PostgreSQL database: one snapshot, COPY for each table."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.engine import make_url

from entrepot.hub.backup.archive import (
    ArchiveWriter,
    BackupInvalid,
    Manifest,
    Member,
    blocks_of,
)
from entrepot.sdk.errors import Conflict
from entrepot.store.ids import new_id
from entrepot.store.migrations.filters import ENGINE_SCHEMA
from entrepot.store.state import WRITES_PAUSED

SCHEMAS = ("public", ENGINE_SCHEMA)
_PERMIT = "public.erasure_permit"
_ALWAYS_FILLED = {"public.alembic_version", "public.hub_state", _PERMIT}

Driver = psycopg.Connection[tuple[Any, ...]]


def connect(url: str) -> Driver:
    """Return a driver connection to the database of a SQLAlchemy address."""
    plain = make_url(url).set(drivername="postgresql")
    return psycopg.connect(plain.render_as_string(hide_password=False))


def write(
    driver: Driver, tables: Iterable[str], writer: ArchiveWriter
) -> dict[str, int]:
    """Add every table's rows as of the driver's snapshot.

    Args:
        driver: In a REPEATABLE READ transaction.
        tables: ``schema.table`` names, parents first.
        writer: The archive.

    Returns:
        The number of rows of every table.
    """
    rows = {}
    for table in tables:
        columns = _columns(driver, table)
        statement = sql.SQL("COPY {} ({}) TO STDOUT").format(
            _name(table), _list(columns)
        )
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            name = f"{table}.copy"
            member = writer.add(name, copy, table=table, columns=columns)
        rows[table] = member.rows
    return rows


def ordered_tables(engine: Engine) -> list[str]:
    """Return ``schema.table`` of everything to back up, parents before children."""
    found: list[str] = []
    with engine.connect() as connection:
        for schema in SCHEMAS:
            found += [f"{schema}.{name}" for name in _sorted(connection, schema)]
    return found


def _sorted(connection: Connection, schema: str) -> list[str]:
    inspector = inspect(connection)
    if schema not in inspector.get_schema_names():
        return []
    pairs = inspector.get_sorted_table_and_fkc_names(schema=schema)
    return [name for name, _ in pairs if name is not None]


def needed_keys(driver: Driver) -> tuple[str, ...]:
    """Return the ids of the keys that secrets in the snapshot are sealed with."""
    query = "SELECT DISTINCT key_id FROM connection_secret ORDER BY 1"
    return tuple(key for (key,) in driver.execute(query))


def sequences(driver: Driver) -> dict[str, int]:
    """Return the last value of every sequence that was used."""
    query = (
        "SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences "
        "WHERE schemaname = ANY(%s) AND last_value IS NOT NULL"
    )
    return {name: int(value) for name, value in driver.execute(query, (list(SCHEMAS),))}


def restore(
    path: Path,
    manifest: Manifest,
    driver: Any,  # noqa: ANN401 - the driver connection inside SQLAlchemy's
    *,
    replace: bool,
) -> None:
    """Fill a database of the right schema from an archive.

    Args:
        path: The archive.
        manifest: Its manifest.
        driver: The owner's, in a transaction, at the manifest's revision.
        replace: Whether data in it may be replaced.

    Raises:
        Conflict: The database holds data and may not be replaced.
        BackupInvalid: A table is missing in the schema, or rows got lost.
    """
    tables = [member.table for member in manifest.members]
    _require_tables(path, driver, tables)
    if not replace:
        _require_empty(driver, tables)
    _clear(driver, tables)
    with zipfile.ZipFile(path) as archive:
        for member in manifest.members:
            _load(archive, driver, member)
    for name, value in manifest.sequences.items():
        driver.execute("SELECT setval(%s::regclass, %s)", (name, value))
    _verify(path, driver, manifest)
    driver.execute(
        "INSERT INTO hub_state (key, value) VALUES (%s, 'restored') "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (WRITES_PAUSED,),
    )


def _columns(driver: Driver, table: str) -> tuple[str, ...]:
    query = (
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass "
        "AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
    )
    return tuple(name for (name,) in driver.execute(query, (table,)))


def _require_tables(path: Path, driver: Driver, tables: list[str]) -> None:
    for table in tables:
        row = driver.execute("SELECT to_regclass(%s)", (table,)).fetchone()
        if row is None or row[0] is None:
            raise BackupInvalid(path, f"this version of the hub has no table {table}")


def _require_empty(driver: Driver, tables: list[str]) -> None:
    for table in tables:
        if table in _ALWAYS_FILLED or table.startswith(f"{ENGINE_SCHEMA}."):
            continue
        query = sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(_name(table))
        row = driver.execute(query).fetchone()
        if row is not None and row[0]:
            raise Conflict(
                "database_not_empty",
                f"The database already holds data (table {table}).",
                remedy="Restore into an empty database, or replace it with --replace.",
            )


def _clear(driver: Driver, tables: list[str]) -> None:
    """Empty every table; the permit lifts the append-only triggers meanwhile."""
    permit = new_id("erp")
    driver.execute("INSERT INTO erasure_permit VALUES (%s, 'restore')", (permit,))
    names = sql.SQL(", ").join(_name(table) for table in tables if table != _PERMIT)
    driver.execute(sql.SQL("TRUNCATE {}").format(names))
    driver.execute("DELETE FROM erasure_permit")


def _load(archive: zipfile.ZipFile, driver: Driver, member: Member) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        _name(member.table), _list(member.columns)
    )
    with (
        archive.open(member.name) as stream,
        driver.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for block in blocks_of(stream):
            copy.write(block)


def _verify(path: Path, driver: Driver, manifest: Manifest) -> None:
    for table, expected in manifest.rows.items():
        query = sql.SQL("SELECT count(*) FROM {}").format(_name(table))
        row = driver.execute(query).fetchone()
        if row is None or row[0] != expected:
            raise BackupInvalid(path, f"rows of {table} got lost")


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split(".", 1))


def _list(columns: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
