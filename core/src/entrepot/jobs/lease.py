"""Which workers live, on PostgreSQL: a lease each, and whoever reaps the dead.

All times are the database's: the clocks of the workers' machines do not matter.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from entrepot.jobs.outlast import outlast
from entrepot.store.settings import Settings

log = logging.getLogger(__name__)

TTL_SECONDS = 30.0
EXIT_LEASE_LOST = 70

_INSERT = text(
    "INSERT INTO worker_lease "
    "(executor_id, host, pid, version, started_at, heartbeat_at, expires_at) VALUES "
    "(:me, :host, :pid, :version, now(), now(), now() + make_interval(secs => :ttl))"
)
_BEAT = text(
    "UPDATE worker_lease SET heartbeat_at = now(), "
    "expires_at = now() + make_interval(secs => :ttl) WHERE executor_id = :me"
)
_MINE = text(
    "SELECT 1 FROM worker_lease WHERE executor_id = :me AND expires_at > now()"
)
_GONE = text("DELETE FROM worker_lease WHERE executor_id = :me")
_EXPIRED = text(
    "DELETE FROM worker_lease WHERE expires_at < now() RETURNING executor_id"
)
_ALL = text(
    "SELECT executor_id, host, pid, version, started_at, heartbeat_at, expires_at, "
    "extract(epoch FROM now() - heartbeat_at) AS age, expires_at > now() AS living "
    "FROM worker_lease ORDER BY executor_id"
)


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker as the health page shows it.

    Attributes:
        age_seconds: Since its last heartbeat.
        living: Whether its lease holds.
    """

    executor_id: str
    host: str
    pid: int
    version: str
    started_at: datetime
    heartbeat_at: datetime
    expires_at: datetime
    age_seconds: float
    living: bool


def workers(connection: Connection) -> list[WorkerView]:
    """Return all workers that hold or held a lease and were not reaped yet, by id."""
    rows = [dict(row._mapping) for row in connection.execute(_ALL)]
    return [WorkerView(age_seconds=float(row.pop("age")), **row) for row in rows]


def exit_now() -> NoReturn:
    """End the process at once: others have taken over its work.

    Nothing may be cleaned up or finished; every further byte to a vendor could be
    the second of its kind.
    """
    os._exit(EXIT_LEASE_LOST)


class LeaseKeeper:
    """This worker's lease: inserted before launch, beaten by a thread of its own.

    Args:
        settings: Names the database; the keeper opens its own connection.
        executor_id: This process.
        version: Application version, for the health page.
        ttl: Seconds a lease lives without a heartbeat.
        on_lost: Called when the lease is gone; the default never returns.
    """

    def __init__(
        self,
        settings: Settings,
        executor_id: str,
        version: str,
        *,
        ttl: float = TTL_SECONDS,
        on_lost: Callable[[], None] = exit_now,
    ) -> None:
        self._engine = _own_engine(settings)
        self._me = executor_id
        self._version = version
        self.ttl = ttl
        self._on_lost = on_lost
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="lease", daemon=True)
        self._sound_since: float | None = None

    def start(self) -> None:
        """Insert the lease and begin to beat."""
        host, pid = os.uname().nodename[:120], os.getpid()
        with self._engine.begin() as connection:
            connection.execute(
                _INSERT,
                {
                    "me": self._me,
                    "host": host,
                    "pid": pid,
                    "version": self._version,
                    "ttl": self.ttl,
                },
            )
        self._sound_since = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Stop beating and give the lease up, so that others take over at once."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self.ttl)
        try:
            with self._engine.begin() as connection:
                connection.execute(_GONE, {"me": self._me})
        except SQLAlchemyError as error:
            log.warning("The lease could not be given up and will expire: %s", error)
        self._engine.dispose()

    def lease_is_mine(self, give_up: Callable[[], bool] = lambda: False) -> bool:
        """Ask the database whether this process may still act for its runs.

        A lost lease ends the process. An unreachable database is waited for: without
        its answer nothing may be sent, and the run must not be given up either.

        Args:
            give_up: Asked between attempts; true ends the waiting.

        Raises:
            OperationalError: The database stayed away.
        """

        def ask() -> bool:
            with self._engine.connect() as connection:
                return connection.execute(_MINE, {"me": self._me}).first() is not None

        mine = outlast(ask, give_up=give_up)
        if not mine:
            self._on_lost()
        return mine

    def sound_for(self) -> float:
        """Return for how many seconds all heartbeats have succeeded."""
        since = self._sound_since
        return 0.0 if since is None else time.monotonic() - since

    def _beat_on(self) -> None:
        while not self._stop.wait(self.ttl * 7 / 30):
            self._beat()

    def _beat(self) -> None:
        try:
            with self._engine.begin() as connection:
                beaten = connection.execute(_BEAT, {"me": self._me, "ttl": self.ttl})
                kept = beaten.rowcount > 0
        except SQLAlchemyError as error:
            self._sound_since = None
            log.warning("Heartbeat failed: %s", error)
            return
        if not kept:
            self._on_lost()
        if self._sound_since is None:
            self._sound_since = time.monotonic()


class Reaper:
    """Finds dead workers and puts their runs back into the queues.

    Args:
        engine: The hub's engine.
        keeper: This worker's own lease.
        owners: Returns who owns running runs.
        recover: Puts the runs of dead owners back; returns how many.
    """

    def __init__(
        self,
        engine: Engine,
        keeper: LeaseKeeper,
        owners: Callable[[], set[str]],
        recover: Callable[[list[str]], int],
    ) -> None:
        self._engine = engine
        self._keeper = keeper
        self._owners = owners
        self._recover = recover
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._reap_on, name="reaper", daemon=True
        )
        self.recovered = 0

    def start(self) -> None:
        """Begin to look, four times in the life of a lease."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self._keeper.ttl)

    def reap(self) -> int:
        """Recover the runs of dead workers; returns how many.

        Does nothing until this worker's own heartbeats have succeeded for a whole
        lease: an outage of the database would otherwise make everybody look dead.
        """
        if self._keeper.sound_for() < self._keeper.ttl:
            return 0
        with self._engine.begin() as connection:
            connection.execute(_EXPIRED)
        owners = self._owners()
        with self._engine.connect() as connection:
            alive = {row.executor_id for row in connection.execute(_ALL)}
        dead = sorted(owners - alive)
        if not dead:
            return 0
        count = self._recover(dead)
        self.recovered += count
        log.warning("Took over %s runs of dead workers %s", count, ", ".join(dead))
        return count

    def _reap_on(self) -> None:
        while not self._stop.wait(self._keeper.ttl / 4):
            try:
                self.reap()
            except Exception as error:  # noqa: BLE001  # a failed round must not end reaping
                log.warning("A round of the reaper failed: %s", error)


def _own_engine(settings: Settings) -> Engine:
    arguments: dict[str, Any] = {
        "connect_args": {"application_name": "entrepot-lease", "connect_timeout": 5}
    }
    return create_engine(settings.database_url, poolclass=NullPool, **arguments)
