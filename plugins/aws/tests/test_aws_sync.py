"""A hub reads the organization over real HTTP; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from entrepot.hub.sync.intake import RunInfo
from entrepot.store import FixedClock, system_actor


class Books:
    """A hub with one connection to the simulated organization."""

    def __init__(self, hub: Any, tenant: str, vendor: Any) -> None:
        self.hub, self.vendor, self.runs = hub, vendor, 0
        self.actor = system_actor("tests", tenant)
        info = hub.plugins.info("aws")
        self.connection = hub.connections.add(
            self.actor,
            plugin="aws",
            name="AWS",
            values=vendor.sim.connection_settings(),
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

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.hub.store.engine.connect() as connection:
            cursor = connection.connection.driver_connection.cursor()
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def held(self) -> dict[str, Decimal]:
        """Quantity by vendor id of what the books say is there."""
        found = self.rows(
            "SELECT vendor_id, quantity FROM subscription WHERE gone_at IS NULL"
        )
        return {vendor_id: Decimal(quantity) for vendor_id, quantity in found}

    def expected(self) -> dict[str, int]:
        seed = self.vendor.sim.export_seed()
        return {sub.vendor_id: sub.quantity for sub in seed.subscriptions}

    def agree(self) -> bool:
        """Whether the books hold exactly what the vendor has."""
        held, expected = self.held(), self.expected()
        # A plan's quantity is its commitment, which the seed does not tell.
        counted = [key for key in held if key in expected and ":" not in key]
        scale = {held[key] / expected[key] for key in counted}
        return held.keys() == expected.keys() and len(scale) == 1


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 18, 9, 30, tzinfo=UTC))


@pytest.fixture
def books(hub: Any, tenant: str, start: Any) -> Books:
    return Books(hub, tenant, start(6, subscriptions=30))


def test_organization_is_read_and_nothing_is_written_twice(books) -> None:
    run = books.sync()
    assert (run.state, run.complete) == ("complete", True), run.incomplete_reason
    assert books.agree()
    again = books.sync()
    counts = again.counts["subscriptions"]
    assert (counts.get("new", 0), counts.get("changed", 0)) == (0, 0)
    assert again.counts["customers"].get("changed", 0) == 0


def test_closed_account_passes_through_its_states(books) -> None:
    books.sync()
    closed = books.vendor.control.act("close_account")["account"]
    query = f"SELECT status, vendor_status FROM subscription WHERE vendor_id='{closed}'"
    run = books.sync()
    assert run.counts["subscriptions"]["changed"] == 1
    assert books.rows(query) == [("active", "PENDING_CLOSURE")]
    books.vendor.control.advance(timedelta(hours=2))
    books.sync()
    assert books.rows(query) == [("suspended", "SUSPENDED")]
    books.vendor.control.advance(timedelta(days=91))
    books.sync()
    books.sync()
    assert closed not in books.held()


def test_withdrawn_transfer_ends_its_customer(books) -> None:
    books.sync()
    books.vendor.control.act("withdraw_transfer")
    books.sync()
    query = "SELECT status FROM subscription WHERE vendor_id LIKE 'rt-%'"
    assert books.rows(query) == [("active",)]
    books.hub.clock.advance(timedelta(days=30))
    books.sync()
    assert books.rows(query) == [("ended",)]


def test_renewed_agreement_stays_one_subscription(books) -> None:
    books.sync()
    told = books.vendor.control.act("renew_agreement", increase="5")
    query = (
        "SELECT count(*) FROM subscription WHERE gone_at IS NULL"
        f" AND vendor_id LIKE '{told['initial']}/%'"
    )
    run = books.sync()
    assert books.rows(query) == [(1,)]
    assert run.counts["subscriptions"]["changed"] == 1
    assert run.counts["subscriptions"].get("gone", 0) == 0
    assert books.agree()
