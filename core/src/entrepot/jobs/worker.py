"""The worker process's main function."""

from __future__ import annotations

import logging
import os
import signal
import threading
from types import FrameType
from typing import Protocol

from entrepot.jobs.facade import Jobs
from entrepot.jobs.runtime import Worker, WorkerOptions
from entrepot.supervisor.lifeline import watch_lifeline

log = logging.getLogger(__name__)

EXIT_CUT_OFF = 75


class HasJobs(Protocol):
    """Any application object that carries the facade."""

    @property
    def jobs(self) -> Jobs:
        """The facade."""
        ...


def worker_main(hub: HasJobs, options: WorkerOptions | None = None) -> int:
    """Execute jobs until told to stop, or until the supervisor is gone.

    Args:
        hub: Carries `jobs`; handed to every job as `ctx.hub`.
        options: How the worker works.

    Returns:
        0 after a clean stop. When running steps outlast the grace, the process ends
        at once with 75, so that its lock is released only with its last write.

    Raises:
        ExecutorRunning: Another process executes the jobs of this SQLite file.
    """
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    watch_lifeline(stop.set)
    worker = Worker(hub.jobs, hub, options)
    worker.start()
    log.info("worker %s is ready", worker.executor_id)
    # A plain wait() would not let the signal handlers run on all platforms.
    while not stop.wait(0.5):
        pass
    if worker.stop():
        return 0
    os._exit(EXIT_CUT_OFF)
