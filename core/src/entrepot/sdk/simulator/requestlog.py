"""What was asked of a simulator: counters and the latest requests."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One answered request.

    Attributes:
        number: Position since the start or the last reset, from 1.
        at: The vendor's time, ISO 8601.
        method: HTTP method.
        path: Path with query.
        route: The path's pattern, for counting.
        status: HTTP status; 0 when the connection was cut instead.
        milliseconds: Time taken.
        faults: Kinds of the faults that struck.
    """

    number: int
    at: str
    method: str
    path: str
    route: str
    status: int
    milliseconds: float
    faults: tuple[str, ...] = ()


class RequestLog:
    """Counters over all requests, and the last ``keep`` of them. Thread-safe."""

    def __init__(self, keep: int = 2000) -> None:
        self._lock = threading.Lock()
        self._recent: deque[Entry] = deque(maxlen=keep)
        self._reset()

    def _reset(self) -> None:
        self._recent.clear()
        self._total = 0
        self._routes: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._most_in_flight = 0
        self._in_flight = getattr(self, "_in_flight", 0)

    def reset(self) -> None:
        """Start counting from zero; requests under way stay counted as such."""
        with self._lock:
            self._reset()

    def begin(self) -> None:
        """A request came in."""
        with self._lock:
            self._in_flight += 1
            self._most_in_flight = max(self._most_in_flight, self._in_flight)

    def end(
        self,
        *,
        at: str,
        method: str,
        path: str,
        route: str,
        status: int,
        milliseconds: float,
        faults: tuple[str, ...],
    ) -> None:
        """The request was answered, or its connection cut."""
        with self._lock:
            self._in_flight -= 1
            self._total += 1
            self._routes[f"{method} {route}"] += 1
            self._statuses[status] += 1
            entry = Entry(
                number=self._total,
                at=at,
                method=method,
                path=path,
                route=route,
                status=status,
                milliseconds=round(milliseconds, 3),
                faults=faults,
            )
            self._recent.append(entry)

    def counters(self) -> dict[str, Any]:
        """Totals: all, per route, per status, in flight, most in flight."""
        with self._lock:
            return {
                "total": self._total,
                "in_flight": self._in_flight,
                "max_concurrent": self._most_in_flight,
                "routes": dict(self._routes),
                "statuses": {str(k): v for k, v in self._statuses.items()},
            }

    def recent(self, limit: int = 200) -> list[dict[str, Any]]:
        """The latest requests, oldest first, at most ``limit``."""
        with self._lock:
            entries = list(self._recent)[-limit:] if limit > 0 else []
        return [asdict(entry) for entry in entries]
