"""Triggers at once cause one run; what joined it is read before it closes."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from entrepot.hub.connections.notifications import MAX_BODY
from entrepot.sdk.errors import Conflict
from entrepot.store import system_actor
from entrepot.store.base import SYSTEM_TENANT


def tick(live, mode="sync"):
    """One firing of the connection's schedule, as every replica submits it."""
    schedules = live.hub.jobs.schedules
    (rule,) = [
        one
        for one in schedules.rules(live.actor.tenant_id)
        if one.id == f"{mode}:{live.vendor.connection.id}"
    ]
    return schedules.submit_tick(rule, rule.latest_tick(live.hub.clock.now()))


def change(live, quantity):
    changed = live.vendor.control.act("set_quantity", quantity=quantity, force=True)
    return changed["subscription"]


def deliver(live, **how):
    return live.vendor.simulator.webhooks.deliver(**how)


def test_webhook_tick_button_and_api_cause_one_run(live):
    assert live.read(mode="full").state == "complete"
    before = len(live.jobs())
    connection = live.vendor.connection.id
    changed = change(live, 61)
    refs = [tick(live), tick(live)]
    refs.append(live.hub.sync.start(live.actor, connection, cause="button"))
    refs.append(live.hub.sync.start(live.actor, connection, cause="api"))
    assert [one["status"] for one in deliver(live)] == [200]
    assert {ref.run_id for ref in refs} == {refs[0].run_id}
    assert [ref.joined for ref in refs] == [False, True, True, True]
    with live.working():
        run = live.wait(refs[0].run_id)
    assert run.state == "complete"
    assert len(live.jobs()) == before + 1
    assert live.bought()[changed] == 61


def test_what_joins_a_running_run_is_read_before_it_closes(live):
    live.read(mode="full")
    before = len(live.jobs())
    connection = live.vendor.connection.id
    fault = live.vendor.control.add_fault("latency", seconds=0.4, count=0)
    with live.working():
        ref = live.hub.sync.start(live.actor, connection, mode="full")
        live.vendor.control.reset_requests()
        until = time.monotonic() + 30
        # The first customers are read; now one of them changes.
        while not live.vendor.asked("/subscriptions") and time.monotonic() < until:
            time.sleep(0.02)
        changed = change(live, 62)
        late = live.hub.sync.start(live.actor, connection, mode="full", cause="api")
        live.vendor.control.clear_faults(fault)
        run = live.wait(ref.run_id)
    assert (late.run_id, late.joined) == (ref.run_id, True)
    assert run.state == "complete"
    assert live.bought()[changed] == 62
    assert len(live.jobs()) == before + 1


def test_one_customer_never_waits_behind_a_crawl(make_live):
    # Eight requests a second: the crawl of 20 customers takes several seconds.
    slow = {"core": {"requests": 8, "seconds": 1.0, "burst": 1}}
    live = make_live(customers=20, quotas=slow)
    live.read(mode="full")
    customer = live.one("SELECT vendor_id FROM customer_account")
    connection = live.vendor.connection.id
    live.vendor.control.reset_requests()
    with live.working():
        crawl = live.hub.sync.start(live.actor, connection, mode="full")
        live.wait(crawl.run_id, "running")
        begun = time.monotonic()
        ref = live.hub.sync.start_subject(live.actor, connection, customer)
        assert live.wait(ref.run_id).state == "complete"
        took = time.monotonic() - begun
        assert live.hub.sync.run(live.actor, crawl.run_id).state == "running"
        assert live.wait(crawl.run_id).state == "complete"
    assert took < 8, "seconds, whatever the crawl does"


