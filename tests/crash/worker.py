"""A worker process that a crash test kills, or that dies by itself at a named point."""

import os
import signal
import sys
import threading
from pathlib import Path

from entrepot.app import build_hub
from entrepot.jobs import WorkerOptions, intent, worker_main
from entrepot.store import load_settings

SETTLE_SECONDS = 1


def death_at(point: str, passing: int, mark: Path):
    """A fault hook: notes that work has begun, dies at the n-th passing of `point`."""
    left = [passing]
    lock = threading.Lock()

    def hook(name: str) -> None:
        if name == "run:begun":
            mark.touch()
        with lock:
            left[0] -= name == point
            due = left[0] == 0
        if due:
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


def main(
    queues: str, mark: str, lease: str, point: str = "", passing: str = "1"
) -> int:
    """Serve some queues only, so that nothing but the run under test is worked on."""
    hub = build_hub(load_settings())
    # The simulated PSA shows what it took at once; a real one is given its time.
    hub.reconciliation.writer.settle_seconds = lambda _connection: SETTLE_SECONDS
    intent.PAUSED_RETRY_SECONDS = 1.0
    options = WorkerOptions(
        queues=tuple(queues.split(",")),
        with_clock=False,
        poll_seconds=0.05,
        lease_seconds=float(lease),
        fault=death_at(point, int(passing), Path(mark)),
    )
    return worker_main(hub, options)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
