"""P1, P2: how much of the permitted rate is used, and how often we are refused."""

from __future__ import annotations

from bench import vendor
from bench.lab import Lab
from bench.suites.sync import place, require

RATE = 100
LATENCY_MS = 50
SECONDS = 32.0


def run(lab: Lab, seconds: float = SECONDS) -> None:
    """The whole suite: a vendor with a token bucket and 50 ms a call."""
    with vendor.running(lab.data, 1_000) as running:
        for db in lab.databases:
            where = place(lab, db, 1_000, running)
            url = lab.database(db, "bench_pacing", where.template)
            threads = 2 * RATE * LATENCY_MS // 1000  # twice what an idle machine needs
            for rep in range(min(2, lab.reps)):
                running.ask(f"/_latency?ms={LATENCY_MS}")
                running.ask(f"/_limit?rate={RATE}&burst={max(1, RATE // 10)}")
                before = running.ask("/_stats")
                found = lab.cell(
                    "paced", "pacing:calls", db=db, size=1_000, rep=rep, url=url,
                    **where.params, rate=RATE, threads=threads, seconds=seconds,
                )  # fmt: skip
                after = running.ask("/_stats")
                asked = after["requests"] - before["requests"]
                refused = after["refused"] - before["refused"]
                more = {
                    "used": (asked - refused) / (RATE * found["wall"]),
                    "refused_share": refused / max(asked, 1),
                    "right": found["failed"] == 0 and asked >= found["done"],
                }
                require({**found, **more}, "paced")
                lab.samples[-1].update(more)
            running.ask("/_limit?rate=0")
            running.ask("/_latency?ms=0")
            lab.drop(db, "bench_pacing")
