"""The vendor's time: runs, stands still, can be moved."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta


class VirtualClock:
    """Clock of a simulated vendor.

    Args:
        start: Aware moment shown first; ``None`` takes the real time.
        frozen: Stands still until ``advance`` or ``set``.

    Raises:
        ValueError: If ``start`` has no time zone.
    """

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        self._lock = threading.Lock()
        self._frozen = frozen
        self._base = _aware(start or datetime.now(UTC))
        self._since = time.monotonic()

    def now(self) -> datetime:
        """The vendor's present moment, aware UTC."""
        with self._lock:
            return self._now()

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen

    def advance(self, step: timedelta) -> datetime:
        """Move on by ``step`` and return the new moment.

        Raises:
            ValueError: If ``step`` is negative; vendors don't go back.
        """
        if step < timedelta(0):
            raise ValueError("a clock cannot be advanced by a negative step")
        with self._lock:
            self._rebase(self._now() + step)
            return self._base

    def set(self, moment: datetime) -> datetime:
        """Show ``moment`` from now on and return it in UTC."""
        with self._lock:
            self._rebase(_aware(moment))
            return self._base

    def freeze(self, frozen: bool = True) -> None:
        """Stop the clock, or let it run on from where it stands."""
        with self._lock:
            self._rebase(self._now())
            self._frozen = frozen

    def _now(self) -> datetime:
        if self._frozen:
            return self._base
        return self._base + timedelta(seconds=time.monotonic() - self._since)

    def _rebase(self, moment: datetime) -> None:
        self._base = moment
        self._since = time.monotonic()


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("the clock needs a moment with a time zone")
    return moment.astimezone(UTC)
