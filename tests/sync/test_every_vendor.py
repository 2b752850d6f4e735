"""Every vendor's plugin between its simulator and the books, by its conformance class.

What vanishes or changes its id at the vendor does so in the books; faults in
mid-listing cost nothing; a wrong page is never called complete.
"""

from __future__ import annotations

import importlib.util
import sqlite3
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from entrepot.app import build_hub
from entrepot.sdk.conformance import Harness, PluginConformance
from entrepot.sdk.conformance.listings import records
from entrepot.sdk.conformance.words import words_of
from entrepot.sdk.model import PluginKind, SubscriptionStatus
from entrepot.sdk.simulator import Fault

ROOT = Path(__file__).resolve().parents[2]
MOVES = ("vanish_subscription", "rekey_subscription")
PASSING = {
    "token expiry": {"kind": "token_expiry", "skip": 2},
    "cut page": {"kind": "truncated", "skip": 1},
    "reset": {"kind": "reset", "skip": 3},
    "503": {"kind": "status", "status": 503, "skip": 2},
}
BOOKKEEPING = ("sync_", "audit_", "job_", "quota_", "connection", "worker", "sqlite_")
WRONG = {
    "page before once more": {"kind": "repeated_page", "skip": 1},
    "page left out": {"kind": "missing_page", "skip": 1},
}


