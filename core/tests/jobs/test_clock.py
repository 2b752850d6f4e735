"""Schedules: anchored ticks, several clocks at once, missed ticks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from entrepot.jobs import Jobs, RunQuery, Schedule, ScheduleInvalid
from entrepot.jobs.clock import Clock
from entrepot.jobs.schedules import tick_id
from entrepot.store import FixedClock

NOON = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)


def rule(name: str = "sync-con_1", **options) -> Schedule:
    values = {
        "id": name,
        "job": "two_steps",
        "tenant_id": "ten_jobs",
        "args": {"path": "/dev/null"},
        "partition": "con_1",
    }
    return Schedule(**(values | options))


@pytest.fixture
def put(jobs, tenant_scope):
    def put(schedule: Schedule) -> Schedule:
        with jobs.store.unit(tenant_scope) as session:
            jobs.schedules.put(session, schedule)
        return schedule

    return put


@pytest.fixture
def still_jobs(store, samples):
    """The facade with a clock that stands still."""
    made = Jobs(store, samples.build_registry(), FixedClock(NOON))
    yield made
    made.close()


def test_every_replica_computes_the_same_spread_ticks():
    rules = [rule(f"sync-{number}", every_seconds=3600) for number in range(200)]
    offsets = {schedule.offset() for schedule in rules}
    assert len(offsets) > 180
    for schedule in rules[:20]:
        again = rule(schedule.id, every_seconds=3600)
        due = schedule.latest_tick(NOON)
        assert due == again.latest_tick(NOON)
        assert NOON - timedelta(hours=1) < due <= NOON
        following = schedule.trigger().get_next_fire_time(None, due)
        assert following == due


@pytest.mark.parametrize(
    ("cron", "zone", "expected"),
    [
        ("0 3 * * *", "UTC", datetime(2026, 3, 15, 3, 0, tzinfo=UTC)),
        ("0 3 * * *", "Europe/Berlin", datetime(2026, 3, 15, 2, 0, tzinfo=UTC)),
        ("0 0 1 * *", "UTC", datetime(2026, 3, 1, 0, 0, tzinfo=UTC)),
        ("0 0 29 2 *", "UTC", None),
    ],
)
def test_latest_tick_of_a_calendar_rule(cron, zone, expected):
    assert rule(cron=cron, zone=zone).latest_tick(NOON) == expected


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "either every_seconds or cron"),
        ({"every_seconds": 60, "cron": "0 3 * * *"}, "either every_seconds or cron"),
        ({"every_seconds": 0}, "every_seconds"),
        ({"cron": "every day"}, "cron"),
        ({"cron": "0 3 * * *", "zone": "Mars/Base"}, "zone"),
    ],
)
def test_rule_that_cannot_fire_is_refused(options, text):
    with pytest.raises(ScheduleInvalid, match=text):
        rule(**options)


def test_missed_tick_is_submitted_once_and_only_the_latest(still_jobs, tenant_scope):
    jobs = still_jobs
    daily = rule(cron="0 3 * * *")
    with jobs.store.unit(tenant_scope) as session:
        jobs.schedules.put(session, daily)
    assert jobs.schedules.catch_up() == []  # nothing before its creation
    jobs.clock.advance(timedelta(days=3))
    (ref,) = jobs.schedules.catch_up()
    assert ref.run_id == tick_id(daily.id, datetime(2026, 3, 18, 3, 0, tzinfo=UTC))
    assert jobs.schedules.catch_up() == []
    (stored,) = jobs.schedules.rules("ten_jobs")
    assert stored.last_run == ref.run_id


def test_tick_joins_a_busy_connection_without_asking_for_more(still_jobs, tenant_scope):
    jobs = still_jobs
    with jobs.store.unit(tenant_scope) as session:
        jobs.submit(
            session,
            "two_steps",
            run_id="button",
            args={"path": "/dev/null"},
            connection_id="con_1",
            stream="all",
        )
    busy = rule(every_seconds=60, connection_id="con_1", stream="all", partition=None)
    with jobs.store.unit(tenant_scope) as session:
        jobs.schedules.put(session, busy)
    ref = jobs.schedules.submit_tick(busy, NOON)
    assert (ref.run_id, ref.joined) == ("button", True)


def test_clocks_fire_each_tick_once_and_miss_none_when_one_dies(
    child, jobs, put, tenant_scope, eventually, database_kind
):
    dying = child("clock")
    mine = 1 if database_kind == "sqlite" else 3
    names = ["sync-a", "sync-b", "sync-c"]
    for name in names:
        put(rule(name, every_seconds=1))
    clocks = [Clock(jobs.schedules, reload_seconds=0.2) for _ in range(mine)]
    for clock in clocks:
        clock.start()
    try:
        eventually(lambda: "ticking" in dying.log.read_text(), 60)
        eventually(lambda: len(_ticks(jobs, tenant_scope)) >= 9)
        dying.kill()
        seen = len(_ticks(jobs, tenant_scope))
        eventually(lambda: len(_ticks(jobs, tenant_scope)) >= seen + 9)
    finally:
        for clock in clocks:
            clock.stop()
    runs = _ticks(jobs, tenant_scope)
    assert len(runs) == len(set(runs))
    for name in names:
        moments = sorted(
            datetime.fromisoformat(run.removeprefix(f"tick:{name}:"))
            for run in runs
            if run.startswith(f"tick:{name}:")
        )
        steps = {
            (later - earlier).total_seconds() for earlier, later in pairwise(moments)
        }
        assert steps == {1.0}


def test_clock_notices_changed_and_removed_rules(jobs, put, tenant_scope, eventually):
    clock = Clock(jobs.schedules, reload_seconds=0.1)
    clock.start()
    try:
        put(rule("late", every_seconds=1))
        eventually(lambda: _ticks(jobs, tenant_scope))
        put(rule("late", every_seconds=1, enabled=False))
        eventually(lambda: clock._scheduler.get_jobs() == [])
        put(rule("late", every_seconds=1))
        eventually(lambda: clock._scheduler.get_jobs())
        with jobs.store.unit(tenant_scope) as session:
            jobs.schedules.remove(session, "ten_jobs", "late")
        eventually(lambda: clock._scheduler.get_jobs() == [])
    finally:
        clock.stop()
    assert jobs.schedules.rules() == []


def _ticks(jobs, scope) -> list[str]:
    page = jobs.runs.list(scope, RunQuery(limit=500))
    return [run.id for run in page.items]
