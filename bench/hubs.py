"""Hubs for cells: the product's own, on a database that a template was made of."""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from entrepot.app import Hub, build_hub
from entrepot.hub.sync.intake import RunInfo
from entrepot.hub.tenants.tables import Tenant
from entrepot.jobs import migrate_engine
from entrepot.sdk.context import Clock
from entrepot.store import Settings, SystemScope, new_id, system_actor
from entrepot.store.keys import new_keys
from entrepot.store.migrations.run import upgrade

from bench import gen
from bench.plugin import BenchPsa, BenchVendor

importlib.import_module("entrepot.hub.tables")


def settings_of(url: str, folder: Path) -> Settings:
    """Settings of a hub whose keys lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = folder / "keys"
    if not keys.exists():
        keys.write_text("\n".join(key.text() for key in new_keys()) + "\n")
        keys.chmod(0o600)
    return Settings(
        database_url=url,
        data_dir=folder,
        keys_file=keys,
        environment="test",
        allow_private_targets=True,
        database_pool=4,
    )


@contextmanager
def hub_on(
    url: str,
    folder: Path,
    plugin: BenchVendor | None = None,
    clock: Clock | None = None,
) -> Iterator[Hub]:
    """A hub with the bench's plugin."""
    plugins = {"bench": plugin or BenchVendor(), "benchpsa": BenchPsa()}
    hub = build_hub(settings_of(url, folder), plugins=plugins, clock=clock)
    try:
        yield hub
    finally:
        hub.close()


def prepare(url: str, folder: Path) -> str:
    """Migrate a new database and add a reseller; returns the reseller's id."""
    settings = settings_of(url, folder)
    upgrade(settings)
    # A large sync leaves its customers' counters to a job.
    migrate_engine(settings)
    with hub_on(url, folder) as hub:
        tenant = new_id("ten")
        with hub.store.unit(SystemScope("bench")) as session:
            session.add(
                Tenant(
                    id=tenant,
                    slug="bench",
                    name="Bench",
                    status="active",
                    billing_zone="UTC",
                    created_at=hub.clock.now(),
                )
            )
    return tenant


def connect(hub: Hub, tenant: str, vendor: str, content_hash: str = "raw") -> str:
    """Add the connection to the bench's vendor; returns its id."""
    values = {"base_url": vendor, "content_hash": content_hash}
    actor = system_actor("bench", tenant)
    added = hub.connections.add(actor, plugin="bench", name="One", values=values)
    return str(added.id)


def sync(hub: Hub, tenant: str, connection: str) -> dict[str, Any]:
    """A whole run by the steps of the product's job, without the engine around it."""
    run = RunInfo(new_id("run"), tenant, connection)
    steps = hub.sync.steps
    opened = steps.open_run(run, "full", "", "crawl", "bench")
    for name, per in opened["streams"]:
        while not steps.crawl(run, name, per, lambda *_: None, lambda: False):
            pass
        steps.finish_stream(run, name, per)
    closed: dict[str, Any] = steps.close_run(run, opened["at"])
    return closed


class Books:
    """A database seen from outside, for proofs."""

    def __init__(self, url: str) -> None:
        self._sqlite = url.startswith("sqlite")
        self._connection: Any = (
            sqlite3.connect(url.removeprefix("sqlite:///"))
            if self._sqlite
            else psycopg.connect(url.replace("postgresql+psycopg", "postgresql"))
        )

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """Rows of a statement, a piece at a time."""
        if self._sqlite:
            yield from self._connection.execute(sql)
            return
        with self._connection.cursor("bench_rows") as cursor:
            cursor.itersize = 20_000
            cursor.execute(sql)
            yield from cursor

    def one(self, sql: str) -> Any:
        """The single value of a statement."""
        return next(iter(self.rows(sql)))[0]

    def checksum(self, table: str = "subscription") -> int:
        """The checksum of what the books hold; see `gen.checksum`."""
        total = 0
        for vendor, quantity, price in self.rows(
            f"SELECT vendor_id, quantity, unit_cost FROM {table}"
        ):
            total += gen.digest(vendor, int(quantity) // 10**10, int(price))
        return total % 2**64

    def close(self) -> None:
        """Let go."""
        self._connection.close()


@contextmanager
def books(url: str) -> Iterator[Books]:
    """A database seen from outside."""
    found = Books(url)
    try:
        yield found
    finally:
        found.close()