def kits():
    """The conformance classes of all vendors in this repository, by name."""
    found = {}
    for path in sorted(ROOT.glob("plugins/*/tests/test_*_conformance.py")):
        spec = importlib.util.spec_from_file_location(f"kit_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        for kind in vars(module).values():
            own = isinstance(kind, type) and issubclass(kind, PluginConformance)
            if own and kind.plugin_name and _is_vendor(kind):
                found[kind.__name__] = kind
    return found


def _is_vendor(kind):
    return kind().plugin_info().kind is PluginKind.VENDOR


KITS = kits()


class Vendor:
    """A vendor's simulator, the hub's connection to it, and what it really holds."""

    def __init__(self, tools, kit, side, world, harness):
        self.tools, self.kit, self.side = tools, kit, side
        self.world, self.harness = world, harness

    def held(self):
        """Every subscription that the vendor shows, read without the hub."""
        return {one.vendor_id: one for one in records(self.harness, LISTING)}

    def sync(self):
        return self.world.sync(self.side)

    def tell_of_renewals(self):
        """Do what the job does that tells of the last run."""
        steps = self.world.hub.customer_notifications.steps
        steps.find(self.world.actor.tenant_id, self.world.ids[-1], "reading")

    def books(self):
        """Ids of the subscriptions that the books say are there."""
        sql = "SELECT vendor_id FROM subscription WHERE gone_at IS NULL"
        return {row[0] for row in self.world.rows(sql)}

    def count_writes(self):
        """Count every row that is written from now on, but for the run's own books."""
        sql = "SELECT name FROM sqlite_master WHERE type = 'table'"
        names = [name for (name,) in self.world.rows(sql)]
        with self.database() as opened:
            opened.execute("CREATE TABLE written (name TEXT)")
            for name in names:
                if name.startswith(BOOKKEEPING) or "search" in name:
                    continue
                for what in ("INSERT", "UPDATE", "DELETE"):
                    opened.execute(
                        f"CREATE TRIGGER {what}_{name} AFTER {what} ON {name} "
                        f"BEGIN INSERT INTO written VALUES ('{name}'); END"
                    )

    def written(self):
        """Rows written since then, by table."""
        sql = "SELECT name, count(*) FROM written GROUP BY name"
        return dict(self.world.rows(sql))

    def database(self):
        return sqlite3.connect(self.world.hub.store.engine.url.database)

    def plan(self, **fault):
        planned = {"path": self.kit.data_paths, **fault}
        return self.side.simulator.faults.add(Fault(**planned))


LISTING = "list_subscriptions"


@pytest.fixture
def database_kind():
    """One database is enough: other tests of syncing prove both."""
    return "sqlite"


@pytest.fixture(params=sorted(KITS))
def vendor(request, settings, clock, tenant, stage):
    plugins = request.config.pluginmanager.get_plugins()
    wanted = str(Path(__file__).with_name("conftest.py"))
    tools = next(one for one in plugins if getattr(one, "__file__", "") == wanted)
    kit = KITS[request.param]()
    options = replace(kit.options, start=tools.NOW, frozen=True)
    running = stage.enter_context(kit.build_simulator(options).running())
    hub = build_hub(settings, clock=clock)
    stage.callback(hub.close)
    side = tools.Side(kit.plugin_name, running.simulator, running.base_url)
    world = tools.World(hub, tools.person(tenant), side, None, clock)
    side.connection = hub.connections.add(
        world.actor,
        plugin=kit.plugin_name,
        name="Vendor",
        values=kit.connect(running.simulator, running.base_url),
        quotas=dict.fromkeys(key.name for key in kit.plugin_info().quotas),
    )
    values = kit.connect(running.simulator, running.base_url)
    harness = Harness(kit.plugin_object(), values, running.simulator.clock.now)
    harness.sample = 1000
    stage.callback(harness.close)
    return Vendor(tools, kit, side, world, harness)


def assert_support_sees_what_the_vendor_sends(vendor):
    sql = "SELECT id, vendor_id FROM subscription WHERE status = 'active' LIMIT 1"
    ((ours, theirs),) = vendor.world.rows(sql)
    record = vendor.world.hub.records.read(vendor.world.actor, ours)
    assert record.found
    assert theirs.rpartition("/")[2] in "".join(
        f"{one.address} {one.body}" for one in record.exchanges
    )


def test_books_follow_what_vanishes_and_what_moves(vendor):
    assert vendor.sync().state == "complete"
    assert vendor.books() == vendor.held().keys()
    assert_support_sees_what_the_vendor_sends(vendor)
    words = [one for one in words_of(vendor.harness.info) if one in MOVES]
    for word in words:
        if word in vendor.kit.exempt:
            continue
        held = vendor.held().values()
        one = next(s for s in held if s.status is SubscriptionStatus.ACTIVE)
        ids = {"customer_id": one.customer_id, "subscription_id": one.vendor_id}
        told = vendor.kit.play(vendor.side.simulator, word, **ids)
        for _ in range(3):  # gone means missing twice
            run = vendor.sync()
        assert (run.state, run.incomplete_reason) == ("complete", ""), word
        assert vendor.books() == vendor.held().keys(), word
        if word == "rekey_subscription":
            assert told["subscription_id"] in vendor.books()


def test_faults_in_mid_listing_cost_nothing_and_wrong_pages_end_nothing(
    vendor, monkeypatch
):
    # Time stands still: what it brings at the vendor would be written, and rightly.
    monkeypatch.setattr(vendor.world, "tick", lambda **_: None)
    assert vendor.sync().state == "complete"
    # Of what is near already people are told once.
    vendor.tell_of_renewals()
    truth = vendor.held().keys()
    vendor.count_writes()
    for name, fault in PASSING.items():
        planned = vendor.plan(**fault)
        run = vendor.sync()
        assert (run.state, run.incomplete_reason) == ("complete", ""), name
        assert planned.fired, f"{name} struck nothing"
        assert vendor.books() == truth, name
        assert vendor.written() == {}, f"{name}: nothing had changed"
    monkeypatch.undo()
    for name, fault in WRONG.items():
        vendor.side.simulator.faults.clear()
        vendor.plan(**fault)
        run = vendor.sync()
        assert vendor.books() >= truth, f"{name} ended something"
        assert run.complete or run.incomplete_reason, f"{name}: {run}"
    vendor.side.simulator.faults.clear()
    healed = vendor.sync()
    assert (healed.state, healed.incomplete_reason) == ("complete", "")
    assert vendor.books() == truth


class Killed(BaseException):
    """The process dies here; nothing catches it."""


def die_after(hub, calls):
    """Let the plugin be asked some more times, then never again."""
    border, left = hub.plugins._border, iter(range(calls))
    ask = border.ask_any

    def dying(hook, ctx, **arguments):
        if next(left, None) is None:
            raise Killed
        return ask(hook, ctx, **arguments)

    border.ask_any = dying


def test_a_run_that_was_cut_off_is_finished_by_another_hub(
    vendor, settings, clock, stage
):
    world = vendor.world
    identity = (world.actor.tenant_id, vendor.side.connection.id)
    run = vendor.tools.RunInfo("run-that-dies", *identity)
    opened = world.step(world.hub.sync.steps.open_run, run, "full", "", "crawl", "test")
    die_after(world.hub, calls=4)
    with pytest.raises(Killed):
        world._read(run, opened, "")
    del world.hub.plugins._border.ask_any
    world.hub = build_hub(settings, clock=clock)
    stage.callback(world.hub.close)
    feed_at, followed = world._read(run, opened, "")
    close = partial(world.hub.sync.steps.close_run, followed=followed)
    world.step(close, run, feed_at)
    ended = world.hub.sync.run(world.actor, run.run_id)
    assert (ended.state, ended.incomplete_reason) == ("complete", "")
    assert vendor.books() == vendor.held().keys()
    twice = (
        "SELECT object_id FROM subscription_fact GROUP BY object_id HAVING count(*) > 1"
    )
    assert world.rows(twice) == []
