"""Cells that run the product: its own code on its own tables, nothing bypassed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench import hubs
from bench.measure import measured

BOOKKEEPING = (
    "sync_",
    "audit_",
    "job_",
    "workflow_",  # a run that tells people of the changes: one, however many they are
    "quota_",
    "connection",
    "worker",
)
"""Tables that record the run itself; everything else holds what the vendor said."""


def prepare(url: str, folder: str, vendor: str, content_hash: str) -> dict[str, Any]:
    """Make the database a sync starts from: schema, reseller, connection."""
    home = Path(folder)
    tenant = hubs.prepare(url, home)
    with hubs.hub_on(url, home) as hub:
        connection = hubs.connect(hub, tenant, vendor, content_hash)
    return {"tenant": tenant, "connection": connection}


def sync(
    url: str,
    folder: str,
    tenant: str,
    connection: str,
    *,
    pg: int = 0,
    vendor: int = 0,
    truth: int | None = None,
    count: int = 0,
) -> dict[str, Any]:
    """One whole sync; proves row count and checksum against the vendor's truth."""
    home = Path(folder)
    result: dict[str, Any] = {}
    written = Written(url)
    with hubs.hub_on(url, home) as hub:
        open_pools(hub, tenant)
        others = (vendor,) if vendor else ()
        with measured(result, pg=pg, others=others):
            closed = hubs.sync(hub, tenant, connection)
    result["counts"] = closed["counts"]
    result["state"] = closed["state"]
    result["written"] = written.since()
    if truth is not None:
        with hubs.books(url) as books:
            result["rows"] = books.one("SELECT count(*) FROM subscription")
            result["right"] = books.checksum() == truth and result["rows"] == count
    else:
        result["right"] = True
    result["right"] = result["right"] and closed["state"] == "complete"
    return result


def open_pools(hub: Any, tenant: str) -> None:
    """Let imports and first connections happen before the clock starts."""
    from entrepot.store import TenantScope

    with hub.store.read(TenantScope(tenant)):
        pass


class Written:
    """Counts rows written, by table: statistics on PostgreSQL, triggers on SQLite."""

    def __init__(self, url: str) -> None:
        self._url, self._sqlite = url, url.startswith("sqlite")
        if self._sqlite:
            self._install()
        self._before = self._now()

    def _install(self) -> None:
        import sqlite3

        with sqlite3.connect(self._url.removeprefix("sqlite:///")) as opened:
            found = opened.execute("SELECT name FROM sqlite_master WHERE type='table'")
            names = [name for (name,) in found if self._counted(name)]
            if "bench_written" in {name for (name,) in opened.execute(_ALL)}:
                return
            opened.execute("CREATE TABLE bench_written (name TEXT PRIMARY KEY, n INT)")
            for name in names:
                opened.execute("INSERT INTO bench_written VALUES (?, 0)", (name,))

    def watch(self) -> None:
        """On SQLite: count from now on. It costs time, so never where time counts."""
        import sqlite3

        if not self._sqlite:
            return
        with sqlite3.connect(self._url.removeprefix("sqlite:///")) as opened:
            names = opened.execute("SELECT name FROM bench_written").fetchall()
            for (name,) in names:
                for what in ("INSERT", "UPDATE", "DELETE"):
                    opened.execute(
                        f"CREATE TRIGGER IF NOT EXISTS bench_{what}_{name} "
                        f"AFTER {what} ON {name} BEGIN UPDATE bench_written "
                        f"SET n = n + 1 WHERE name = '{name}'; END"
                    )
        self._before = self._now()

    @staticmethod
    def _counted(name: str) -> bool:
        plain = not name.startswith(("sqlite_", "bench_", "alembic"))
        return plain and "fts" not in name and "search" not in name

    def _now(self) -> dict[str, int]:
        sql = (
            "SELECT name, n FROM bench_written"
            if self._sqlite
            else "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del "
            "FROM pg_stat_user_tables WHERE schemaname = 'public'"
        )
        with hubs.books(self._url) as books:
            return {str(name): int(count) for name, count in books.rows(sql)}

    def since(self) -> dict[str, int]:
        """Rows written since the beginning, by table; only tables that were."""
        now = self._now()
        gained = {name: n - self._before.get(name, 0) for name, n in now.items()}
        return {name: n for name, n in sorted(gained.items()) if n}


_ALL = "SELECT name FROM sqlite_master"


def rows_written(
    url: str, folder: str, tenant: str, connection: str, **_: Any
) -> dict[str, Any]:
    """A delta sync whose every written row is counted; not timed."""
    home = Path(folder)
    written = Written(url)
    written.watch()
    with hubs.hub_on(url, home) as hub:
        closed = hubs.sync(hub, tenant, connection)
    found = written.since()
    facts = {n: c for n, c in found.items() if not n.startswith(BOOKKEEPING)}
    return {"written": facts, "bookkeeping": found, "state": closed["state"]}
