"""The request budget: calls are paced before they are sent, not after a refusal."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from entrepot.sdk.context import Clock, SystemClock
from entrepot.sdk.errors import RateLimited
from entrepot.sdk.model.info import QuotaKey

PACE = 0.98
"""Share of the declared rate that is used, so that clocks may differ a little."""
AFTER_REFUSAL = 0.85
"""Factor on the rate after the vendor refused a call."""
RECOVERY_PER_SECOND = 0.002
"""Share of the declared rate regained per second without a refusal."""
SLOWEST = 0.1
"""The rate never falls below this share of the declared one."""


class Budget(Protocol):
    """Permission to send, shared by everybody who calls the same vendor account."""

    def acquire(self, key: str, cost: float, deadline: float | None) -> None:
        """Wait until a call of this cost may be sent under the quota key.

        `deadline` is a moment of the clock's `monotonic()`; None waits as long as
        it takes. A key without a declared rate waits for pauses only.

        Raises:
            RateLimited: the turn comes after the deadline; `after` says when.
        """

    def pause(self, key: str, seconds: float) -> None:
        """Send nothing under this key for so long: the vendor asked for it."""


class Slots(Protocol):
    """How many calls of one connection may be under way at once."""

    def acquire(self, *, timeout: float) -> bool:
        """Take a slot; False when there was none in so many seconds."""

    def release(self) -> None:
        """Give it back."""


class NoBudget:
    """A budget that never waits; for probes of simulators and for tools."""

    def acquire(self, key: str, cost: float, deadline: float | None) -> None:
        """Return at once."""

    def pause(self, key: str, seconds: float) -> None:
        """Nothing to hold back."""


@dataclass(slots=True)
class Pace:
    """State of one quota key; call it under a lock.

    The key's next free moment moves on by one interval per call. After an idle time
    it may lie in the past by as many intervals as the burst allows.
    """

    quota: QuotaKey | None
    next_free: float = 0.0
    paused_until: float = 0.0
    share: float = 1.0
    share_at: float = 0.0

    def rate(self, now: float) -> float | None:
        """Calls per second permitted now; None without a declared quota."""
        if self.quota is None:
            return None
        gained = max(0.0, now - self.share_at) * RECOVERY_PER_SECOND
        self.share, self.share_at = min(1.0, self.share + gained), now
        return PACE * self.share * self.quota.requests / self.quota.seconds

    def reserve(self, now: float, cost: float, deadline: float | None) -> float | None:
        """Take a turn and return its moment; None when it is past the deadline."""
        rate = self.rate(now)
        interval = cost / rate if rate else 0.0
        burst = self.quota.burst if self.quota else 1
        turn = max(self.next_free, now - (burst - 1) * interval, self.paused_until)
        if deadline is not None and max(turn, now) > deadline:
            return None
        self.next_free = turn + interval
        return turn

    def pause(self, now: float, seconds: float) -> None:
        """Hold the key back; several refusals of one wave count once."""
        if now >= self.paused_until:
            self.rate(now)
            self.share = max(SLOWEST, self.share * AFTER_REFUSAL)
        self.paused_until = max(self.paused_until, now + seconds)
        self.next_free = max(self.next_free, self.paused_until)

    def wait(self, now: float) -> float:
        """Seconds until a turn could come."""
        return max(0.0, max(self.next_free, self.paused_until) - now)


class MemoryBudget:
    """A budget inside one process.

    Args:
        quotas: Declared quotas by key.
        clock: Source of time; tests give a fake one.
    """

    def __init__(
        self, quotas: Mapping[str, QuotaKey], clock: Clock | None = None
    ) -> None:
        self._quotas = dict(quotas)
        self._clock: Clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._paces: dict[str, Pace] = {}

    def acquire(self, key: str, cost: float, deadline: float | None) -> None:
        """Wait for a turn; see `Budget.acquire`."""
        while True:
            with self._lock:
                now, pace = self._clock.monotonic(), self._pace(key)
                turn = pace.reserve(now, cost, deadline)
                wait = pace.wait(now)
            if turn is None:
                raise rate_limited(key, wait)
            if turn > now:
                self._clock.sleep(turn - now)
            with self._lock:
                # A refusal that arrived while we slept moves the turn as well.
                if self._clock.monotonic() >= self._pace(key).paused_until:
                    return

    def pause(self, key: str, seconds: float) -> None:
        """Hold the key back; see `Budget.pause`."""
        with self._lock:
            self._pace(key).pause(self._clock.monotonic(), seconds)

    def _pace(self, key: str) -> Pace:
        pace = self._paces.get(key)
        if pace is None:
            now = self._clock.monotonic()
            pace = Pace(self._quotas.get(key), next_free=now, share_at=now)
            self._paces[key] = pace
        return pace


def rate_limited(key: str, after: float) -> RateLimited:
    """The error that says when the next call under this key may be sent."""
    return RateLimited(
        "rate_limited",
        "The other side limits the number of requests; the work continues later.",
        detail=f"quota key {key}: next turn in {after:.1f} s",
        after=max(after, 0.001),
    )
