"""Pacing, throttling, Retry-After and what they cost."""

from __future__ import annotations

import threading
from datetime import timedelta
from email.utils import format_datetime

import pytest
from entrepot.sdk.errors import RateLimited
from entrepot.sdk.http import HttpPolicy, MemoryBudget, retry_after
from entrepot.sdk.http.response import HttpResponse
from entrepot.sdk.model.info import QuotaKey

TEN = QuotaKey(name="api", requests=10, seconds=1)
OK = ("answer",)


def limited(headers=None, body=b"{}"):
    return ("answer", 429, body, headers or {})


def test_budget_paces_at_a_little_below_the_declared_rate(clock):
    budget, start = MemoryBudget({"api": TEN}, clock), clock.seconds
    for _ in range(99):
        budget.acquire("api", 1, None)
    assert clock.seconds - start == pytest.approx(98 / 9.8, rel=0.01)


def test_budget_burst_goes_at_once_after_idle_time(clock):
    quota = QuotaKey(name="api", requests=10, seconds=1, burst=5)
    budget = MemoryBudget({"api": quota}, clock)
    clock.seconds += 60
    budget.acquire("api", 1, None)
    clock.seconds += 60
    start = clock.seconds
    for _ in range(5):
        budget.acquire("api", 1, None)
    assert clock.seconds == start
    budget.acquire("api", 1, None)
    assert clock.seconds > start


def test_budget_costly_calls_take_more_turns(clock):
    budget, start = MemoryBudget({"api": TEN}, clock), clock.seconds
    budget.acquire("api", 10, None)
    budget.acquire("api", 1, None)
    assert clock.seconds - start == pytest.approx(10 / 9.8, rel=0.01)


def test_budget_pause_holds_the_key_for_everybody_but_no_other_key(clock):
    budget, start = MemoryBudget({"api": TEN}, clock), clock.seconds
    budget.pause("api", 30)
    budget.acquire("other", 1, None)
    assert clock.seconds == start
    budget.acquire("api", 1, None)
    assert clock.seconds - start == pytest.approx(30)


def test_budget_slows_down_once_per_wave_and_recovers(clock):
    budget = MemoryBudget({"api": TEN}, clock)

    def seconds_for_ten():
        start = clock.seconds
        for _ in range(10):
            budget.acquire("api", 1, None)
        return clock.seconds - start

    seconds_for_ten()
    for _ in range(5):
        budget.pause("api", 1)
    budget.acquire("api", 1, None)
    slowed = seconds_for_ten()
    assert slowed == pytest.approx(10 / (9.8 * 0.85), rel=0.02)
    clock.seconds += 120
    budget.acquire("api", 1, None)
    assert seconds_for_ten() == pytest.approx(10 / 9.8, rel=0.02)


def test_budget_refuses_a_turn_after_the_deadline_and_says_when(clock):
    budget = MemoryBudget({"api": TEN}, clock)
    budget.pause("api", 30)
    with pytest.raises(RateLimited) as caught:
        budget.acquire("api", 1, clock.monotonic() + 5)
    assert caught.value.after == pytest.approx(30)
    clock.seconds += 30
    budget.acquire("api", 1, clock.monotonic())


def test_budget_is_shared_by_threads():
    quota = QuotaKey(name="api", requests=200, seconds=1)
    budget, done = MemoryBudget({"api": quota}), []
    clock = budget._clock
    started = clock.monotonic()

    def work():
        for _ in range(10):
            budget.acquire("api", 1, None)
            done.append(clock.monotonic() - started)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 40
    assert max(done) >= 39 / 200


def test_throttled_call_waits_as_asked_and_succeeds(server, make_session, clock):
    server.script = [limited({"Retry-After": "7"}), OK]
    session = make_session(clock=clock, quotas={"default": TEN})
    start = clock.seconds
    assert session.get(server.url).status == 200
    assert clock.seconds - start == pytest.approx(7, abs=0.2)
    assert session.stats.throttled == 1


