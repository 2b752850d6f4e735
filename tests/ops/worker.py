"""One worker process of a fleet, with a clock or without.

The second argument is how many seconds its lease lives.
"""

import sys

from entrepot.app import build_hub
from entrepot.jobs import WorkerOptions, worker_main
from entrepot.store import load_settings

if __name__ == "__main__":
    options = WorkerOptions(
        with_clock=sys.argv[1] == "clock",
        queues=("sync",),
        poll_seconds=0.1,
        lease_seconds=float(sys.argv[2]),
        reload_seconds=0.5,
    )
    sys.exit(worker_main(build_hub(load_settings()), options))
