"""A hub reads the tenant over real HTTP while it misbehaves; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from entrepot.hub.sync.intake import RunInfo
from entrepot.sdk.errors import Retryable
from entrepot.store import FixedClock, system_actor

NOW = datetime(2026, 3, 18, 9, 30, tzinfo=UTC)


class Books:
    """A hub with one connection to the simulated tenant."""

    def __init__(self, hub: Any, tenant: str, vendor: Any) -> None:
        self.hub, self.vendor, self.runs = hub, vendor, 0
        self.actor = system_actor("tests", tenant)
        info = hub.plugins.info("microsoft")
        self.connection = hub.connections.add(
            self.actor,
            plugin="microsoft",
            name="CSP",
            values=vendor.sim.connection_settings(),
            quotas=dict.fromkeys(quota.name for quota in info.quotas),
        )

    def sync(self) -> Any:
        """A whole run by its steps; a step that asks for it is tried again."""
        steps = self.hub.sync.steps
        self.runs += 1
        run = RunInfo(f"run-{self.runs}", self.actor.tenant_id, self.connection.id)
        opened = steps.open_run(run, "full", "", "crawl", "test")
        for name, per in opened["streams"]:
            while not self._patiently(run, name, per):
                pass
            steps.finish_stream(run, name, per)
        steps.close_run(run, opened["at"])
        self.hub.clock.advance(timedelta(hours=1))
        return self.hub.sync.run(self.actor, run.run_id)

    def _patiently(self, run: RunInfo, name: str, per: str) -> bool:
        steps, last = self.hub.sync.steps, 4
        for attempt in range(last + 1):
            try:
                return bool(steps.crawl(run, name, per, lambda *_: None, lambda: False))
            except Retryable:
                if attempt == last:
                    raise
        raise AssertionError("unreachable")

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
        return {
            sub.vendor_id: sub.quantity
            for sub in self.vendor.sim.export_seed().subscriptions
        }

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
    vendor = start(8, subscriptions=40, extra={"last_page": "end"})
    return Books(hub, tenant, vendor)


FAULTS = {
    "429 with Retry-After": {"kind": "rate_limited", "retry_after": 2},
    "429 without Retry-After": {"kind": "rate_limited"},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
    "connection reset": {"kind": "reset"},
    "slow body": {"kind": "slow_body", "seconds": 0.1},
    "truncated JSON": {"kind": "truncated"},
    "timeout": {"kind": "timeout_after_commit", "seconds": 0.1},
    "token expiry": {"kind": "token_expiry"},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_full_sync_survives_a_passing_fault(books, fault) -> None:
    for path in ("/v1/customers$", "/subscriptions$", "/v1/customers/[^/]+$"):
        given = {k: v for k, v in FAULTS[fault].items() if k != "kind"}
        kind = FAULTS[fault]["kind"]
        # A new token that is refused as well is no passing fault any more.
        count = 1 if kind == "token_expiry" else 2
        books.vendor.control.add_fault(kind, path=path, count=count, **given)
    run = books.sync()
    assert (run.state, run.complete) == ("complete", True), run.incomplete_reason
    assert books.agree()
    fired = [planned["fired"] for planned in books.vendor.control.faults()]
    assert min(fired) >= 1
    again = books.sync()
    counts = again.counts["subscriptions"]
    assert (counts.get("new", 0), counts.get("changed", 0)) == (0, 0)


def test_page_left_out_ends_nothing_at_once(books) -> None:
    assert books.sync().complete
    held = books.held()
    books.vendor.control.add_fault("missing_page", path="/v1/customers$")
    run = books.sync()
    assert books.held() == held, "one listing without them is no proof"
    assert (run.state, run.complete) == ("incomplete", False)
    assert "8 objects exist but were not listed" in run.incomplete_reason
    healed = books.sync()
    assert books.held() == held
    assert healed.counts["customers"].get("gone", 0) == 0


def test_unknown_word_is_kept_and_heals(books) -> None:
    books.sync()
    books.vendor.control.add_fault(
        "unknown_enum", path="/subscriptions$", value="hovering"
    )
    books.sync()
    query = "SELECT vendor_status FROM subscription WHERE status = 'unknown'"
    assert books.rows(query) == [("hovering",)]
    assert books.agree()
    books.sync()
    assert books.rows(query) == []


def test_customer_without_rights_freezes_alone(books) -> None:
    books.sync()
    held = books.held()
    closed = books.vendor.control.act("forbid_customer")["customer"]
    run = books.sync()
    assert not run.complete
    assert run.incomplete_reason
    assert books.held() == held, "nothing ends because it could not be read"
    books.vendor.control.act("restore_customer", customer=closed)
    assert books.sync().complete


def test_customer_that_left_takes_two_runs_to_go(books) -> None:
    books.sync()
    gone = books.vendor.control.act("remove_customer")["customer"]
    books.sync()
    books.sync()
    query = (
        "SELECT count(*) FROM subscription WHERE gone_at IS NULL"
        f" AND customer_vendor_id = '{gone}'"
    )
    assert books.rows(query) == [(0,)]
    assert books.agree()


def test_foreign_change_replaces_ours_and_costs_one_fact(books) -> None:
    books.sync()
    before = books.rows("SELECT count(*) FROM subscription_fact")[0][0]
    books.vendor.control.act("set_quantity", quantity=77, force=True)
    run = books.sync()
    assert run.counts["subscriptions"]["changed"] == 1
    assert books.rows("SELECT count(*) FROM subscription_fact") == [(before + 1,)]
    assert books.agree()
