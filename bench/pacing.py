"""Calls of a plugin through the product's session and its budget in the database."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from entrepot.sdk.errors import EntrepotError

from bench import hubs
from bench.measure import measured
from bench.plugin import BenchVendor


def calls(
    url: str,
    folder: str,
    tenant: str,
    connection: str,
    *,
    rate: int,
    threads: int,
    seconds: float,
    pg: int = 0,
    vendor: int = 0,
) -> dict[str, Any]:
    """Call as often as the hub allows for so long."""
    plugin = BenchVendor(rate, threads)
    result: dict[str, Any] = {}
    done, failed = [0] * threads, [0] * threads
    with hubs.hub_on(url, Path(folder), plugin) as hub:
        ctx = hub.connections.open(connection)
        with measured(result, pg=pg, others=(vendor,) if vendor else ()):
            until = time.monotonic() + seconds

            def work(number: int) -> None:
                while time.monotonic() < until:
                    try:
                        ctx.runtime.raw_get(f"/one/{number}")
                        done[number] += 1
                    except EntrepotError:
                        failed[number] += 1

            workers = [
                threading.Thread(target=work, args=(one,)) for one in range(threads)
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
    result["done"], result["failed"] = sum(done), sum(failed)
    return result
