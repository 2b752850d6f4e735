"""Request budgets shared by processes, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from entrepot.jobs import Allowance, QuotaStore, SharedBudget
from entrepot.sdk.errors import RateLimited
from entrepot.sdk.model.info import QuotaKey
from entrepot.store import FixedClock

TEN_PER_SECOND = Allowance(requests=10, seconds=1.0, burst=5)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 15, 12, 0, tzinfo=UTC))


@pytest.fixture
def quota(store, clock) -> QuotaStore:
    return QuotaStore(store, clock)


def test_burst_then_steady_rate(quota, clock):
    start = clock.now()
    waits = [
        (quota.take("k", 1, TEN_PER_SECOND).wait_until - start).total_seconds()
        for _ in range(8)
    ]
    assert waits == pytest.approx([0, 0, 0, 0, 0, 0.1, 0.2, 0.3])
    clock.advance(timedelta(seconds=60))
    later = [quota.take("k", 1, TEN_PER_SECOND).wait_until for _ in range(6)]
    assert later[:5] == [clock.now()] * 5
    assert later[5] > clock.now()


def test_lease_of_many_waits_for_the_last_of_them(quota, clock):
    lease = quota.take("k", 25, TEN_PER_SECOND)
    assert (lease.wait_until - clock.now()).total_seconds() == pytest.approx(2.0)
    assert quota.taken("k") == 25


def test_keys_do_not_share(quota, clock):
    quota.take("a", 500, TEN_PER_SECOND)
    assert quota.take("b", 1, TEN_PER_SECOND).wait_until == clock.now()


def test_pause_holds_everybody_and_is_never_shortened(quota, clock):
    until = clock.now() + timedelta(seconds=10)
    quota.pause("k", until)
    quota.pause("k", clock.now() + timedelta(seconds=3))
    assert quota.paused_until("k") == until
    waits = [quota.take("k", 1, TEN_PER_SECOND).wait_until for _ in range(7)]
    assert min(waits) == until
    clock.advance(timedelta(seconds=10))
    assert quota.paused_until("k") is None


def test_processes_never_exceed_the_rate_together(child, store, tmp_path, eventually):
    """Three real processes send as fast as they may for two seconds."""
    out = tmp_path / "sent.txt"
    children = [child("spend", str(out), str(tmp_path), "2.0") for _ in range(3)]
    eventually(lambda: len(list(tmp_path.glob("ready-*"))) == 3, 60)
    (tmp_path / "go").touch()
    assert [process.wait(timeout=60) for process in children] == [0, 0, 0]
    lines = [line.split() for line in out.read_text().splitlines()]
    allowed = sorted(float(at) for at, _ in lines)
    sent = sorted(float(at) for _, at in lines)
    # 40 a second with a burst of 8: no window of a second may allow more than both,
    # but for the lease of two that straddles its edge.
    assert most_within_a_second(allowed) <= 40 + 8 + 2
    # A process that is held up sends what it has in hand later: a lease each.
    assert most_within_a_second(sent) <= 40 + 8 + 3 * 2
    assert len(sent) >= 50


def most_within_a_second(moments: list[float]) -> int:
    return max(
        sum(first <= moment < first + 1.0 for moment in moments) for first in moments
    )


def shared(quota, clock, **options) -> SharedBudget:
    key = QuotaKey(name="api", requests=10, seconds=1.0, burst=8)
    return SharedBudget(quota, "ten/con", {"api": key}, clock, **options)


def test_budget_of_a_connection_paces_and_refuses_late_turns(quota, clock):
    budget = shared(quota, clock)
    start = clock.now()
    for _ in range(50):
        budget.acquire("api", 1.0, None)
    elapsed = (clock.now() - start).total_seconds()
    # Half of 8 at once, the rest at 98 % of ten a second; a lease may be under way.
    assert 4.4 <= elapsed <= 5.0
    with pytest.raises(RateLimited) as caught:
        budget.acquire("api", 500.0, clock.monotonic() + 1.0)
    assert caught.value.after > 1.0


def test_a_caller_that_is_held_up_before_it_sends_meets_no_refusal(quota, clock):
    """The vendor's bucket is as full as it says; turns before and after that wait."""
    key = QuotaKey(name="api", requests=100, seconds=1.0, burst=10)
    budget = SharedBudget(quota, "ten/con", {"api": key}, clock)
    tokens, at = 10.0, clock.now()
    for number in range(300):
        budget.acquire("api", 1.0, None)
        if number % 40 == 30:
            clock.advance(timedelta(seconds=0.3))
        now = clock.now()
        tokens = min(10.0, tokens + (now - at).total_seconds() * 100) - 1
        at = now
        assert tokens >= 0, number


def test_budget_pause_reaches_another_process(quota, clock):
    one, two = shared(quota, clock), shared(quota, clock)
    two.acquire("api", 1.0, None)
    clock.advance(timedelta(seconds=2))
    one.pause("api", 30.0)
    start = clock.now()
    two.acquire("api", 1.0, None)
    assert (clock.now() - start).total_seconds() == pytest.approx(30, abs=0.5)


def test_undeclared_key_waits_for_pauses_only(quota, clock):
    budget = shared(quota, clock)
    start = clock.now()
    for _ in range(100):
        budget.acquire("other", 1.0, None)
    assert clock.now() == start
    budget.pause("other", 5.0)
    budget.acquire("other", 1.0, None)
    assert (clock.now() - start).total_seconds() == pytest.approx(5, abs=0.1)


def test_reserved_share_never_waits_behind_a_crawl(quota, clock):
    crawl, refresh = shared(quota, clock), shared(quota, clock, share=0.25)
    deadline = clock.monotonic() + 0.5
    crawl._turn("api", 400.0)  # a crawl has taken forty seconds of the budget
    refresh.acquire("api", 1.0, deadline)
    crawl.pause("api", 60.0)
    with pytest.raises(RateLimited):
        clock.advance(timedelta(seconds=2))
        refresh.acquire("api", 1.0, clock.monotonic() + 0.5)


def test_what_the_reserved_share_takes_the_others_wait_for(quota, clock):
    crawl, refresh = shared(quota, clock), shared(quota, clock, share=0.25)
    first, second = (crawl._turn("api", 100.0) for _ in range(2))
    refresh.acquire("api", 1.0, None)
    third = crawl._turn("api", 100.0)
    assert third - second > second - first


def test_allowance_that_allows_nothing_is_refused():
    with pytest.raises(ValueError, match="above zero"):
        Allowance(requests=0, seconds=1)
