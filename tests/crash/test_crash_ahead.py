"""A worker dies while contacts and orders are read ahead; another finishes it."""

from __future__ import annotations

import pytest
from entrepot.hub.sync import ahead
from entrepot.jobs.views import RunQuery
from entrepot.sdk.simulator import build_named
from entrepot.store import TenantScope

pytestmark = pytest.mark.heavy

QUEUE = "ahead"
CUSTOMERS = 100  # three pieces
POINTS = {
    "step:piece:after": 2,
    "step:piece:before": 3,
    "run:begun": 1,
    "run:before_close": 1,
}


def test_reading_ahead_of_a_killed_worker_is_finished_by_another(
    seed, kit, theatre, settings
):
    point = kit.kill_point("ahead", seed, POINTS, 2 * CUSTOMERS - 10)
    vendor = kit.serve(
        lambda options: build_named("microsoft", options),
        customers=CUSTOMERS,
        subscriptions=CUSTOMERS,
    )
    with kit.opened(settings) as hub:
        actor = kit.add_reseller(hub)
        connection = kit.connect(hub, actor, "microsoft", vendor)
        kit.read_all(hub, actor, connection)
        scope, query = TenantScope(actor.tenant_id), RunQuery(kind=ahead.JOB)
        (submitted,) = hub.jobs.runs.list(scope, query).items
        job = theatre.play(
            point,
            vendor,
            lambda: (r := hub.jobs.runs.get(scope, submitted.id)).ended_at and r,
        )
        vendor.stop()
        assert (job.state, job.recovered) == ("succeeded", 1), f"{point}: {job}"
        noted = kit.rows(hub, "SELECT count(*) FROM sync_ahead WHERE reason = ''")
        assert noted == [(CUSTOMERS,)], str(point)
        lacking = kit.rows(hub, "SELECT id FROM customer WHERE contact_email = ''")
        assert lacking == [], f"{point}: derived with what was noted"
        told = kit.rows(hub, "SELECT sum(n_orders) FROM customer")
        assert told == kit.rows(hub, "SELECT count(*) FROM vendor_order"), str(point)
