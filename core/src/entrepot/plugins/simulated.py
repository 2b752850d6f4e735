"""One simulated system as a process of its own: ``python -m …simulated OPTIONS``.

It loads the simulator and nothing of the hub, so that several start quickly.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from entrepot.sdk.simulator import Options
from entrepot.sdk.simulator.registry import run_simulator
from entrepot.supervisor.lifeline import watch_lifeline


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What shall be simulated; travels as JSON in the first argument.

    Attributes:
        seed_file: A seed to plant, or empty.
    """

    name: str
    port: int
    customers: int
    subscriptions: int
    seed_file: str = ""
    extra: dict[str, str] = msgspec.field(default_factory=dict)

    def arguments(self) -> list[str]:
        """The command that simulates it."""
        text = msgspec.json.encode(self).decode()
        return [sys.executable, "-m", "entrepot.plugins.simulated", text]


def main(arguments: Sequence[str]) -> int:
    """Simulate until the supervisor is gone or asks to end."""
    wanted = msgspec.json.decode(arguments[0], type=Wanted)
    watch_lifeline(lambda: os.kill(os.getpid(), signal.SIGTERM))
    options = Options(
        port=wanted.port,
        customers=wanted.customers,
        subscriptions=wanted.subscriptions,
        seed_file=Path(wanted.seed_file) if wanted.seed_file else None,
        extra=wanted.extra,
    )
    run_simulator(wanted.name, options)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
