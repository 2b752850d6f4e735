"""Makes worker processes by forking one that has imported everything already.

Importing the hub takes longer than all else a worker does in these tests. A forked
worker is a process like any other: it has its own lock, lease and connections, and
dies by SIGKILL. One line of JSON on standard input asks for something, one answers;
when the input ends, every worker ends.
"""

import faulthandler
import json
import os
import signal
import sys
import tempfile
import threading

import worker
from entrepot.app import build_hub
from entrepot.store import Settings
from entrepot.store.keys import new_keys


def warm_up() -> None:
    """Do once what every first hub of a process takes its time for."""
    with tempfile.TemporaryDirectory() as folder:
        keys = tuple(key.text() for key in new_keys())
        address = f"sqlite:///{folder}/none.db"
        build_hub(Settings(database_url=address, data_dir=folder, keys=keys)).close()
    if threading.active_count() != 1:
        raise RuntimeError(f"cannot fork beside threads: {threading.enumerate()}")


def start(arguments: list[str], environment: dict[str, str], log: str) -> int:
    """Fork a worker; returns its process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        log_file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log_file, 1), (log_file, 2)):
            os.dup2(source, target)
        os.environ.clear()
        os.environ.update(environment)
        faulthandler.enable()  # one that isn't killed by a test says where it died
        code = worker.main(*arguments)
    finally:
        # An error is told here: the process must not go on as a second nursery.
        if sys.exc_info()[0] is not None:
            sys.excepthook(*sys.exc_info())
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


class Nursery:
    """What was started, and how it ended."""

    def __init__(self) -> None:
        self._codes: dict[int, int | None] = {}

    def answer(self, asked: dict) -> dict:
        """Do what a line asks for."""
        if asked["do"] == "start":
            pid = start(asked["arguments"], asked["environment"], asked["log"])
            self._codes[pid] = None
            return {"pid": pid}
        return {"code": self.code(asked["pid"])}

    def code(self, pid: int) -> int | None:
        """How a worker ended, a signal as a negative number; None while it lives."""
        if self._codes[pid] is None:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._codes[pid] = os.waitstatus_to_exitcode(status)
        return self._codes[pid]

    def end(self) -> None:
        """Kill what lives."""
        for pid in self._codes:
            if self.code(pid) is None:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def say(answer: dict) -> None:
    """Answer with one line."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Answer until the input ends."""
    warm_up()
    nursery = Nursery()
    say({"ready": True})
    try:
        for line in sys.stdin:
            say(nursery.answer(json.loads(line)))
    finally:
        nursery.end()


if __name__ == "__main__":
    main()
