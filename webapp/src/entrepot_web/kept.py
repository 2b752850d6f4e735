"""Answers that are kept for a moment: sums over everything a reseller has."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

Value = TypeVar("Value")
SECONDS = 10.0
_MOST = 2000


class Kept:
    """Keeps answers for some seconds, in this process only.

    Whoever counts hundreds of thousands of rows for a figure on many people's pages
    asks the database once in a while, not on every page.

    Args:
        seconds: How old an answer may be.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._kept: dict[Hashable, tuple[float, object]] = {}
        self._lock = threading.Lock()

    def read(self, key: Hashable, ask: Callable[[], Value]) -> Value:
        """Return the kept answer, or ask anew.

        Args:
            key: What is asked; holds the reseller's id.
            ask: Asks the database.
        """
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept[0] < self._seconds:
            return cast("Value", kept[1])
        found = ask()
        with self._lock:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[key] = (time.monotonic(), found)
        return found
