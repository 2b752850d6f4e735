"""How many requests of one connection are under way, over all processes.

A slot is a lock that ends with its process: an advisory lock of PostgreSQL, or a
locked file beside the SQLite database. A process keeps the slots it has for a moment,
so that a busy connection costs a lock or two per second and not one per request.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from entrepot.sdk.context import Clock
from entrepot.store.unit import Store

log = logging.getLogger(__name__)

KEPT_SECONDS = 1.0
"""A slot is given back after so long, so that other processes get their turn."""
_LOOK_SECONDS = 0.05


class Locks(Protocol):
    """Locks that all processes of a hub see."""

    def take(self, key: str, number: int) -> bool:
        """Take one lock if nobody has it."""

    def give(self, key: str, number: int) -> None:
        """Give back a lock that was taken here."""

    def close(self) -> None:
        """Give all of them back."""


class FileLocks:
    """Locks as locked files; for SQLite, whose processes are on one machine.

    Args:
        folder: Where the files lie; made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handles: dict[tuple[str, int], int] = {}

    def take(self, key: str, number: int) -> bool:
        """Take one lock if nobody has it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{_digest(key, number):016x}"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._handles[key, number] = handle
        return True

    def give(self, key: str, number: int) -> None:
        """Give back a lock that was taken here."""
        os.close(self._handles.pop((key, number)))

    def close(self) -> None:
        """Give all of them back."""
        while self._handles:
            os.close(self._handles.popitem()[1])


class AdvisoryLocks:
    """Locks of one PostgreSQL session, which is kept for nothing else.

    Args:
        engine: The database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._session: Connection | None = None
        self._lock = threading.Lock()

    def take(self, key: str, number: int) -> bool:
        """Take one lock if nobody has it."""
        return self._ask("SELECT pg_try_advisory_lock(:number)", key, number)

    def give(self, key: str, number: int) -> None:
        """Give back a lock that was taken here."""
        self._ask("SELECT pg_advisory_unlock(:number)", key, number)

    def close(self) -> None:
        """Give all of them back."""
        with self._lock:
            if self._session is not None:
                with contextlib.suppress(SQLAlchemyError):  # gone, and its locks too
                    self._session.execute(text("SELECT pg_advisory_unlock_all()"))
            self._drop()

    def _ask(self, statement: str, key: str, number: int) -> bool:
        values = {"number": _digest(key, number) - 2**63}
        with self._lock:
            try:
                found = self._opened().execute(text(statement), values).scalar_one()
            except SQLAlchemyError as error:
                # The session is gone and its locks with it. Rather a request too
                # many than none: the request budget still holds.
                log.warning("slots of connections cannot be locked: %s", error)
                self._drop()
                return True
        return bool(found)

    def _opened(self) -> Connection:
        if self._session is None:
            made = self._engine.connect().execution_options(
                isolation_level="AUTOCOMMIT"
            )
            made.detach()
            self._session = made
        return self._session

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


def locks_of(store: Store) -> Locks:
    """The locks of a hub's database."""
    path = store.settings.sqlite_path
    if path is None:
        return AdvisoryLocks(store.engine)
    return FileLocks(path.with_name(f"{path.name}.slots"))


class SharedSlots:
    """The slots of one connection, as `entrepot.sdk.http` wants them.

    Args:
        locks: What all processes see.
        key: The connection.
        size: Requests that may be under way at once, everywhere together.
        clock: Time.
        wait: Waits for a moment; replaced in tests.
    """

    def __init__(
        self,
        locks: Locks,
        key: str,
        size: int,
        clock: Clock,
        wait: Callable[[float], None] | None = None,
    ) -> None:
        self._locks, self._key, self._size = locks, key, size
        self._clock = clock
        self._wait = wait or threading.Event().wait
        self._own = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._free: list[tuple[int, float]] = []
        self._busy: list[tuple[int, float]] = []

    def acquire(self, *, timeout: float) -> bool:
        """Take a slot; False when there was none in so many seconds."""
        if not self._own.acquire(timeout=max(0.0, timeout)):
            return False
        left = timeout
        while not self._claim():
            if left <= 0:
                self._own.release()
                return False
            self._wait(_LOOK_SECONDS)
            left -= _LOOK_SECONDS
        return True

    def release(self) -> None:
        """Give a slot back; to this process, or to all when it was kept long."""
        now = self._clock.monotonic()
        with self._lock:
            number, since = self._busy.pop(0)
            idle = not self._busy
            self._free.append((number, since))
            over = [one for one in self._free if idle or now - one[1] >= KEPT_SECONDS]
            self._free = [one for one in self._free if one not in over]
            for kept, _ in over:
                self._locks.give(self._key, kept)
        self._own.release()

    def _claim(self) -> bool:
        with self._lock:
            if self._free:
                self._busy.append(self._free.pop())
                return True
            taken = {number for number, _ in self._busy}
            for number in range(self._size):
                if number not in taken and self._locks.take(self._key, number):
                    self._busy.append((number, self._clock.monotonic()))
                    return True
        return False


def _digest(key: str, number: int) -> int:
    """A lock's number of 64 bits."""
    name = f"{key}#{number}".encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest())
