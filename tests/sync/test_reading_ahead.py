"""Contacts and orders that a vendor lists by customer come behind a full reading."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from entrepot.hub.sync import ahead
from entrepot.hub.sync.intake import RunInfo
from entrepot.hub.sync.source import leaves_out
from entrepot.hub.sync.tables import SyncAhead
from entrepot.jobs.views import RunQuery
from entrepot.store import TenantScope
from sqlalchemy import delete


def jobs_of(live):
    query = RunQuery(kind=ahead.JOB, limit=100)
    return live.hub.jobs.runs.list(TenantScope(live.actor.tenant_id), query).items


def waiting(world):
    run = RunInfo("look", world.actor.tenant_id, world.vendor.connection.id)
    with world.hub.store.read(run.scope) as session:
        return ahead.waiting(session, run, "", 100, world.clock.now())


def pieces(world, after=""):
    """What the job's steps say, one after the other."""
    run = RunInfo("ahead-1", world.actor.tenant_id, world.vendor.connection.id)
    found = []
    while True:
        found.append(world.step(world.hub.sync.ahead.piece, run, after))
        after = found[-1]["last"]
        if not after:
            return found


def people(world):
    """Who is to be written to and how many orders there are, by customer."""
    return world.rows(
        "SELECT name, contact_name, contact_email, n_orders FROM customer ORDER BY name"
    )


def counts(world):
    tables = ("contact", "vendor_order")
    return [world.one(f"SELECT count(*) FROM {table}") for table in tables]


def wait_for_jobs(live):
    until = time.monotonic() + 60
    while waiting(live) or any(one.state != "succeeded" for one in jobs_of(live)):
        assert time.monotonic() < until, jobs_of(live)
        time.sleep(0.05)


def owned(world, table, column):
    found = world.rows(f"SELECT DISTINCT {column} FROM {table} WHERE gone_at IS NULL")
    return {owner for (owner,) in found}


def test_a_full_reading_is_followed_by_contacts_and_orders(live):
    assert live.read().state == "complete"
    with live.working():
        wait_for_jobs(live)
    assert len(jobs_of(live)) == 1
    found = people(live)
    assert len(found) == 10
    assert all(name and email for _, name, email, _ in found)
    assert sum(orders for *_, orders in found) == live.one(
        "SELECT count(*) FROM vendor_order"
    )
    assert waiting(live) == []
    live.vendor.control.reset_requests()
    assert live.read(mode="full").state == "complete"
    assert len(jobs_of(live)) == 1, "nobody waits any more"
    assert live.vendor.asked("/orders") == []


@pytest.mark.parametrize("size", [3, 40])
def test_pieces_reach_every_customer_once(world, monkeypatch, size):
    monkeypatch.setattr(ahead, "PIECE", size)
    world.sync(world.vendor)
    world.vendor.control.reset_requests()
    told = pieces(world)
    assert sum(one["read"] for one in told) == 10
    assert len(told) == 10 // size + 1
    asked = world.vendor.asked("/orders")
    assert len(asked) == len(set(asked)) == 10
    accounts = owned(world, "customer_account", "vendor_id")
    assert owned(world, "contact", "owner_id") == accounts
    # Cut off behind its last write it is done again, and nothing is there twice.
    held = counts(world)
    scope = TenantScope(world.actor.tenant_id)
    with world.hub.store.unit(scope) as session:
        session.execute(delete(SyncAhead))
    pieces(world)
    again = [
        world.one(f"SELECT count(*) FROM {t}") for t in ("contact", "vendor_order")
    ]
    assert again == held
    assert [one["read"] for one in pieces(world)] == [0]


