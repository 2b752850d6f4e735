"""Progress of a run: written seldom, read as rate and remaining time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from entrepot.sdk.context import Clock

if TYPE_CHECKING:
    from entrepot.jobs.journal import Journal

WRITE_SECONDS = 1.0


class Progress:
    """Collects what a job tells and writes it at most once a second.

    Args:
        journal: Where it is written.
        clock: Time.
    """

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._values: dict[str, Any] = {}
        self._phase: str | None = None
        self._done = 0
        self._written = float("-inf")

    def tell(
        self,
        *,
        done: int | None,
        total: int | None,
        unit: str | None,
        phase: str | None,
        message: str | None,
    ) -> None:
        """Take note; a new phase is written at once."""
        told = {"done": done, "total": total, "unit": unit, "message": message}
        self._values.update({k: v for k, v in told.items() if v is not None})
        fresh = phase is not None and phase != self._phase
        if fresh:
            self._begin_phase(str(phase), done)
        if done is not None:
            self._done = done
        if fresh or self._clock.monotonic() - self._written >= WRITE_SECONDS:
            self._journal.progress(self.pending())
            self._written = self._clock.monotonic()

    def pending(self) -> dict[str, Any]:
        """Return the columns told but not written, and forget them."""
        values, self._values = self._values, {}
        if "message" in values:
            values["message"] = values["message"][:500]
        return values

    def _begin_phase(self, phase: str, done: int | None) -> None:
        self._phase = phase
        start = 0 if done is None else done
        self._values.update(
            phase=phase, phase_at=self._clock.now(), phase_done=start, done=start
        )
        self._values.setdefault("total", None)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a run goes.

    Attributes:
        per_second: Units per second since the phase began; None before the first.
        seconds_left: Until the total is reached; None when that is unknown.
    """

    per_second: float | None
    seconds_left: float | None


def pace(
    *,
    done: int,
    total: int | None,
    phase_done: int,
    phase_at: datetime | None,
    now: datetime,
) -> Pace:
    """Compute the pace of the current phase.

    Args:
        done: Units finished now.
        total: Units expected, or None.
        phase_done: Units that were finished when the phase began.
        phase_at: When it began, or None.
        now: The moment `done` was written.
    """
    elapsed = (now - phase_at).total_seconds() if phase_at else 0.0
    finished = done - phase_done
    if elapsed <= 0 or finished <= 0:
        return Pace(None, None)
    rate = finished / elapsed
    left = None if total is None else max(total - done, 0) / rate
    return Pace(rate, left)