def test_paced_requests_meet_no_refusal_and_few_at_once(make_live):
    paced = {"core": {"requests": 40, "seconds": 1.0, "burst": 5}}
    live = make_live(quota="test", customers=25, quotas=paced)
    live.vendor.control.add_fault("latency", seconds=0.03, count=0)
    connection = live.vendor.connection.id
    with live.working():
        crawl = live.hub.sync.start(live.actor, connection, mode="full")
        found = []
        while not found:
            found = live.rows("SELECT vendor_id FROM customer_account")
            time.sleep(0.02)
        refs = [
            live.hub.sync.start_subject(live.actor, connection, customer)
            for (customer,) in found[:3]
        ]
        ended = [live.wait(ref.run_id).state for ref in (crawl, *refs)]
    assert set(ended) == {"complete"}
    counters = live.vendor.control.counters()
    assert counters["refused_by_quota"] == 0
    assert "429" not in counters["statuses"]
    assert 2 <= counters["max_concurrent"] <= 4


def test_forged_repeated_and_oversized_notifications_change_nothing(live):
    live.read(mode="full")
    before = len(live.jobs())
    for forge in ("signature", "body", "certificate", "issuer"):
        change(live, 70)
        assert deliver(live, forge=forge)[0]["status"] >= 400
        live.vendor.simulator.webhooks._waiting.clear()
    key, body, headers = live.receiver.seen[-1]
    assert live.receiver.post(key, b"x" * (MAX_BODY + 1), headers).status == 413
    assert live.receiver.post("nobody", body, headers).status == 404
    assert len(live.jobs()) == before
    # A true one starts one reading; the same once more starts none.
    change(live, 71)
    assert [one["status"] for one in deliver(live, times=2)] == [200, 200]
    assert len(live.jobs()) == before + 1
    with live.working():
        live.wait(live.jobs()[-1].id)
    key, body, headers = live.receiver.seen[-1]
    assert live.receiver.post(key, body, headers).status == 200
    assert len(live.jobs()) == before + 1


def test_d7_a_late_notification_changes_nothing(live):
    live.read(mode="full")
    sub = change(live, 10)
    assert change(live, 11) == sub
    assert live.read(mode="full").complete
    assert live.bought()[sub] == 11
    facts = live.one("SELECT count(*) FROM subscription_fact")
    assert [one["status"] for one in deliver(live)] == [200, 200]
    with live.working():
        for job in live.jobs():
            live.wait(job.id)
    assert live.bought()[sub] == 11
    assert live.one("SELECT count(*) FROM subscription_fact") == facts


def test_a_suspended_reseller_is_left_alone(live):
    live.read(mode="full")
    operator = system_actor("operator", SYSTEM_TENANT)
    queued = live.hub.sync.start(live.actor, live.vendor.connection.id)
    live.hub.tenants.suspend(operator, live.actor.tenant_id, "unpaid")
    live.vendor.control.reset_requests()
    before = len(live.jobs())
    with pytest.raises(Conflict) as caught:
        live.hub.sync.start(live.actor, live.vendor.connection.id)
    assert caught.value.code == "reseller_suspended"
    change(live, 72)
    assert deliver(live)[0]["status"] == 200
    assert len(live.jobs()) == before
    with live.working():
        assert live.wait(queued.run_id).state == "cancelled"
        again = tick(live, "full")
        until = time.monotonic() + 30
        while live.jobs()[-1].active and time.monotonic() < until:
            time.sleep(0.05)
    assert live.jobs()[-1].id == again.run_id
    assert live.jobs()[-1].state == "succeeded"
    assert live.vendor.asked("/v1/customers") == []
    live.hub.tenants.resume(operator, live.actor.tenant_id, "paid")
    assert live.read().state == "complete"
    assert live.agree(live.vendor)


def test_schedules_are_spread_by_an_offset_that_stays(live):
    rules = live.hub.jobs.schedules.rules(live.actor.tenant_id)
    reading = [one for one in rules if one.job == "sync_connection"]
    assert len(reading) == 2
    assert [one.offset() for one in reading] == [one.offset() for one in reading]
    others = [replace(one, id=f"{one.id}{n}") for one in reading for n in range(20)]
    offsets = {one.offset() for one in others}
    assert len(offsets) > 35
    assert threading.active_count() < 100
