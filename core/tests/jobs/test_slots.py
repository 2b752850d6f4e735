"""Slots of a connection: counted over processes, cheap while they are kept."""

from __future__ import annotations

import threading

import pytest
from entrepot.jobs.slots import KEPT_SECONDS, SharedSlots, locks_of


class Hands:
    """A clock that tests move; waiting moves it, too."""

    def __init__(self) -> None:
        self.at = 100.0

    def monotonic(self) -> float:
        return self.at

    def wait(self, seconds: float) -> None:
        self.at += seconds


class Counted:
    """Locks that count how often they are asked."""

    def __init__(self, locks) -> None:
        self.locks, self.asked = locks, 0

    def take(self, key: str, number: int) -> bool:
        self.asked += 1
        return self.locks.take(key, number)

    def give(self, key: str, number: int) -> None:
        self.asked += 1
        self.locks.give(key, number)

    def close(self) -> None:
        self.locks.close()


@pytest.fixture
def process(store):
    """Makes the slots of one process after another."""
    made = []

    def start(key: str = "t/c", size: int = 2) -> SharedSlots:
        locks = Counted(locks_of(store))
        made.append(locks)
        hands = Hands()
        slots = SharedSlots(locks, key, size, hands, hands.wait)
        slots.hands, slots.counted = hands, locks
        return slots

    yield start
    for locks in made:
        locks.close()


def test_two_processes_share_one_limit(process) -> None:
    first, second = process(), process()
    assert first.acquire(timeout=0)
    assert second.acquire(timeout=0)
    assert not first.acquire(timeout=0)
    assert not second.acquire(timeout=1)
    first.release()
    assert second.acquire(timeout=0)
    assert not first.acquire(timeout=0)


def test_connections_do_not_share(process) -> None:
    assert process("t/a", 1).acquire(timeout=0)
    assert process("t/b", 1).acquire(timeout=0)


def test_slots_of_a_dead_process_are_free(process) -> None:
    dead, other = process(size=1), process(size=1)
    assert dead.acquire(timeout=0)
    assert not other.acquire(timeout=0)
    dead.counted.close()
    assert other.acquire(timeout=0)


def test_busy_process_keeps_its_slots_without_asking_again(process) -> None:
    slots = process(size=2)
    assert slots.acquire(timeout=0)
    assert slots.acquire(timeout=0)
    asked = slots.counted.asked
    for _ in range(100):
        slots.release()
        assert slots.acquire(timeout=0)
    assert slots.counted.asked == asked


def test_slot_is_passed_on_after_a_moment(process) -> None:
    busy, waiting = process(size=2), process(size=2)
    assert busy.acquire(timeout=0)
    assert busy.acquire(timeout=0)
    busy.hands.at += KEPT_SECONDS
    busy.release()
    assert waiting.acquire(timeout=0)
    assert not busy.acquire(timeout=0)


def test_idle_process_holds_nothing(process) -> None:
    idle, other = process(size=2), process(size=2)
    for _ in range(2):
        assert idle.acquire(timeout=0)
    for _ in range(2):
        idle.release()
    assert other.acquire(timeout=0)
    assert other.acquire(timeout=0)


def test_threads_never_exceed_the_limit(process) -> None:
    slots, most, now = process(size=3), [0], [0]
    guard = threading.Lock()

    def work() -> None:
        for _ in range(30):
            assert slots.acquire(timeout=30)
            with guard:
                now[0] += 1
                most[0] = max(most[0], now[0])
            with guard:
                now[0] -= 1
            slots.release()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most[0] <= 3
