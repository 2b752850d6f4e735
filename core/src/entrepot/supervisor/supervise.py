"""Starting, watching, restarting and stopping the processes of one hub."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType

from entrepot.supervisor.commands import Child, Command

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2


class Supervisor:
    """Keeps a set of commands running until told to stop.

    Args:
        commands: What to run; started in this order, stopped in reverse.
        on_exit: Told of every process that ended by itself: its name and exit code.
    """

    def __init__(
        self,
        commands: Sequence[Command],
        *,
        on_exit: Callable[[str, int], None] = lambda _name, _code: None,
    ) -> None:
        self._children = [Child(command) for command in commands]
        self._on_exit = on_exit
        self._stop = threading.Event()

    def pids(self) -> dict[str, int]:
        """Return the running processes by name."""
        return {
            child.command.name: child.pid
            for child in self._children
            if child.pid is not None
        }

    def restarts(self) -> dict[str, int]:
        """Return how often each process ended by itself."""
        return {child.command.name: child.restarts for child in self._children}

    def stop(self) -> None:
        """Ask the loop to end; returns at once."""
        self._stop.set()

    def run(self) -> int:
        """Start everything and stay until `stop`, then stop everything.

        Returns:
            0; a process that cannot be started at all raises `OSError`.
        """
        try:
            for child in self._children:
                child.start(time.monotonic())
                log.info("started %s as process %s", child.command.name, child.pid)
            while not self._stop.wait(LOOK_SECONDS):
                self._look()
        finally:
            self._stop_all()
        return 0

    def _look(self) -> None:
        now = time.monotonic()
        for child in self._children:
            code = child.ended(now)
            if code is not None:
                log.warning(
                    "%s ended with %s and is started again", child.command.name, code
                )
                self._on_exit(child.command.name, code)
            if child.restart_at is not None and now >= child.restart_at:
                child.start(now)

    def _stop_all(self) -> None:
        for child in reversed(self._children):
            child.signal(signal.SIGTERM)
        begun = time.monotonic()
        for child in reversed(self._children):
            child.finish(begun + child.command.grace, time.monotonic())


def run(commands: Sequence[Command]) -> int:
    """Supervise until SIGTERM, SIGINT or SIGHUP; for the main thread of a process.

    Args:
        commands: What to run.

    Returns:
        0 after a clean stop.
    """
    supervisor = Supervisor(commands)

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        supervisor.stop()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ask_to_stop)
    return supervisor.run()
