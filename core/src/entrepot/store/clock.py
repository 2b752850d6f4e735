"""A clock that stands still until told to move."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from entrepot.sdk.context import Clock, SystemClock

__all__ = ["Clock", "FixedClock", "SystemClock"]


class FixedClock:
    """A clock that moves only when told; `sleep` moves it and returns at once.

    Args:
        start: The first moment it shows; aware.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the moment it stands at."""
        return self._now

    def today(self) -> date:
        """Return the date it stands at, in UTC."""
        return self._now.date()

    def monotonic(self) -> float:
        """Return the seconds it was moved since it was made."""
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Move forward without waiting."""
        self.advance(timedelta(seconds=seconds))

    def advance(self, by: timedelta) -> datetime:
        """Move forward and return the new moment."""
        self._now += by
        self._elapsed += by.total_seconds()
        return self._now

    def set(self, to: datetime) -> None:
        """Jump to a moment, forward or back."""
        self._now = to.astimezone(UTC)
