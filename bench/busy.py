"""Syncs one after the other until standard input ends; for the isolation suite."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from bench import hubs


def main(text: str) -> None:
    """Say ready, wait for a line, sync until told to stop, say how it went."""
    params = json.loads(text)
    stop = threading.Event()
    with hubs.hub_on(params["url"], Path(params["folder"])) as hub:
        print("ready", flush=True)
        sys.stdin.readline()

        def wait() -> None:
            sys.stdin.read()
            stop.set()

        threading.Thread(target=wait, daemon=True).start()
        count, states = 0, set()
        while not stop.is_set():
            # As a worker would run it: the web processes come first.
            closed = hubs.sync(hub, params["tenant"], params["connection"])
            states.add(closed["state"])
            count += 1
    state = "complete" if states == {"complete"} else str(sorted(states))
    print(json.dumps({"state": state, "syncs": count}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
