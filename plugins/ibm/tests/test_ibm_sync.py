"""A hub reads the vendor over real HTTP, in both layouts; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from entrepot.hub.sync.intake import RunInfo
from entrepot.store import FixedClock, system_actor

NOW = datetime(2026, 3, 18, 9, 30, tzinfo=UTC)


class Books:
    """A hub with one connection to the simulated vendor."""

    def __init__(self, hub: Any, tenant: str, vendor: Any, **settings: str) -> None:
        self.hub, self.vendor, self.runs = hub, vendor, 0
        self.actor = system_actor("tests", tenant)
        info = hub.plugins.info("ibm")
        self.connection = hub.connections.add(
            self.actor,
            plugin="ibm",
            name="IBM",
            values={**vendor.sim.connection_settings(), **settings},
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

    def agree(self) -> bool:
        """Whether the books hold exactly what the vendor has."""
        seed = self.vendor.sim.export_seed().subscriptions
        expected = {sub.vendor_id: sub.quantity for sub in seed}
        held = self.held()
        scale = {held[key] / expected[key] for key in held if key in expected}
        return held.keys() == expected.keys() and len(scale) == 1


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def books(hub: Any, tenant: str, start: Any) -> Books:
    return Books(hub, tenant, start(6, subscriptions=36))


def test_partner_layout_is_read_whole_and_then_writes_nothing(books) -> None:
    run = books.sync()
    assert (run.state, run.complete) == ("complete", True), run.incomplete_reason
    assert books.agree()
    facts = books.rows("SELECT count(*) FROM subscription_fact")
    again = books.sync()
    counts = again.counts["subscriptions"]
    assert (counts.get("new", 0), counts.get("changed", 0)) == (0, 0)
    assert books.rows("SELECT count(*) FROM subscription_fact") == facts


def test_what_happens_at_the_vendor_arrives(books) -> None:
    books.sync()
    play = books.vendor.control.act
    seats = play("set_quantity", quantity=77)
    account = books.vendor.account(1)
    gone = play("delete_instance", customer=account.id)
    run = books.sync()
    # More seats use more of the customer's credit, which its commitment shows.
    options = books.vendor.account(0).options
    credit = [option for option in options if option.category == "PLATFORM"]
    assert run.counts["subscriptions"]["changed"] == 2 + len(credit)
    assert books.agree()
    query = "SELECT vendor_status FROM subscription WHERE vendor_id = '{}'"
    shown = books.rows(query.format(gone["guid"]))[0][0]
    assert shown in ("removed", "pending_reclamation")
    assert books.rows(query.format(seats["guid"])) == [("active",)]


def test_customer_that_shuts_us_out_freezes_alone(books) -> None:
    books.sync()
    held = books.held()
    closed = books.vendor.control.act("forbid_customer")["customer"]
    run = books.sync()
    assert not run.complete
    assert run.incomplete_reason
    assert books.held() == held, "nothing ends because it could not be read"
    books.vendor.control.act("restore_customer", customer=closed)
    assert books.sync().complete


def test_closed_account_goes_after_two_runs(books) -> None:
    books.sync()
    gone = books.vendor.control.act("close_account")["customer"]
    books.sync()
    books.sync()
    query = (
        "SELECT count(*) FROM subscription WHERE gone_at IS NULL"
        f" AND customer_vendor_id = '{gone}'"
    )
    assert books.rows(query) == [(0,)]


def test_enterprise_layout_is_read_whole(hub, tenant, start) -> None:
    vendor = start(4, subscriptions=20, extra={"layout": "enterprise"})
    books = Books(hub, tenant, vendor)
    run = books.sync()
    assert (run.state, run.complete) == ("complete", True), run.incomplete_reason
    held = books.held().keys()
    for place in range(4):
        account = vendor.account(place)
        assert account.instances.keys() <= held
        assert not {option.id for option in account.options} & held
    own = vendor.sim.book.own
    assert {option.id for option in own.options} <= held, "ours stand on our account"
