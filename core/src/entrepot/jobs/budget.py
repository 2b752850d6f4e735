"""The request budget of one connection as `entrepot.sdk.http` wants it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.jobs.quota import Allowance, QuotaStore
from entrepot.sdk.context import Clock
from entrepot.sdk.http.budget import PACE, rate_limited
from entrepot.sdk.model.info import QuotaKey

LEASE_SECONDS = 1.0
"""A lease not used up after this time is given up: others may have been paused."""

_LEASE_SHARE = 4

BURST = 0.5
"""Share of the declared burst that is used. What waited between its turn and the wire,
in any process, arrives together with what follows; a vendor's bucket holds no more than
its burst meanwhile, and refuses the rest."""


@dataclass(slots=True)
class _Held:
    """What this process may still send under one key.

    Attributes:
        left: Requests, by their cost.
        since: Not before this moment.
        until: Second of the monotonic clock at which the rest is given up.
    """

    left: float
    since: datetime
    until: float


class SharedBudget:
    """Paces one connection's calls together with all other processes.

    Args:
        quota: The database's buckets.
        prefix: Makes the keys unique: reseller and connection.
        quotas: Declared quotas by key; others wait for pauses only.
        clock: Time.
        share: Part of every quota that this use may take, 1 for all of it. A smaller
            part is reserved: it never waits for the other uses, and they wait for
            what it took.
    """

    def __init__(
        self,
        quota: QuotaStore,
        prefix: str,
        quotas: Mapping[str, QuotaKey],
        clock: Clock,
        *,
        share: float = 1.0,
    ) -> None:
        self._quota = quota
        self._prefix = prefix if share == 1.0 else f"{prefix}/reserved"
        self._pauses = prefix
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._taking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._checked: dict[str, float] = {}
        self._allowed = {name: _allowance(key, share) for name, key in quotas.items()}
        self._whole = (
            {}
            if share == 1.0
            else {name: _allowance(key, 1.0) for name, key in quotas.items()}
        )

    def acquire(self, key: str, cost: float, deadline: float | None) -> None:
        """Wait until a call of this cost may be sent.

        Raises:
            RateLimited: The turn comes after the deadline; `after` says when.
        """
        while True:
            moment = self._turn(key, cost)
            wait = (moment - self._clock.now()).total_seconds()
            if wait <= 0:
                return
            if deadline is not None and self._clock.monotonic() + wait > deadline:
                raise rate_limited(key, wait)
            self._clock.sleep(wait)
            if self._pause_end(key) <= self._clock.now():
                return

    def pause(self, key: str, seconds: float) -> None:
        """Send nothing under this key for so long, in any process."""
        with self._lock:
            self._held.pop(key, None)
            self._checked.pop(key, None)
        until = self._clock.now() + timedelta(seconds=seconds)
        self._quota.pause(f"{self._pauses}/{key}", until)

    def _turn(self, key: str, cost: float) -> datetime:
        pause = self._pause_end(key)
        allowance = self._allowed.get(key)
        if allowance is None or pause > self._clock.now():
            return pause
        # One thread takes a lease, those beside it use it: of two leases taken at
        # once the rest of one would be lost.
        with self._taking_of(key):
            held = self._use_held(key, cost)
            return self._take(key, cost, allowance) if held is None else held

    def _taking_of(self, key: str) -> threading.Lock:
        with self._lock:
            return self._taking[key]

    def _use_held(self, key: str, cost: float) -> datetime | None:
        with self._lock:
            held = self._held.get(key)
            if held is None or held.left < cost:
                return None
            if held.until <= self._clock.monotonic():
                return None
            held.left -= cost
            return held.since

    def _take(self, key: str, cost: float, allowance: Allowance) -> datetime:
        count = max(cost, float(allowance.burst // _LEASE_SHARE))
        lease = self._quota.take(f"{self._prefix}/{key}", count, allowance)
        if key in self._whole:
            self._quota.take(f"{self._pauses}/{key}", count, self._whole[key])
        wait = max((lease.wait_until - self._clock.now()).total_seconds(), 0.0)
        with self._lock:
            until = self._clock.monotonic() + wait + LEASE_SECONDS
            self._held[key] = _Held(count - cost, lease.wait_until, until)
        return lease.wait_until

    def _pause_end(self, key: str) -> datetime:
        """Return when the pause of a key ends; the past when there is none."""
        now = self._clock.monotonic()
        with self._lock:
            fresh = now - self._checked.get(key, float("-inf")) < LEASE_SECONDS
        if fresh:
            return self._clock.now()
        found = self._quota.paused_until(f"{self._pauses}/{key}")
        if found is None:
            with self._lock:
                self._checked[key] = now
            return self._clock.now()
        return found


def _allowance(key: QuotaKey, share: float) -> Allowance:
    burst = max(1, int(key.burst * BURST))
    whole = Allowance(requests=key.requests, seconds=key.seconds / PACE, burst=burst)
    return whole if share == 1.0 else whole.share(share)
