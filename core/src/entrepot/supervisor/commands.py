"""What the supervisor starts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from entrepot.supervisor.lifeline import VARIABLE

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
STABLE_SECONDS = 60.0
"""A process that lived so long starts its next pauses from the shortest again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One process of the hub.

    Attributes:
        name: For the log: `web-1`, `worker-1`.
        argv: Program and arguments.
        env: Variables beside those of the supervisor.
        grace: Seconds between the polite request to stop and the kill.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    grace: float = 25.0


class Child:
    """A command and the process that runs it at the moment.

    Args:
        command: What to run.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self.restarts = 0
        self.restart_at: float | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None
        self._started = 0.0
        self._pause = FIRST_PAUSE

    @property
    def pid(self) -> int | None:
        """Process id, or None when nothing runs."""
        return self._process.pid if self._process is not None else None

    def start(self, now: float) -> None:
        """Start the process with a lifeline of its own."""
        reading, self._lifeline = os.pipe()
        environment = {**os.environ, **self.command.env, VARIABLE: str(reading)}
        try:
            self._process = subprocess.Popen(  # noqa: S603  # the hub's own commands
                list(self.command.argv),
                env=environment,
                pass_fds=(reading,),
                # Of its own: Ctrl-C reaches the supervisor only, which forwards it.
                start_new_session=True,
            )
        finally:
            os.close(reading)
        self._started = now
        self.restart_at = None

    def ended(self, now: float) -> int | None:
        """Return the exit code once the process has ended, and plan its restart.

        Returns:
            None while it runs or waits for its restart.
        """
        if self._process is None:
            return None
        code = self._process.poll()
        if code is None:
            return None
        self._process = None
        self._cut_lifeline()
        if now - self._started >= STABLE_SECONDS:
            self._pause = FIRST_PAUSE
        self.restart_at = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self.restarts += 1
        return code

    def signal(self, number: int) -> None:
        """Send a signal when the process runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def finish(self, deadline: float, now: float) -> None:
        """Wait for the end until the deadline, then kill."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout=max(deadline - now, 0.1))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        self._cut_lifeline()

    def _cut_lifeline(self) -> None:
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
