"""PostgreSQL at its best: COPY of ready bytes, in the shape of the product's tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from bench.measure import measured

PAIRS = (("subscription", "lim_row"), ("subscription_fact", "lim_fact"))


def export(url: str, folder: str) -> dict[str, Any]:
    """Write the bytes of a synced database to files; four per pair of tables."""
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for table, name in PAIRS:
            _dump(cursor, f"COPY {table} TO STDOUT", home / f"{name}.a")
        names = _columns(cursor, "subscription")
        other = ", ".join(_shifted(name) for name in names)
        _dump(
            cursor,
            f"COPY (SELECT {other} FROM subscription) TO STDOUT",
            home / "lim_row.b",
        )
        count = cursor.execute("SELECT count(*) FROM subscription").fetchone()
    return {"rows": count[0] if count else 0}


def _shifted(name: str) -> str:
    """Another version of a row: other content, other hash."""
    changed = {
        "row_hash": "row_hash # 1",
        "quantity": "quantity + 10000000000",
        "known_at": "known_at + interval '1 hour'",
    }
    return changed.get(name, f'"{name}"')


def _columns(cursor: Any, table: str) -> list[str]:
    found = cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s "
        "ORDER BY ordinal_position",
        (table,),
    )
    return [name for (name,) in found.fetchall()]


def _dump(cursor: Any, statement: str, path: Path) -> None:
    with cursor.copy(statement) as copy, path.open("wb") as stream:
        for piece in copy:
            stream.write(piece)


def load(
    url: str, folder: str, *, indexed: bool, facts: bool, pg: int, count: int
) -> dict[str, Any]:
    """COPY into empty tables, in one transaction."""
    pairs = PAIRS if facts else PAIRS[:1]
    contents = [(Path(folder) / f"{name}.a").read_bytes() for _, name in pairs]
    including = "INCLUDING ALL" if indexed else ""
    result: dict[str, Any] = {}
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for table, name in pairs:
            cursor.execute(f"DROP TABLE IF EXISTS {name}")
            cursor.execute(f"CREATE TABLE {name} (LIKE {table} {including})")
        connection.commit()
        connection.execute("SELECT 1")
        with measured(result, pg=pg):
            for (_, name), content in zip(pairs, contents, strict=True):
                _send(cursor, f"COPY {name} FROM STDIN", content)
            connection.commit()
        _check(cursor, result, pairs, count)
    return result


def upsert(url: str, folder: str, *, pg: int, count: int, turn: int) -> dict[str, Any]:
    """COPY to a temporary table, upsert every row from there, COPY the facts."""
    home = Path(folder)
    result: dict[str, Any] = {}
    content = (home / f"lim_row.{'ab'[turn % 2]}").read_bytes()
    facts = (home / "lim_fact.a").read_bytes()
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS lim_fact")
        cursor.execute("CREATE TABLE lim_fact (LIKE subscription_fact INCLUDING ALL)")
        names = [f'"{name}"' for name in _columns(cursor, "lim_row")]
        connection.commit()
        sets = ", ".join(
            f"{name} = excluded.{name}" for name in names if name != '"id"'
        )
        with measured(result, pg=pg):
            cursor.execute(
                "CREATE TEMP TABLE lim_stage ON COMMIT DROP AS "
                "SELECT * FROM lim_row WITH NO DATA"
            )
            _send(cursor, "COPY lim_stage FROM STDIN", content)
            cursor.execute(
                f"INSERT INTO lim_row SELECT * FROM lim_stage "
                f"ON CONFLICT (connection_id, vendor_id) DO UPDATE SET {sets} "
                "WHERE lim_row.row_hash <> excluded.row_hash"
            )
            result["updated"] = cursor.rowcount
            _send(cursor, "COPY lim_fact FROM STDIN", facts)
            connection.commit()
        _check(cursor, result, PAIRS, count)
    result["right"] = result["right"] and result["updated"] == count
    return result


def _send(cursor: Any, statement: str, content: bytes) -> None:
    view = memoryview(content)
    with cursor.copy(statement) as copy:
        for start in range(0, len(view), 1 << 18):
            copy.write(view[start : start + (1 << 18)])


def _check(cursor: Any, result: dict[str, Any], pairs: Any, count: int) -> None:
    for _, name in pairs:
        found = cursor.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
        result["right"] = result.get("right", True) and found == count