def test_whom_the_vendor_refuses_is_asked_again_after_a_week(world):
    world.sync(world.vendor)
    refused = waiting(world)[4][0]
    for name in ("orders", "profiles"):
        world.vendor.control.add_fault(
            "status", status=403, path=f"/{refused}/{name}", count=0
        )
    told = pieces(world)
    assert [one["refused"] for one in told] == [1]
    assert refused not in owned(world, "vendor_order", "customer_vendor_id")
    assert world.one("SELECT count(*) FROM sync_ahead WHERE reason <> ''") == 1
    assert world.sync(world.vendor).state == "complete", "the books lack nothing else"
    assert waiting(world) == []
    world.vendor.control.clear_faults()
    world.clock.advance(ahead.AGAIN + timedelta(seconds=1))
    assert [one for one, _ in waiting(world)] == [refused]
    pieces(world)
    assert waiting(world) == []
    assert world.one("SELECT count(*) FROM sync_ahead WHERE reason <> ''") == 0


def test_erased_people_do_not_come_back(world):
    world.sync(world.vendor)
    first, customer = waiting(world)[0]
    world.hub.customers.erasing.erase(world.actor, customer, why="asked by mail")
    pieces(world)
    assert first not in owned(world, "contact", "owner_id")
    assert len(owned(world, "contact", "owner_id")) == 9


def test_a_refreshed_customer_is_not_read_once_more(world):
    world.sync(world.vendor)
    first = waiting(world)[0][0]
    world.sync(world.vendor, "customer", first)
    assert first not in [one for one, _ in waiting(world)]


def test_an_order_before_a_full_reading_is_read_by_the_next_change_run(world):
    world.sync(world.vendor)
    pieces(world)
    held = counts(world)
    world.vendor.control.act("new_subscription")
    assert world.sync(world.vendor).mode == "full"
    assert counts(world) == held, "a full reading leaves orders out"
    world.sync(world.vendor, "incremental")
    assert counts(world) == [held[0], held[1] + 1]
    world.vendor.control.reset_requests()
    world.sync(world.vendor, "incremental")
    assert world.vendor.asked("/orders") == [], "it is told once"


def test_a_paused_connection_is_left_alone(world):
    world.sync(world.vendor)
    world.hub.connections.pause(world.actor, world.vendor.connection.id)
    world.vendor.control.reset_requests()
    assert pieces(world) == [{"last": "", "read": 0, "refused": 0, "new": 0}]
    assert world.vendor.asked("/") == []


def test_many_customers_take_several_jobs(live, monkeypatch):
    monkeypatch.setattr(ahead, "PIECE", 2)
    monkeypatch.setattr(ahead, "MOST", 4)
    live.read()
    with live.working():
        wait_for_jobs(live)
    assert len(jobs_of(live)) == 3
    assert live.one("SELECT count(*) FROM sync_ahead") == 10


def test_a_psa_and_a_vendor_that_lists_everything_have_nothing_to_read_ahead(both):
    infos = [both.hub.plugins.info(name) for name in both.hub.plugins.names()]
    found = {info.name: leaves_out(info) for info in infos}
    assert found["connectwise"] == ()
    assert found["microsoft"] == ("contacts", "orders")


def test_a_refresh_and_a_change_show_in_the_customers_list(live, monkeypatch):
    monkeypatch.setattr(ahead, "waiting", lambda *_: [])
    live.read()
    (customer, vendor_id), *_ = live.rows(
        "SELECT customer_id, vendor_id FROM customer_account ORDER BY vendor_id"
    )
    live.hub.sync.start_customer(live.actor, customer)
    with live.working():
        for run in live.jobs():
            live.wait(run.id)
    own = live.rows(
        "SELECT contact_name, contact_email, n_orders FROM customer "
        f"WHERE id = '{customer}'"
    )
    orders = live.one(
        f"SELECT count(*) FROM vendor_order WHERE customer_vendor_id = '{vendor_id}'"
    )
    assert orders
    assert own[0][2] == orders
    assert all(own[0][:2])
    live.vendor.control.act("new_subscription")
    assert live.read(mode="incremental").counts["refreshed"]["new"]
    purchased, orders = live.rows(
        "SELECT sum(n_purchased), sum(n_orders) FROM customer"
    )[0]
    assert purchased == live.one("SELECT count(*) FROM subscription")
    assert orders == live.one("SELECT count(*) FROM vendor_order")
