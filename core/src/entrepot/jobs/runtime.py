"""A worker: the process that executes jobs. Order of start and stop live here."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from entrepot.jobs import retention
from entrepot.jobs.clock import RELOAD_SECONDS, Clock
from entrepot.jobs.context import Surroundings
from entrepot.jobs.engine import APPLICATION_VERSION, EngineExecutor
from entrepot.jobs.errors import WorkerStopping
from entrepot.jobs.execution import Executions
from entrepot.jobs.facade import Jobs
from entrepot.jobs.filelock import FileLock
from entrepot.jobs.intent import Effects
from entrepot.jobs.intents import IntentBook
from entrepot.jobs.lease import TTL_SECONDS, LeaseKeeper, Reaper, exit_now
from entrepot.jobs.queues import QUEUES, QueueSpec
from entrepot.jobs.restore import ask_to_resume

log = logging.getLogger(__name__)

LOCAL_EXECUTOR = "local"
GRACE_SECONDS = 20.0


def _no_fault(_name: str) -> None:
    """Let every fault point pass; crash tests hand in their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """How a worker works; the defaults are those of production.

    Attributes:
        queues: Names of the queues it serves; empty: all.
        with_clock: Whether it also ticks.
        grace: Seconds that running steps get to end when it stops.
        lease_seconds: Life of its lease on PostgreSQL without a heartbeat.
        housekeeping_seconds: How often it looks for runs that ended unheard.
        reload_seconds: How soon its clock notices a changed rule.
        poll_seconds: Replaces every queue's own figure; for tests and short runs.
        fault: Called with the name of each point a crash test may choose.
        on_lease_lost: Called when others have taken over; the default ends the
            process.
    """

    queues: tuple[str, ...] = ()
    with_clock: bool = True
    grace: float = GRACE_SECONDS
    lease_seconds: float = TTL_SECONDS
    housekeeping_seconds: float = 60.0
    reload_seconds: float = RELOAD_SECONDS
    poll_seconds: float | None = None
    fault: Callable[[str], None] = field(default=_no_fault)
    on_lease_lost: Callable[[], None] = field(default=exit_now)

    def served(self) -> tuple[QueueSpec, ...]:
        """Return the queues to serve."""
        names = set(self.queues) or {queue.name for queue in QUEUES}
        served = (queue for queue in QUEUES if queue.name in names)
        if self.poll_seconds is None:
            return tuple(served)
        return tuple(replace(queue, poll_seconds=self.poll_seconds) for queue in served)


class Worker:
    """Executes jobs in this process; one per process, one per SQLite file.

    Args:
        jobs: The facade.
        hub: Handed to every job as `ctx.hub`.
        options: How it works.
    """

    def __init__(
        self,
        jobs: Jobs,
        hub: Any,  # noqa: ANN401  # jobs knows nothing of its type
        options: WorkerOptions | None = None,
    ) -> None:
        self._jobs = jobs
        self._options = options or WorkerOptions()
        self._stopping = threading.Event()
        settings = jobs.store.settings
        self.executor_id = _executor_id(settings.database_kind)
        self._lock = FileLock(settings.sqlite_path) if settings.sqlite_path else None
        self._lease: LeaseKeeper | None = None
        self._reaper: Reaper | None = None
        self._clock: Clock | None = None
        self._engine = EngineExecutor(
            settings,
            jobs.store.engine,
            self.executor_id,
            listener_seconds=min(1.0, self._options.poll_seconds or 1.0),
        )
        self._executions = Executions(
            jobs.store, self._surroundings(hub), self.executor_id
        )
        self._housekeeper = threading.Thread(
            target=self._keep_house, name="housekeeping", daemon=True
        )

    @property
    def active(self) -> int:
        """How many runs are under way here."""
        return self._executions.active

    def lease_is_mine(self) -> bool:
        """Say whether this process may still send for its runs."""
        if self._lock is not None:
            return self._lock.held
        if self._lease is None:
            return False
        return self._lease.lease_is_mine(self._stopping.is_set)

    def start(self) -> None:
        """Take lock or lease, launch the engine, then reaper, housekeeping, clock.

        Raises:
            ExecutorRunning: Another process executes the jobs of this SQLite file.
        """
        self._claim()
        try:
            self._engine.launch(
                [
                    (kind, partial(self._executions.run, kind))
                    for kind in self._jobs.registry
                ],
                self._options.served(),
            )
        except BaseException:
            self._release()
            raise
        self._start_helpers()

    def stop(self) -> bool:
        """Tick no more, claim nothing new, let running steps end, release.

        Returns:
            Whether all runs have ended or been put down. When not, the lock is kept
            and the caller must end the process, which releases it.
        """
        if self._clock is not None:
            self._clock.stop()
        self._stopping.set()
        if self._reaper is not None:
            self._reaper.stop()
        self._engine.stop(self._options.grace if self.active else 0)
        if self._housekeeper.is_alive():
            self._housekeeper.join(timeout=10)
        if self.active:
            log.warning("%s runs are cut off; they continue later", self.active)
            return False
        self._release()
        return True

    def _claim(self) -> None:
        if self._lock is not None:
            self._lock.acquire()
            return
        self._lease = LeaseKeeper(
            self._jobs.store.settings,
            self.executor_id,
            APPLICATION_VERSION,
            ttl=self._options.lease_seconds,
            on_lost=self._options.on_lease_lost,
        )
        self._lease.start()

    def _release(self) -> None:
        if self._lease is not None:
            self._lease.stop()
        if self._lock is not None:
            self._lock.release()

    def _start_helpers(self) -> None:
        if self._lease is not None:
            self._reaper = Reaper(
                self._jobs.store.engine,
                self._lease,
                self._jobs.engine.pending_owners,
                self._engine.recover,
            )
            self._reaper.start()
        self._housekeeper.start()
        ask_to_resume(self._jobs)
        if self._options.with_clock:
            retention.ensure_schedules(self._jobs)
            self._clock = Clock(
                self._jobs.schedules, reload_seconds=self._options.reload_seconds
            )
            self._clock.start()

    def _surroundings(self, hub: Any) -> Surroundings:  # noqa: ANN401  # opaque
        jobs, options = self._jobs, self._options
        book = IntentBook(jobs.store, jobs.clock, give_up=self._stopping.is_set)
        return Surroundings(
            jobs=jobs,
            hub=hub,
            clock=jobs.clock,
            effects=Effects(
                book,
                jobs.clock,
                may_send=self.lease_is_mine,
                stop=self._raise_if_stopping,
                fault=options.fault,
            ),
            stopping=self._stopping.is_set,
            fault=options.fault,
        )

    def _raise_if_stopping(self) -> None:
        if self._stopping.is_set():
            raise WorkerStopping(self.executor_id)

    def _keep_house(self) -> None:
        while not self._stopping.wait(self._options.housekeeping_seconds):
            try:
                ended = self._jobs.runs.reconcile()
            except Exception as error:  # noqa: BLE001  # the next round tries again
                log.warning("Housekeeping failed: %s", error)
                continue
            if ended:
                log.warning("%s runs had ended without a word", ended)


def _executor_id(database_kind: str) -> str:
    if database_kind == "sqlite":
        # The engine recovers an executor's own runs at launch; with one executor
        # per file a constant name makes that all of them.
        return LOCAL_EXECUTOR
    return f"{os.uname().nodename}:{os.getpid()}:{secrets.token_hex(4)}"
