"""P1, P2: an hour of each documented quota (profile ``real``) in virtual time."""

from __future__ import annotations

import os

from bench.lab import Lab
from bench.rates import CALLS
from bench.suites.sync import require

MINUTES = 60.0


def run(lab: Lab, minutes: float = MINUTES) -> None:
    """The whole suite; on SQLite, since the budget's bucket is the same on both."""
    wanted = os.environ.get("BENCH_VENDORS", ",".join(sorted(CALLS)))
    for name in wanted.split(","):
        url = lab.database("sqlite", "bench_rates")
        found = lab.cell(
            f"hour_{name}", "rates:play", db="sqlite", size=0, rep=0, url=url,
            folder=str(lab.work / "hub"), plugin=name, minutes=minutes,
        )  # fmt: skip
        require(found, f"hour_{name}")
        lab.drop("sqlite", "bench_rates")
