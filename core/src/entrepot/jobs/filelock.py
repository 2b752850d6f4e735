"""The lock that proves that nobody else executes jobs on a SQLite file."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from entrepot.jobs.errors import ExecutorRunning

PATIENCE_SECONDS = 1.0


class FileLock:
    """An exclusive lock of the operating system; ends with the process at the latest.

    Args:
        database: The SQLite file; the lock lies beside it.
    """

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._handle: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._handle is not None

    def acquire(self, patience: float = PATIENCE_SECONDS) -> None:
        """Take the lock.

        Args:
            patience: Seconds to try: a health check holds it for an instant.

        Raises:
            ExecutorRunning: Another process (or object) holds it.
        """
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + patience
        while not _lock(handle):
            if time.monotonic() < deadline:
                time.sleep(PATIENCE_SECONDS / 10)
                continue
            holder = os.pread(handle, 20, 0).decode(errors="replace").strip()
            os.close(handle)
            raise ExecutorRunning(
                f"Process {holder or 'unknown'} already executes the jobs of this "
                f"SQLite file ({self._path} is locked). One file has exactly one "
                "worker: stop that process, or use PostgreSQL for several workers."
            )
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle = handle

    def release(self) -> None:
        """Let the lock go; does nothing when it is not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def is_free(self) -> bool:
        """Say whether a worker could take the lock at this moment."""
        try:
            self.acquire(patience=0)
        except ExecutorRunning:
            return False
        self.release()
        return True


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
