"""SQLite at its best: one executemany upsert of ready rows in one transaction."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from bench.measure import measured

TABLES = ("subscription", "subscription_fact")


def upsert(
    source: str, target: str, *, count: int, facts: bool = True
) -> dict[str, Any]:
    """Rows of a synced file into an empty file of the same schema.

    Args:
        source: Synced SQLite file.
        target: File to make.
        count: Rows that must be there afterwards.
        facts: Whether the history is written as well.
    """
    for old in Path(target).parent.glob(Path(target).name + "*"):
        old.unlink()
    tables = TABLES if facts else TABLES[:1]
    result: dict[str, Any] = {}
    with sqlite3.connect(source) as opened:
        schema = opened.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE "
            "'bench%' AND tbl_name IN (?, ?)",
            TABLES,
        ).fetchall()
        rows = {
            name: opened.execute(f"SELECT * FROM {name}").fetchall() for name in tables
        }
        statements = {name: _statement(opened, name) for name in tables}
    opened = sqlite3.connect(target, isolation_level=None)
    for (sql,) in schema:
        opened.execute(sql)
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "cache_size=-262144",
        "wal_autocheckpoint=50000",
    ):
        opened.execute(f"PRAGMA {pragma}")
    with measured(result):
        opened.execute("BEGIN IMMEDIATE")
        for name in tables:
            opened.executemany(statements[name], rows[name])
        opened.execute("COMMIT")
    found = [
        opened.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables
    ]
    result["right"] = found == [count] * len(tables)
    opened.close()
    return result


def _statement(opened: sqlite3.Connection, table: str) -> str:
    names = [row[1] for row in opened.execute(f"PRAGMA table_info({table})")]
    marks = ", ".join("?" * len(names))
    insert = f"INSERT INTO {table} VALUES ({marks})"
    if table != "subscription":
        return insert
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name != "id")
    return f"{insert} ON CONFLICT (connection_id, vendor_id) DO UPDATE SET {sets}"
