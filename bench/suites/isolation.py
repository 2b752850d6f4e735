"""A5: what the API still does while a sync runs beside it, on the same database."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from bench import vendor
from bench.lab import ROOT, Lab, WrongAnswer, environment
from bench.load import Served
from bench.suites.api import pressed, product
from bench.suites.sync import Place, place


def run(lab: Lab) -> None:
    """The whole suite; the sync is a process of its own, as in every run shape."""
    for size in lab.sizes:
        with vendor.running(lab.data, size) as running:
            for db in lab.databases:
                where = place(lab, db, size, running)
                url = lab.database(db, "bench_api", where.template)
                where.sync("product_empty", url, -1)
                lab.settle(db, "bench_api")
                with product(where, url) as server:
                    for rep in range(lab.reps_for(size)):
                        pressed(where, "list_alone", server, rep)
                        _beside(where, url, server, rep)
                lab.drop(db, "bench_api")


def _beside(where: Place, url: str, server: Served, rep: int) -> None:
    """Press while everything that the vendor has is written anew."""
    where.vendor.ask(f"/_advance?step={200 + rep}&per_mille=1000")
    params = {"url": url, **where.params, "pg": 0}
    with subprocess.Popen(
        [sys.executable, "-m", "bench.busy", json.dumps(params)],
        cwd=ROOT,
        env=environment(where.lab.data),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        process.stdin.write("go\n")
        process.stdin.flush()
        time.sleep(0.3)
        pressed(where, "list_beside_sync", server, rep)
        still = process.poll() is None
        process.stdin.close()
        said: dict[str, Any] = json.loads(process.stdout.readline() or "{}")
    if not still or said.get("state") != "complete":
        raise WrongAnswer(f"the sync beside the API did not run throughout: {said}")
