"""Finding and running installed simulators."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from importlib.metadata import entry_points
from types import FrameType

from entrepot.sdk.simulator.base import Simulator
from entrepot.sdk.simulator.options import Options
from entrepot.sdk.simulator.server import RunningServer

GROUP = "entrepot.simulators"
Builder = Callable[[Options], Simulator]


def simulator_names() -> list[str]:
    """Names of the installed simulators, sorted."""
    return sorted(entry.name for entry in entry_points(group=GROUP))


def build_named(name: str, options: Options) -> Simulator:
    """Build the simulator of that name.

    Raises:
        LookupError: If none is installed under it; the text lists those that are.
    """
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            build: Builder = entry.load()
            return build(options)
    raise LookupError(f"no simulator is called {name!r}; there are {simulator_names()}")


def run_simulator(
    name: str,
    options: Options,
    *,
    on_ready: Callable[[Simulator, RunningServer], None] | None = None,
) -> None:
    """Serve the named simulator until SIGINT or SIGTERM.

    Args:
        name: Entry point name.
        options: Start options.
        on_ready: Called once it listens; prints the address, for instance.

    Raises:
        LookupError: If no simulator has that name.
        OSError: If the address cannot be bound.
    """
    simulator = build_named(name, options)
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    before = {s: signal.signal(s, end) for s in (signal.SIGINT, signal.SIGTERM)}
    server = simulator.serve()
    try:
        if on_ready is not None:
            on_ready(simulator, server)
        stop.wait()
    finally:
        server.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
