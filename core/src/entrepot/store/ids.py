"""Prefixed, sortable identifiers."""

from __future__ import annotations

import os
import secrets
import threading
import time

_TAIL_BITS = 59


class _Sequence:
    """Hands out (millisecond, tail) pairs that only grow within one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget what was handed out; a forked child must not continue ours."""
        self._lock = threading.Lock()
        self._millisecond = 0
        self._tail = 0

    def take(self, count: int) -> tuple[int, int]:
        """Reserve ``count`` tails and return the millisecond and the first tail."""
        with self._lock:
            now = time.time_ns() // 1_000_000
            if now > self._millisecond:
                self._millisecond = now
                self._tail = secrets.randbits(_TAIL_BITS)
            first = self._tail
            self._tail += count
            return self._millisecond, first


_sequence = _Sequence()
os.register_at_fork(after_in_child=_sequence.reset)


def new_id(prefix: str) -> str:
    """Return a new identifier such as ``cus_019a9f3c2d1...``.

    Identifiers of one process sort in the order of their creation, those of
    different processes by their millisecond.

    Args:
        prefix: Two to eight lower-case letters that name the kind of object.

    Returns:
        The prefix, an underscore and 26 hexadecimal digits.
    """
    return new_ids(prefix, 1)[0]


def new_ids(prefix: str, count: int) -> list[str]:
    """Return ``count`` ascending identifiers; the fast way for bulk loads.

    Args:
        prefix: As in `new_id`.
        count: How many; zero gives an empty list.

    Returns:
        Identifiers in ascending order.
    """
    millisecond, first = _sequence.take(count)
    head = f"{prefix}_{millisecond:011x}"
    return [f"{head}{tail:015x}" for tail in range(first, first + count)]
