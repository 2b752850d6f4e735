"""Real processes of a hub, started as an operator starts them, and what is left."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

MARK = "ENTREPOT_TEST_FAMILY"


def until(
    check: Callable[[], Any], seconds: float, what: Callable[[], object] = lambda: ""
) -> Any:
    """The first true answer; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"Nothing happened in {seconds:.0f} s. {what()}")


class Operator:
    """Somebody at a terminal in a folder of their own.

    Every process started here, and whatever it starts, carries a mark in its
    environment by which it can be found.

    Args:
        folder: Working folder; settings and data go there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._family = uuid.uuid4().hex
        self._started: list[subprocess.Popen[bytes]] = []

    def environment(self, **more: str) -> dict[str, str]:
        """The environment without anybody else's settings."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ENTREPOT_")}
        return {**kept, MARK: self._family, "NO_COLOR": "1", "COLUMNS": "200", **more}

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a command and return at once; its output goes to a file."""
        return self.python("-m", "entrepot.cli", *arguments, **environment)

    def python(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start Python; as `start`."""
        log = self.folder / f"process{len(self._started)}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.folder,
                env=self.environment(**environment),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        process.log = log  # type: ignore[attr-defined]  # for messages of tests
        self._started.append(process)
        return process

    def run(
        self, *arguments: str, seconds: float = 60, **environment: str
    ) -> tuple[int, str]:
        """Run a command to its end; its exit code and what it said."""
        process = self.start(*arguments, **environment)
        code = process.wait(seconds)
        return code, self.said(process)

    def said(self, process: subprocess.Popen[bytes]) -> str:
        """What a process has written so far."""
        return process.log.read_text()  # type: ignore[attr-defined,no-any-return]  # as above

    def family(self) -> dict[int, str]:
        """Living processes of this operator: command by process id."""
        wanted = f"{MARK}={self._family}".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            # A process may end while one looks at it.
            with contextlib.suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    text = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                    if text:  # Empty: it has ended and waits for its parent.
                        found[int(folder.name)] = text.decode()
        return found

    def end(self) -> None:
        """End what is left, for tests that failed."""
        for process in self.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for process in self._started:
            process.wait()


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    """Somebody at a terminal; nothing they started outlives the test."""
    made = Operator(tmp_path)
    yield made
    made.end()


@pytest.fixture
def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Wait for a condition."""
    return until
