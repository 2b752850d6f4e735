"""Backup and restore of a SQLite file."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from entrepot.hub.backup.archive import (
    ArchiveWriter,
    BackupInvalid,
    Manifest,
    blocks_of,
)
from entrepot.sdk.errors import Conflict
from entrepot.store.state import WRITES_PAUSED

DATABASE = "entrepot.db"


@dataclass(frozen=True, slots=True)
class Written:
    """Number of rows of every table, and the keys that secrets are sealed with."""

    rows: dict[str, int]
    keys: tuple[str, ...]


def write(source: Path, writer: ArchiveWriter, folder: Path) -> Written:
    """Add a consistent copy of the database while others go on working.

    Args:
        source: The database file.
        writer: The archive.
        folder: Where the copy may lie meanwhile.

    Returns:
        What the copy holds.
    """
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        copy = Path(scratch) / DATABASE
        with (
            closing(sqlite3.connect(source, timeout=30)) as live,
            closing(sqlite3.connect(copy)) as target,
        ):
            # In one step: with several, every write by others starts it anew.
            live.backup(target)
            # Without the write-ahead log the copy is one file.
            target.execute("PRAGMA journal_mode=DELETE").fetchone()
            written = Written(count_rows(target), _needed_keys(target))
        with copy.open("rb") as stream:
            writer.add(DATABASE, blocks_of(stream))
    return written


def restore(path: Path, manifest: Manifest, target: Path, *, replace: bool) -> None:
    """Put the archive's database in the place of ``target``.

    The new file appears complete or not at all, with writes to vendors held back.

    Raises:
        Conflict: A hub is using the target, or it exists and may not be replaced.
        BackupInvalid: The copy in the archive is damaged.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(target):
        if target.exists() and not replace and not _is_empty(target):
            raise _not_empty(target)
        draft = target.with_name(f"{target.name}.restoring")
        _extract(path, draft)
        with closing(sqlite3.connect(draft)) as connection:
            _verify(path, connection, manifest)
            connection.execute(
                "INSERT INTO hub_state (key, value) VALUES (?, 'restored') "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (WRITES_PAUSED,),
            )
            connection.commit()
        for suffix in ("-wal", "-shm"):
            target.with_name(target.name + suffix).unlink(missing_ok=True)
        draft.replace(target)


def check(path: Path, manifest: Manifest, folder: Path) -> None:
    """Open the copy in the archive and compare it with the manifest.

    Raises:
        BackupInvalid: It is damaged or doesn't hold what the manifest says.
    """
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        copy = Path(scratch) / DATABASE
        _extract(path, copy)
        with closing(sqlite3.connect(copy)) as connection:
            _verify(path, connection, manifest)


def count_rows(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the number of rows of every table."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' "
        "AND name NOT LIKE 'sqlite_%' ORDER BY name"
    ).fetchall()
    return {name: _count(connection, name) for (name,) in names}


def _needed_keys(connection: sqlite3.Connection) -> tuple[str, ...]:
    query = "SELECT DISTINCT key_id FROM connection_secret ORDER BY 1"
    return tuple(key for (key,) in connection.execute(query))


def _count(connection: sqlite3.Connection, table: str) -> int:
    quoted = table.replace('"', '""')
    row = connection.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()  # noqa: S608 - a name from the catalogue
    return int(row[0])


def _verify(path: Path, connection: sqlite3.Connection, manifest: Manifest) -> None:
    try:
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
        found = count_rows(connection)
    except sqlite3.DatabaseError as error:
        raise BackupInvalid(path, f"its database is damaged ({error})") from error
    if verdict != "ok":
        raise BackupInvalid(path, f"its database is damaged ({verdict})")
    if found != manifest.rows:
        raise BackupInvalid(path, "its database lost rows")


def _extract(path: Path, target: Path) -> None:
    with (
        zipfile.ZipFile(path) as archive,
        archive.open(DATABASE) as stream,
        target.open("wb") as out,
    ):
        for block in blocks_of(stream):
            out.write(block)
        out.flush()
        os.fsync(out.fileno())


def _is_empty(target: Path) -> bool:
    with closing(sqlite3.connect(target)) as connection:
        rows = count_rows(connection)
    ignored = {"alembic_version", "hub_state"}
    return not any(count for name, count in rows.items() if name not in ignored)


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Hold the executor's lock, so that no worker writes while files are exchanged."""
    with target.with_name(f"{target.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Conflict(
                "hub_running",
                f"A hub is working on {target}.",
                remedy="Stop `entrepot serve` first, then restore.",
            ) from error
        yield


def _not_empty(target: Path) -> Conflict:
    return Conflict(
        "database_not_empty",
        f"{target} already holds data.",
        remedy="Restore into an empty place, or replace it with --replace.",
    )
