"""Answers kept for a while, no more of them than a connection needs at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")

MOST = 500
"""Far more than are read side by side; a hundred thousand accounts come and go."""


class Kept(Generic[T]):
    """Values by name, each until a moment; those not used for longest go first.

    What belongs to an account that was closed or left is so forgotten by itself.

    Args:
        most: How many are kept.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[T, float]] = OrderedDict()

    def __len__(self) -> int:
        """How many are held."""
        return len(self._held)

    def get(self, name: str, now: float) -> T | None:
        """The value, or None when there is none that still holds."""
        with self._lock:
            found = self._held.get(name)
            if found is None:
                return None
            if now >= found[1]:
                del self._held[name]
                return None
            self._held.move_to_end(name)
            return found[0]

    def put(self, name: str, value: T, until: float) -> None:
        """Keep a value until a moment of the monotonic clock."""
        with self._lock:
            self._held[name] = (value, until)
            self._held.move_to_end(name)
            while len(self._held) > self._most:
                self._held.popitem(last=False)

    def drop(self, name: str, value: T) -> None:
        """Forget a value unless another one has taken its place."""
        with self._lock:
            found = self._held.get(name)
            if found is not None and found[0] == value:
                del self._held[name]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()
