"""A worker dies in the middle of a full sync over real HTTP; another finishes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from entrepot.store import TenantScope

pytestmark = pytest.mark.heavy

QUEUE = "sync"
POINTS = {
    "step:crawl:subscriptions:after": 1,
    "run:begun": 1,
    "step:open_run:after": 1,
    "step:crawl:customers:before": 1,
    "step:crawl:customers:after": 1,
    "step:finish:customers:before": 1,
    "step:finish:customers:after": 1,
    "step:crawl:subscriptions:before": 1,
    "step:finish:subscriptions:after": 1,
    "step:close_run:before": 1,
    "step:close_run:after": 1,
    "run:before_close": 1,
}


@pytest.fixture(scope="module")
def vendor(request: pytest.FixtureRequest) -> Any:
    """A partner tenant, the same for all seeds: reading changes nothing there."""
    from entrepot_microsoft.simulator import build_simulator

    kit = _kit(request)
    made = kit.serve(build_simulator, customers=customers(kit), subscriptions=kit.SIZE)
    yield made
    made.stop()


def customers(kit: Any) -> int:
    """How many there are; each costs at least one request."""
    return max(20, kit.SIZE // 20)


def _kit(request: pytest.FixtureRequest) -> Any:
    plugins = request.config.pluginmanager.get_plugins()
    wanted = Path(__file__).with_name("conftest.py")
    return next(one for one in plugins if getattr(one, "__file__", "") == str(wanted))


def test_sync_of_a_killed_worker_is_finished_by_another(
    seed, kit, vendor, theatre, settings
):
    point = kit.kill_point("sync", seed, POINTS, customers(kit) * 4 // 5)
    with kit.opened(settings) as hub:
        actor = kit.add_reseller(hub)
        connection = kit.connect(hub, actor, "microsoft", vendor)
        run_id = hub.sync.start(actor, connection, mode="full").run_id
        scope = TenantScope(actor.tenant_id)
        job = theatre.play(
            point,
            vendor,
            lambda: (r := hub.jobs.runs.get(scope, run_id)).ended_at and r,
        )
        assert (job.state, job.recovered) == ("succeeded", 1), f"{point}: {job}"
        run = hub.sync.run(actor, run_id)
        assert (run.state, run.complete) == ("complete", True), f"{point}: {run}"
        expected = {
            sub.vendor_id: sub.quantity
            for sub in vendor.sim.export_seed().subscriptions
        }
        held = kit.rows(
            hub, "SELECT vendor_id, quantity FROM subscription WHERE gone_at IS NULL"
        )
        lost = expected.keys() - {row[0] for row in held}
        assert not lost, f"{point}: {len(lost)} lost"
        assert len(held) == len(expected), f"{point}: rows that the vendor has not"
        assert {int(one[1]) // 10**10 for one in held} == set(expected.values())
        twice = kit.rows(
            hub,
            "SELECT object_id FROM subscription_fact "
            "GROUP BY object_id HAVING count(*) > 1",
        )
        assert not twice, f"{point}: {len(twice)} written twice"
        facts = kit.rows(hub, "SELECT count(*) FROM subscription_fact")
        assert facts == [(len(expected),)], str(point)
        counted = run.counts["subscriptions"]
        assert counted.get("gone", 0) == 0
        audited = kit.rows(
            hub,
            "SELECT count(*) FROM audit_entry "
            f"WHERE action = 'sync.run' AND subject_id = '{connection}'",
        )
        assert audited == [(1,)], f"{point}: one entry per run"
        assert kit.chains_hold(hub)
