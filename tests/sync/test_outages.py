"""An outage of the other side is waited out; nobody who asks waits for that."""

from __future__ import annotations

from functools import partial

from entrepot.hub.connections import runtime
from entrepot.jobs.context import ONCE, JobContext
from entrepot.sdk.http.policy import HttpPolicy


def test_an_outage_is_waited_out_and_a_click_overtakes_it(make_live, monkeypatch):
    monkeypatch.setattr(runtime, "HttpPolicy", partial(HttpPolicy, attempts=1))
    monkeypatch.setitem(JobContext.step.__kwdefaults__, "retries", ONCE)
    live = make_live(customers=4)
    connection = live.vendor.connection.id
    fault = live.vendor.control.add_fault("status", status=503, count=0)
    ref = live.hub.sync.start(live.actor, connection, mode="full")
    with live.working():
        assert live.wait(ref.run_id).state == "failed"
        live.vendor.control.clear_faults(fault)
    first, again = live.jobs()
    assert (first.id, first.state) == (ref.run_id, "waiting")
    assert (again.cause, again.active) == ("outage", True)
    assert first.follow_up == again.id
    later = f"SELECT not_before > created_at FROM job_run WHERE id = '{again.id}'"
    assert live.one(later), "not at once"
    # Somebody presses the button: that reading starts now, in place of the other.
    asked = live.hub.sync.start(live.actor, connection, mode="full")
    assert not asked.joined
    with live.working():
        assert live.wait(asked.run_id).state == "complete"
    assert not any(job.active for job in live.jobs())
    assert live.agree(live.vendor)