def test_throttled_write_is_sent_again_because_nothing_was_done(
    server, make_session, clock
):
    server.script = [limited({"Retry-After": "1"}), OK]
    assert make_session(clock=clock).post(server.url, json={}).status == 200


def test_throttling_that_only_the_plugin_recognizes_is_throttling(
    server, make_session, clock
):
    refusal = ("answer", 400, b"slow down", {"Retry-After": "7"})
    server.script = [refusal, OK]

    def table(response):
        if response.status == 400:
            return RateLimited("slow_down", "Fewer requests, please.")
        return None

    session, start = make_session(clock=clock), clock.seconds
    assert session.bound(errors=table).get(server.url).status == 200
    assert clock.seconds - start == pytest.approx(7, abs=0.2)
    assert session.stats.throttled == 1


def test_throttled_without_retry_after_backs_off(server, make_session, clock):
    server.script = [limited(), limited(), OK]
    session = make_session(clock=clock, policy=HttpPolicy(backoff_first=1.0))
    start = clock.seconds
    session.get(server.url)
    assert 1.0 <= clock.seconds - start <= 3.5


def test_throttled_for_long_ends_in_rate_limited_and_blocks_the_key(
    server, make_session, clock
):
    server.script = [limited({"Retry-After": "300"}), OK]
    session = make_session(clock=clock)
    with pytest.raises(RateLimited) as caught:
        session.get(server.url)
    assert caught.value.after == pytest.approx(300)
    with pytest.raises(RateLimited) as again:
        session.get(server.url)
    assert again.value.after == pytest.approx(300, abs=1)
    assert len(server.seen) == 1
    assert session.get(server.url, quota="other").status == 200


def test_throttled_for_ever_ends(server, make_session, clock):
    server.script = [limited({"Retry-After": "1"})]
    with pytest.raises(RateLimited):
        make_session(clock=clock).get(server.url)
    assert len(server.seen) <= 8


def test_unavailable_with_retry_after_pauses_the_key(server, make_session, clock):
    server.script = [("answer", 503, b"{}", {"Retry-After": "9"}), OK]
    start = clock.seconds
    make_session(clock=clock).get(server.url)
    assert clock.seconds - start >= 9


def answer(headers=None, body=b""):
    return HttpResponse(
        status=429, headers=headers or {}, content=body, url="https://x.test/"
    )


def test_retry_after_reads_seconds_dates_and_texts(clock):
    now = clock.now().replace(microsecond=0)
    later = format_datetime(now + timedelta(seconds=90), usegmt=True)
    past = format_datetime(now - timedelta(seconds=90), usegmt=True)
    text = b'{"message": "Too many requests. Please try again in 30 seconds."}'
    assert retry_after(answer({"Retry-After": "12"}), now) == 12
    assert retry_after(answer({"Retry-After": later}), now) == 90
    assert retry_after(answer({"Retry-After": past}), now) == 0
    assert retry_after(answer({"Retry-After": "soon"}), now) is None
    assert retry_after(answer({"Retry-After": "999999999"}), now) == 86400
    assert retry_after(answer(body=text), now) == 30
    assert retry_after(answer(body=b"slow down"), now) is None


def test_concurrency_of_a_connection_is_limited(server, make_session):
    server.script = [("drip", 3, 0.05)]
    session = make_session(policy=HttpPolicy(concurrency=2))
    peak, running, lock = [], [0], threading.Lock()
    original = session._sender._exchange

    def watched(*arguments):
        with lock:
            running[0] += 1
            peak.append(running[0])
        try:
            return original(*arguments)
        finally:
            with lock:
                running[0] -= 1

    type(session._sender)._exchange, kept = (
        lambda _self, *a: watched(*a),
        type(session._sender)._exchange,
    )
    try:
        threads = [
            threading.Thread(target=session.get, args=(server.url,)) for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        type(session._sender)._exchange = kept
    assert len(peak) == 6
    assert max(peak) == 2
