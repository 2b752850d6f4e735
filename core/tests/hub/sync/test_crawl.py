"""Reading a vendor into the books: what changed is written once, nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from entrepot.hub.subscriptions.service import SubscriptionQuery


def numbers(world):
    (facts,) = world.rows("SELECT count(*) FROM subscription_fact")[0]
    (rows_,) = world.rows("SELECT count(*) FROM subscription")[0]
    return rows_, facts


def test_first_sync_writes_one_row_and_one_fact_each(world):
    world.vendor.fill(7, 3)
    run = world.crawl()
    assert run.incomplete_reason == ""
    assert run.state == "complete"
    assert run.counts["subscriptions"]["new"] == 21
    assert numbers(world) == (21, 21)
    assert world.hub.customers.count(world.actor) == 7
    listed = world.hub.subscriptions.list(
        world.actor, SubscriptionQuery(limit=200)
    ).items
    assert {one.customer_name for one in listed} == {f"Customer {n}" for n in range(7)}


def test_unchanged_sync_decodes_and_writes_nothing(world):
    world.vendor.fill(5, 4)
    world.crawl()
    before = world.rows("SELECT id, known_at, row_hash FROM subscription")
    world.vendor.decoded = 0
    run = world.crawl()
    assert world.vendor.decoded == 0
    assert run.state == "complete"
    assert numbers(world) == (20, 20)
    after = world.rows("SELECT id, known_at, row_hash FROM subscription")
    assert sorted(before) == sorted(after)


def test_one_change_is_one_fact_and_one_row(world):
    world.vendor.fill(5, 4)
    world.crawl()
    world.vendor.change("c0003", 2, quantity=Decimal(17))
    world.vendor.decoded = 0
    run = world.crawl()
    assert run.counts["subscriptions"]["changed"] == 1
    assert world.vendor.decoded == 1
    assert numbers(world) == (20, 21)
    found = world.rows("SELECT quantity FROM subscription WHERE vendor_id = 'c0003-s2'")
    assert found == [(17 * 10**10,)]
    # And back again: content that was known once is a change like any other.
    world.vendor.change("c0003", 2, quantity=Decimal(10))
    assert world.crawl().counts["subscriptions"]["changed"] == 1


def test_as_of_and_known_at(world):
    world.vendor.fill(1, 1)
    first = world.crawl()
    changed_at = datetime(2026, 3, 10, tzinfo=UTC)
    world.vendor.change("c0000", 0, quantity=Decimal(12), changed_at=changed_at)
    world.crawl()
    subs = world.hub.subscriptions
    (one,) = subs.list(world.actor, SubscriptionQuery()).items
    now = subs.as_of(world.actor, one.id)
    assert now.quantity == 12
    assert now.valid_from == changed_at
    then = subs.as_of(world.actor, one.id, known_at=first.ended_at)
    assert then.quantity == 10


def test_vanished_and_not_found_directly_is_over_at_once(world):
    world.vendor.fill(3, 2)
    world.crawl()
    del world.vendor.subscriptions["c0001"]["c0001-s0"]
    run = world.crawl()
    assert run.counts["subscriptions"]["gone"] == 1
    found = world.rows(
        "SELECT status, gone_at IS NULL FROM subscription WHERE vendor_id='c0001-s0'",
    )
    assert found[0][0] == "ended"
    assert not found[0][1]
    assert numbers(world) == (6, 7)


def test_not_listed_but_there_ends_nothing_and_is_said(world):
    world.vendor.fill(3, 2)
    world.crawl()
    world.vendor.hidden.add("c0001-s0")
    for _ in range(3):
        run = world.crawl()
        assert run.state == "incomplete"
        assert "were not listed" in run.incomplete_reason
    assert world.rows("SELECT count(*) FROM subscription WHERE gone_at IS NULL")[0] == (
        6,
    )


def test_one_forbidden_customer_stops_endings_for_itself_only(world):
    world.vendor.fill(3, 2)
    world.crawl()
    world.vendor.forbidden.add("c0000")
    del world.vendor.subscriptions["c0000"]["c0000-s0"]
    del world.vendor.subscriptions["c0002"]["c0002-s1"]
    run = world.crawl()
    assert run.counts["subscriptions"]["gone"] == 1
    assert run.state == "incomplete"
    assert world.rows(
        "SELECT vendor_id FROM subscription WHERE gone_at IS NOT NULL"
    ) == [("c0002-s1",)]


def test_back_after_gone(world):
    world.vendor.fill(1, 2)
    world.crawl()
    kept = world.vendor.subscriptions["c0000"].pop("c0000-s1")
    world.crawl()
    world.vendor.subscriptions["c0000"]["c0000-s1"] = kept
    run = world.crawl()
    assert run.counts["subscriptions"]["back"] == 1
    changes = world.rows("SELECT change FROM subscription_fact ORDER BY known_at")
    assert [change for (change,) in changes[-2:]] == ["gone", "back"]


def test_a_closed_account_ends_its_subscriptions(world):
    world.vendor.fill(3, 2)
    world.crawl()
    del world.vendor.customers["c0001"]
    run = world.crawl()
    assert run.counts["customers"]["gone"] == 1
    assert world.rows(
        "SELECT vendor_id FROM subscription WHERE gone_at IS NOT NULL ORDER BY 1",
    ) == [("c0001-s0",), ("c0001-s1",)]


def test_repeated_page_is_an_honest_incomplete_run(world):
    world.vendor.fill(9, 1)
    world.crawl()
    world.vendor.repeat_page = True
    run = world.crawl()
    assert not run.complete
    assert "repeated" in run.incomplete_reason
    assert world.hub.customers.count(world.actor) == 9


@pytest.mark.parametrize("calls", [0, 1, 2, 4, 6, 9])
def test_killed_anywhere_the_run_resumes_and_loses_nothing(world, calls):
    world.vendor.fill(8, 3)
    run = world.new_run()
    world.vendor.fail_after = calls
    with pytest.raises(BaseException):  # noqa: B017 - the fake's own death
        world.crawl(run)
    world.vendor.fail_after = None
    done = world.crawl(run)
    assert done.incomplete_reason == ""
    assert done.state == "complete"
    assert numbers(world) == (24, 24)
    # A second run finds everything unchanged: the memory is right as well.
    world.vendor.decoded = 0
    again = world.crawl()
    assert again.complete
    assert world.vendor.decoded == 0


def test_ending_a_stream_twice_changes_nothing(world):
    world.vendor.fill(3, 2)
    world.crawl()
    run = world.new_run()
    steps = world.hub.sync.steps
    steps.open_run(run, "full", "", "crawl", "test")
    world.vendor.change("c0001", 1, quantity=Decimal(1))
    steps.crawl(run, "subscriptions", "customers", lambda *_: None, lambda: False)
    steps.finish_stream(run, "subscriptions", "customers")
    steps.finish_stream(run, "subscriptions", "customers")
    steps.crawl(run, "subscriptions", "customers", lambda *_: None, lambda: False)
    steps.close_run(run, "")
    assert numbers(world) == (6, 7)


def test_refresh_of_one_customer(world):
    world.vendor.fill(3, 2)
    world.crawl()
    world.vendor.change("c0001", 0, quantity=Decimal(4))
    del world.vendor.subscriptions["c0001"]["c0001-s1"]
    run = world.new_run()
    steps = world.hub.sync.steps
    steps.open_run(run, "customer", "c0001", "now:c0001", "test")
    counts = steps.refresh(run, ["c0001"])["counts"]
    assert counts["changed"] == 1
    assert counts["gone"] == 1
    steps.close_run(run, "")
    world.hub.clock.advance(timedelta(minutes=1))
    # The crawl after it has nothing to do.
    again = world.crawl()
    assert again.complete
    assert again.counts["subscriptions"].get("changed", 0) == 0
    assert numbers(world) == (6, 8)


def test_an_older_listing_never_overwrites_a_newer_read(world):
    world.vendor.fill(1, 1)
    world.crawl()
    old = world.vendor.subscriptions["c0000"]["c0000-s0"]
    steps = world.hub.sync.steps
    source = steps.source(world.new_run())
    world.vendor.change("c0000", 0, quantity=Decimal(10), vendor_version="late")
    late = source.page("subscriptions", "c0000", None)
    world.hub.clock.advance(timedelta(seconds=5))
    world.vendor.subscriptions["c0000"]["c0000-s0"] = old
    world.vendor.change("c0000", 0, quantity=Decimal(11))
    run = world.new_run()
    steps.open_run(run, "customer", "c0000", "now:c0000", "test")
    steps.refresh(run, ["c0000"])

    from entrepot.hub.sync.intake import Intake
    from entrepot.hub.sync.memory import HashMemory

    intake = Intake(world.hub.store, run, "subscriptions", HashMemory(), "")
    intake.take(late.page, late.read_at)
    intake.flush(lambda _: None)
    assert intake.counts["stale"] == 1
    assert world.rows("SELECT quantity FROM subscription") == [(11 * 10**10,)]


def test_psa_lines_and_locks(psa_world):
    psa_world.vendor.quantities = {"one": Decimal(3), "two": Decimal(5)}
    run = psa_world.crawl()
    assert run.counts["lines"]["new"] == 2
    assert psa_world.rows("SELECT lock_known, lock_through FROM psa_agreement")
    before = psa_world.rows("SELECT id, lock_read_at FROM psa_agreement")
    psa_world.vendor.quantities["two"] = Decimal(6)
    again = psa_world.crawl()
    assert again.counts["lines"]["changed"] == 1
    assert sorted(before) == sorted(
        psa_world.rows("SELECT id, lock_read_at FROM psa_agreement")
    )
    run = psa_world.new_run()
    psa_world.vendor.quantities["one"] = Decimal(9)
    steps = psa_world.hub.sync.steps
    steps.open_run(run, "customer", "one", "now:one", "test")
    assert steps.refresh(run, ["one"])["counts"]["changed"] == 1
