"""Four workers and three schedulers on PostgreSQL, as on several machines."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from entrepot.app import build_hub
from entrepot.jobs.tables import JobRun
from entrepot.sdk.simulator import Options
from entrepot.store import SystemScope, operator_actor, system_actor
from entrepot_connectwise.simulator import build_simulator
from sqlalchemy import select

pytestmark = pytest.mark.heavy

WORKER = Path(__file__).with_name("worker.py")
LEASE = "8"
"""Seconds until the others take over from the one that is killed."""
EVERY = 6
WIDTH = 4
"""Requests of one connection under way at once, as the plugin declares."""


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
def systems() -> Any:
    """Three PSA systems that take their time."""
    made = []
    for seed in range(3):
        simulator = build_simulator(Options(customers=6, latency_ms=15, seed=seed))
        made.append((simulator, simulator.serve(port=0)))
    yield [simulator for simulator, _ in made]
    for _, server in made:
        server.stop()


def test_fleet_fires_each_tick_once_within_every_limit(
    hub, systems, settings, operator, eventually
):
    tenant = hub.tenants.create(operator_actor("tests"), name="Reseller").id
    actor = system_actor("tests", tenant)
    quotas = dict.fromkeys(q.name for q in hub.plugins.info("connectwise").quotas)
    connections = {}
    for number, simulator in enumerate(systems):
        made = hub.connections.add(
            actor,
            plugin="connectwise",
            name=f"psa {number}",
            values=simulator.connection_settings(),
            quotas=quotas,
        )
        connections[made.id] = simulator
        simulator.log.reset()
        hub.sync.schedule(actor, made.id, EVERY)
    environment = {
        "ENTREPOT_DATABASE_URL": settings.database_url,
        "ENTREPOT_DATA_DIR": str(settings.data_dir),
        "ENTREPOT_KEYS": ",".join(settings.keys),
        "ENTREPOT_ENVIRONMENT": "test",
        "ENTREPOT_ALLOW_PRIVATE_TARGETS": "true",
    }
    fleet = [
        operator.python(str(WORKER), kind, LEASE, **environment)
        for kind in ("clock", "clock", "clock", "none")
    ]

    def ended(least: int) -> bool:
        counted = Counter(
            row.connection_id for row in runs(hub, "succeeded") if row.ended_at
        )
        return all(counted[one] >= least for one in connections)

    def story() -> str:
        return "\n".join(operator.said(one)[-2_000:] for one in fleet)

    eventually(lambda: ended(2), 180, story)
    fleet[0].kill()  # One clock fewer: no tick is lost and none comes twice.
    eventually(lambda: ended(5), 180, story)
    for connection in connections:
        hub.sync.schedule(actor, connection, None)
    eventually(lambda: not [r for r in runs(hub) if r.ended_at is None], 90, story)
    every = runs(hub)
    assert {row.state for row in every} == {"succeeded"}, story()
    executors = {row.executor for row in every}
    assert len(executors) >= 2, "the work was shared"
    for connection, simulator in connections.items():
        own = [row for row in every if row.connection_id == connection]
        ticks = sorted(datetime.fromisoformat(row.id[-20:]) for row in own)
        gaps = [
            (after - before) / timedelta(seconds=EVERY)
            for before, after in pairwise(ticks)
        ]
        assert all(gap >= 1 and gap == int(gap) for gap in gaps), gaps
        counters = simulator.log.counters()
        assert 1 < counters["max_concurrent"] <= WIDTH, counters
        assert crawls(simulator) == len(own), "each tick's run read it once"


def crawls(simulator: Any) -> int:
    """How often the list of companies was read from its beginning."""
    asked = simulator.log.recent(2_000)
    return sum(
        entry["route"].endswith("/company/companies") and "pageId" not in entry["path"]
        for entry in asked
    )


def runs(hub: Any, state: str | None = None) -> list[Any]:
    """Runs that ticks made."""
    query = select(JobRun).where(JobRun.cause == "tick")
    if state is not None:
        query = query.where(JobRun.state == state)
    with hub.store.read(SystemScope("tests")) as session:
        rows = session.scalars(query).all()
        session.expunge_all()
    return list(rows)
