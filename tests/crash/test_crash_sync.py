"""A worker dies in the middle of a full sync over real HTTP; another finishes it.

Every plugin dies: the first of `LARGE` at many points over many objects, the others,
whose simulators are asked far more often for as much, at fewer points in a small world.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from entrepot.hub.sync.source import streams_of
from entrepot.sdk.conformance.harness import Harness, installed_plugin
from entrepot.sdk.conformance.listings import records
from entrepot.sdk.model import PluginKind
from entrepot.sdk.simulator import build_named
from entrepot.store import TenantScope

pytestmark = pytest.mark.heavy

QUEUE = "sync"
LARGE = "microsoft"
SMALL = ("aws", "connectwise", "google", "ibm")
SMALL_WORLD = {"customers": 4, "subscriptions": 24}
SCALE = 10**10


@dataclass(frozen=True)
class Books:
    """Where what was read stands, by what kind of plugin reads it."""

    stream: str
    listing: str
    table: str

    @property
    def facts(self) -> str:
        """Table of its history."""
        return f"{self.table}_fact"


VENDOR = Books("subscriptions", "list_subscriptions", "subscription")
PSA = Books("lines", "list_agreement_lines", "psa_line")


@dataclass(frozen=True)
class Side:
    """A served simulator and what it holds, read without any hub."""

    name: str
    vendor: Any
    info: Any
    books: Books
    held: dict[str, Decimal]
    requests: int


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Seeds for the large world; few of them, each another one, for the small ones."""
    kit = _kit(metafunc.config)
    found = kit.cases((LARGE, seed) for seed in range(kit.SEEDS))
    few = range(max(1, kit.SEEDS // 5))
    found += kit.cases(
        (name, number + 2 * one) for number, name in enumerate(SMALL) for one in few
    )
    names = ("plugin", "seed", "database_kind")
    metafunc.parametrize(names, found)


@pytest.fixture(scope="module")
def sides() -> Any:
    """Simulators by plugin, each the same for all seeds: reading changes nothing."""
    made: dict[str, Side] = {}
    yield made
    for side in made.values():
        side.vendor.stop()


@pytest.fixture
def side(plugin: str, sides: dict[str, Side], kit: Any) -> Side:
    """The plugin's simulator, and what it holds."""
    if plugin not in sides:
        large = {"customers": max(20, kit.SIZE // 20), "subscriptions": kit.SIZE}
        size = large if plugin == LARGE else SMALL_WORLD
        made = kit.serve(lambda options: build_named(plugin, options), **size)
        sides[plugin] = _looked_at(plugin, made)
    return sides[plugin]


def _looked_at(plugin: str, vendor: Any) -> Side:
    settings, now = vendor.sim.connection_settings(), vendor.sim.clock.now
    reader = Harness(installed_plugin(plugin), settings, now)
    reader.sample = 10**6
    books = PSA if reader.info.kind is PluginKind.PSA else VENDOR
    before = vendor.requests
    held = {one.vendor_id: one.quantity for one in records(reader, books.listing)}
    reader.close()
    return Side(plugin, vendor, reader.info, books, held, vendor.requests - before)


def _kit(config: pytest.Config) -> Any:
    wanted = str(Path(__file__).with_name("conftest.py"))
    plugins = config.pluginmanager.get_plugins()
    return next(one for one in plugins if getattr(one, "__file__", "") == wanted)


def _points(side: Side) -> dict[str, int]:
    """Fault points that an undisturbed run passes once, the worst first."""
    main = side.books.stream
    names = [f"step:crawl:{main}:after", "run:begun", "step:open_run:after"]
    for stream in streams_of(side.info):
        names += [f"step:crawl:{stream.name}:{when}" for when in ("before", "after")]
        names += [f"step:finish:{stream.name}:{when}" for when in ("before", "after")]
    names += ["step:close_run:before", "step:close_run:after", "run:before_close"]
    return dict.fromkeys(names, 1)


def test_sync_of_a_killed_worker_is_finished_by_another(
    seed, side, kit, theatre, settings
):
    kind = "sync" if side.name == LARGE else f"sync {side.name}"
    point = kit.kill_point(kind, seed, _points(side), side.requests)
    with kit.opened(settings) as hub:
        actor = kit.add_reseller(hub)
        connection = kit.connect(hub, actor, side.name, side.vendor)
        run_id = hub.sync.start(actor, connection, mode="full").run_id
        scope = TenantScope(actor.tenant_id)
        job = theatre.play(
            point,
            side.vendor,
            lambda: (r := hub.jobs.runs.get(scope, run_id)).ended_at and r,
        )
        assert (job.state, job.recovered) == ("succeeded", 1), f"{point}: {job}"
        run = hub.sync.run(actor, run_id)
        assert (run.state, run.complete) == ("complete", True), f"{point}: {run}"
        assert run.counts[side.books.stream].get("gone", 0) == 0
        _assert_books_are_right(kit, hub, side, str(point))
        audited = kit.rows(
            hub,
            "SELECT count(*) FROM audit_entry "
            f"WHERE action = 'sync.run' AND subject_id = '{connection}'",
        )
        assert audited == [(1,)], f"{point}: one entry per run"
        assert kit.chains_hold(hub)


def _assert_books_are_right(kit: Any, hub: Any, side: Side, point: str) -> None:
    """Exactly what the other side holds, each of it written once."""
    table, facts = side.books.table, side.books.facts
    sql = f"SELECT vendor_id, quantity FROM {table} WHERE gone_at IS NULL"
    rows = kit.rows(hub, sql)
    assert len(rows) == len(side.held), f"{point}: {len(rows)} rows"
    found = {vendor_id: Decimal(quantity) / SCALE for vendor_id, quantity in rows}
    assert found == side.held, point
    twice = kit.rows(
        hub, f"SELECT object_id FROM {facts} GROUP BY object_id HAVING count(*) > 1"
    )
    assert not twice, f"{point}: {len(twice)} written twice"
    assert kit.rows(hub, f"SELECT count(*) FROM {facts}") == [(len(side.held),)], point
