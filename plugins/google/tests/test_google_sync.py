"""A hub reads the partner account over real HTTP; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from entrepot.hub.sync.intake import RunInfo
from entrepot.store import FixedClock, system_actor

NOW = datetime(2026, 10, 14, 9, 30, tzinfo=UTC)


class Books:
    """A hub with one connection to the simulated partner account."""

    def __init__(self, hub: Any, tenant: str, vendor: Any) -> None:
        self.hub, self.vendor, self.runs = hub, vendor, 0
        self.actor = system_actor("tests", tenant)
        info = hub.plugins.info("google")
        self.connection = hub.connections.add(
            self.actor,
            plugin="google",
            name="Google",
            values={**vendor.sim.connection_settings(), "estate_check": "on"},
            quotas=dict.fromkeys(quota.name for quota in info.quotas),
        )

    def sync(self) -> Any:
        """A whole run by its steps."""
        steps = self.hub.sync.steps
        self.runs += 1
        run = RunInfo(f"run-{self.runs}", self.actor.tenant_id, self.connection.id)
        opened = steps.open_run(run, "full", "", "crawl", "test")
        for name, per in opened["streams"]:
            while not steps.crawl(run, name, per, lambda *_: None, lambda: False):
                pass
            steps.finish_stream(run, name, per)
        steps.close_run(run, opened["at"])
        self.hub.clock.advance(timedelta(hours=1))
        return self.hub.sync.run(self.actor, run.run_id)

    def read_charges(self, month: str) -> dict[str, Any]:
        """A month's charges and usage by their steps; returns the run's result."""
        steps = self.hub.charges.steps
        self.runs += 1
        run = RunInfo(f"run-{self.runs}", self.actor.tenant_id, self.connection.id)
        done = {}
        for kind, name in steps.plan(run, month):
            while not steps.read(run, kind, name, lambda _: None, lambda: False):
                pass
            done[f"{kind} {name}"] = steps.finish(run, kind, name)
        return steps.close(run, done)

    def total(self) -> Decimal:
        """Sum of the charges in the books, in the smallest unit they are kept in."""
        sql = "SELECT SUM(amount) FROM charge"
        with self.hub.store.engine.connect() as connection:
            cursor = connection.connection.driver_connection.cursor()
            cursor.execute(sql)
            return Decimal(cursor.fetchone()[0])

    def held(self) -> dict[str, Decimal]:
        """Quantity by vendor id of what the books say is there."""
        sql = "SELECT vendor_id, quantity FROM subscription WHERE gone_at IS NULL"
        with self.hub.store.engine.connect() as connection:
            cursor = connection.connection.driver_connection.cursor()
            cursor.execute(sql)
            return {name: Decimal(quantity) for name, quantity in cursor.fetchall()}

    def expected(self) -> dict[str, int]:
        seed = self.vendor.sim.export_seed()
        return {sub.vendor_id: sub.quantity for sub in seed.subscriptions}

    def agree(self) -> bool:
        """Whether the books hold exactly what the vendor has."""
        held, expected = self.held(), self.expected()
        scale = {held[key] / expected[key] for key in held if key in expected}
        return held.keys() == expected.keys() and len(scale) == 1


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def books(hub: Any, tenant: str, start: Any) -> Books:
    """A hub whose only reseller reads a small partner account."""
    return Books(hub, tenant, start(customers=8))


def test_google_hub_reads_the_vendor(books) -> None:
    first = books.sync()
    assert first.state == "complete"
    assert books.agree()
    again = books.sync()
    counts = again.counts["subscriptions"]
    assert counts.get("new", 0) == counts.get("changed", 0) == 0


def test_google_upgrade_is_followed_by_the_hub(books) -> None:
    books.sync()
    act, customer = books.vendor.control.act, books.vendor.sim.book.ids[0]
    bought = act("buy", customer=customer, seats=4)
    names = {"customer": customer, "entitlement": bought["entitlement"]}
    act("change_seats", seats=6, **names)
    books.sync()
    assert books.agree()
    moved = act("upgrade", **names)
    books.sync()
    books.sync()
    assert books.agree()
    assert moved["subscription_id"] in books.held()
    assert bought["subscription_id"] not in books.held()


def test_google_charges_reach_the_books(books) -> None:
    books.sync()
    first = books.read_charges("2026-09")
    assert first["state"] == "complete"
    lines = first["counts"]["new"]
    assert lines > 0
    vendor = books.vendor
    rows = vendor.sim.ledger.rows(["202609"], vendor.sim.clock.now())
    charged = sum(row.cost + row.credits for row in rows)
    before = books.total()
    again = books.read_charges("2026-09")["counts"]
    assert again.get("new", 0) == again.get("changed", 0) == 0
    vendor.control.act("restate_charges", customer=vendor.sim.book.ids[0])
    restated = books.read_charges("2026-09")["counts"]
    assert restated.get("new", 0) == 0
    assert restated["changed"] > 0
    more = sum(
        row.cost + row.credits
        for row in vendor.sim.ledger.rows(["202609"], vendor.sim.clock.now())
    )
    scale = before / charged
    assert abs(books.total() / scale - more) < Decimal("0.01")
