"""Throttling: no more than so many requests in any window of real time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most ``limit`` requests in any ``window`` seconds.

    Attributes:
        limit: Permitted requests.
        window: Length of the sliding window in seconds of real time.
        count_refused: Whether refused requests use up quota as well.
    """

    limit: int
    window: float = 60.0
    count_refused: bool = False


class Throttle:
    """Sliding windows, one per key (tenant, customer, service …).

    Args:
        quotas: Quota per key kind; a kind that is missing is never throttled.
        monotonic: Source of seconds; tests give their own.
    """

    def __init__(
        self,
        quotas: Mapping[str, Quota],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quotas = dict(quotas)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._taken: dict[tuple[str, str], deque[float]] = {}
        self.refused = 0

    def take(self, kind: str, key: str = "") -> float | None:
        """Count one request.

        Returns:
            ``None`` when it is permitted, else the seconds to wait.
        """
        quota = self._quotas.get(kind)
        if quota is None:
            return None
        with self._lock:
            now = self._monotonic()
            taken = self._taken.setdefault((kind, key), deque())
            while taken and now - taken[0] >= quota.window:
                taken.popleft()
            if len(taken) < quota.limit:
                taken.append(now)
                return None
            return self._refuse(quota, taken, now)

    def _refuse(self, quota: Quota, taken: deque[float], now: float) -> float:
        self.refused += 1
        wait = quota.window - (now - taken[0])
        if quota.count_refused:
            taken.popleft()
            taken.append(now)
        return max(0.001, wait)
