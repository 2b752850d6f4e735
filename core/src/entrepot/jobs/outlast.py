"""Waiting out a database restart."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

T = TypeVar("T")

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 5.0
PATIENCE_SECONDS = 300.0


def is_outage(error: BaseException) -> bool:
    """Say whether an error means that our database could not be reached just now."""
    if isinstance(error, (OperationalError, InterfaceError, PoolTimeout)):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def outlast(
    work: Callable[[], T],
    *,
    patience: float = PATIENCE_SECONDS,
    give_up: Callable[[], bool] = lambda: False,
) -> T:
    """Do short database work, again and again while the database is away.

    Args:
        work: One unit of work; nothing of it remains when it fails.
        patience: Seconds after which the last error is raised.
        give_up: Asked between attempts; true raises the last error at once.

    Returns:
        What `work` returns.
    """
    deadline = time.monotonic() + patience
    pause = FIRST_SECONDS
    while True:
        try:
            return work()
        except (DBAPIError, PoolTimeout) as error:
            late = time.monotonic() + pause > deadline
            if not is_outage(error) or late or give_up():
                raise
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_SECONDS)
