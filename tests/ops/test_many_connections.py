"""Fifty connections of several kinds on four workers; sick ones delay no other.

Every connection has a small budget of its own. What each got of it is measured: none
more than it may have, and none much less than the others of its kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from entrepot.app import build_hub
from entrepot.hub.connections.tables import Connection
from entrepot.jobs.tables import JobRun, QuotaBucket, WorkerLease
from entrepot.sdk.simulator import ControlClient, Options
from entrepot.sdk.simulator.registry import build_named
from entrepot.store import SystemScope, TenantScope, operator_actor, system_actor
from sqlalchemy import func, select

pytestmark = pytest.mark.heavy

WORKER = Path(__file__).with_name("worker.py")
WORKERS = 4
HEALTHY = 47
SICK = {
    "slow": {"kind": "latency", "seconds": 8.0},
    "throttled": {"kind": "rate_limited", "retry_after": "30"},
    "failing": {"kind": "status", "status": 503},
}
PLUGINS = ("aws", "connectwise", "google", "ibm", "microsoft")
"""Read by the healthy connections in turn; the sick ones are PSA systems."""
BUDGET = {"requests": 5, "seconds": 1, "burst": 1, "concurrency": 2}
"""Of every quota key of every healthy connection: less than any machine manages."""
LEASE = "60"
"""Seconds: no worker is to be taken for dead because the machine is busy."""
# How near to 1 it comes is the machine's matter: 0.76 beside other work.
FAIR = 0.5
"""Jain's index that speeds of one kind reach at least; 1 when all are equal."""
LASTING = {"rotation": "lenient", "deliver": "manual"}


@pytest.fixture
def database_kind() -> str:
    """SQLite has exactly one worker."""
    return "postgresql"


@pytest.fixture
def hub(settings: Any) -> Any:
    """A hub with the machine's clock: the fleet works in real time."""
    made = build_hub(settings)
    yield made
    made.close()


@pytest.fixture
def served() -> Any:
    """Starts simulated systems; they end with the test."""
    running = []

    def serve(plugin: str) -> str:
        extra = LASTING if plugin == "microsoft" else {}
        options = Options(customers=2, subscriptions=6, extra=extra)
        running.append(build_named(plugin, options).serve(port=0))
        return str(running[-1].base_url)

    yield serve
    for server in running:
        server.stop()


def runs(hub: Any) -> list[Any]:
    """Every run that reads a connection."""
    query = select(JobRun).where(JobRun.kind == "sync_connection")
    with hub.store.read(SystemScope("tests")) as session:
        found = list(session.scalars(query))
        session.expunge_all()
    return found


def test_fifty_connections_share_four_workers_and_sick_ones_delay_nobody(
    hub, served, settings, operator, eventually
):
    tenant = hub.tenants.create(operator_actor("tests"), name="Reseller").id
    actor = system_actor("tests", tenant)
    shared = {plugin: served(plugin) for plugin in PLUGINS}

    def connect(plugin: str, name: str, address: str, budget: Any = None) -> str:
        keys = [quota.name for quota in hub.plugins.info(plugin).quotas]
        quotas = dict.fromkeys(keys, budget)
        values = ControlClient(address).act("connection_settings")
        added = hub.connections.add(
            actor, plugin=plugin, name=name, values=values, quotas=quotas
        )
        return str(added.id)

    sick = {}
    for name, fault in SICK.items():
        address = served("connectwise")
        sick[connect("connectwise", name, address)] = name
        plan = dict(fault)
        ControlClient(address).add_fault(str(plan.pop("kind")), count=0, **plan)
    healthy = []
    for number in range(HEALTHY):
        plugin = PLUGINS[number % len(PLUGINS)]
        name = f"{plugin} {number}"
        healthy.append(connect(plugin, name, shared[plugin], BUDGET))
    environment = {
        "ENTREPOT_DATABASE_URL": settings.database_url,
        "ENTREPOT_DATA_DIR": str(settings.data_dir),
        "ENTREPOT_KEYS": ",".join(settings.keys),
        "ENTREPOT_ENVIRONMENT": "test",
        "ENTREPOT_ALLOW_PRIVATE_TARGETS": "true",
    }
    fleet = [
        operator.python(str(WORKER), "none", LEASE, **environment)
        for _ in range(WORKERS)
    ]

    def story() -> str:
        return "\n".join(operator.said(one)[-1_500:] for one in fleet)

    def done() -> bool:
        over = {row.connection_id for row in runs(hub) if row.ended_at}
        return over.issuperset(healthy)

    eventually(lambda: _at_work(hub) == WORKERS, 120, story)
    # The sick ones are asked first, so that everybody else could wait behind them.
    for connection in (*sick, *healthy):
        hub.sync.start(actor, connection, mode="full", cause="test")
    eventually(done, 240, story)
    found = {row.connection_id: row for row in runs(hub)}
    assert {found[one].state for one in healthy} == {"succeeded"}, story()
    assert {hub.sync.last_complete(actor, one) is not None for one in healthy} == {True}
    # All others were read while these three still waited for their other side.
    left = {sick[one]: found[one] for one in sick}
    assert {row.state for row in left.values()} == {"running"}, left
    shares = Counter(found[one].executor for one in healthy)
    assert len(shares) == WORKERS, f"{shares}\n{story()}"
    assert min(shares.values()) >= HEALTHY // WORKERS // 4, shares
    _assert_budgets_were_shared(hub, {one: found[one] for one in healthy})
    for row in left.values():
        hub.jobs.runs.cancel(TenantScope(tenant), row.id)


def _at_work(hub: Any) -> int:
    """How many workers hold a lease."""
    with hub.store.read(SystemScope("tests")) as session:
        return int(session.scalar(select(func.count()).select_from(WorkerLease)))


def _assert_budgets_were_shared(hub: Any, read: Mapping[str, Any]) -> None:
    """Nobody had more than its budget, nobody much less of it than its like."""
    speeds: dict[str, list[float]] = {plugin: [] for plugin in PLUGINS}
    with hub.store.read(SystemScope("tests")) as session:
        taken = dict(session.execute(select(QuotaBucket.key, QuotaBucket.taken)).all())
        plugins = dict(session.execute(select(Connection.id, Connection.plugin)).all())
    for connection, row in read.items():
        seconds = (row.ended_at - row.started_at).total_seconds()
        mine = [n for key, n in taken.items() if f"/{connection}/" in key]
        most = BUDGET["burst"] + BUDGET["requests"] * seconds
        assert mine, connection
        assert max(mine) <= most + 1, f"{mine} requests in {seconds} s"
        speeds[plugins[connection]].append(sum(mine) / seconds)
    for plugin, found in speeds.items():
        index = sum(found) ** 2 / (len(found) * sum(one * one for one in found))
        story = f"{plugin}: index {index:.3f}, requests a second {sorted(found)}"
        assert index >= FAIR, story
        assert min(found) >= median(found) / 5, story
