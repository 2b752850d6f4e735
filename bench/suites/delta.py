"""D1, D2, D3, D5: syncs where one object in a thousand changed."""

from __future__ import annotations

from typing import Any

from bench import gen, vendor
from bench.lab import Lab, WrongAnswer
from bench.suites.sync import Place, place, require
from bench.vendor import Running

LATENCY_MS = 50


def run(lab: Lab) -> None:
    """The whole suite."""
    for size in lab.sizes:
        for db in lab.databases:
            with vendor.running(lab.data, size) as running:
                _one(lab, db, size, running)


def _one(lab: Lab, db: str, size: int, running: Running) -> None:
    places = {}
    for kind in ("raw", "projection"):
        where = place(lab, db, size, running, kind)
        url = lab.database(db, f"bench_delta_{kind}", where.template)
        where.sync("product_empty", url, -1)
        lab.settle(db, f"bench_delta_{kind}")
        places[kind] = (where, url)
    _fetch(lab, db, size, running, -1)
    for rep in range(lab.reps_for(size)):
        _fetch(lab, db, size, running, rep)
        changed = _advance(running, 1 + rep)
        for kind, (where, url) in places.items():
            found = where.sync(f"product_delta_{kind}", url, rep)
            _exactly(found, changed, size)
    _late(lab, size, running, places["raw"])
    _written(lab, size, running, places["raw"])
    for kind in places:
        lab.drop(db, f"bench_delta_{kind}")


def _advance(running: Running, step: int) -> int:
    return running.ask(f"/_advance?step={step}&per_mille=1")["changed"]


def _fetch(
    lab: Lab, db: str, size: int, running: Running, rep: int, cell: str = "fetch"
) -> None:
    found = lab.cell(
        cell, "limits.fetch:discard", db=db, size=size, rep=rep, base=running.url,
        count=size, customers=gen.customers_of(size), vendor=running.pid,
    )  # fmt: skip
    require(found, cell)


def _exactly(found: dict[str, Any], changed: int, size: int) -> None:
    counts = found["counts"]["subscriptions"]
    if counts["changed"] != changed or counts["read"] != size or counts.get("new"):
        raise WrongAnswer(f"{changed} objects changed, but a sync counted {counts}")


def _late(lab: Lab, size: int, running: Running, at: tuple[Place, str]) -> None:
    """D2: 50 ms a page, one request in flight."""
    where, url = at
    running.ask(f"/_latency?ms={LATENCY_MS}")
    for rep in range(min(2, lab.reps_for(size))):
        _fetch(lab, where.db, size, running, rep, "fetch_late")
        changed = _advance(running, 50 + rep)
        _exactly(where.sync("product_delta_late", url, rep), changed, size)
    running.ask("/_latency?ms=0")


def _written(lab: Lab, size: int, running: Running, at: tuple[Place, str]) -> None:
    """D3: one row and one fact for each changed object, and nothing else."""
    where, url = at
    changed = _advance(running, 90)
    found = lab.cell(
        "rows_written", "cells:rows_written", db=where.db, size=size, rep=0, url=url,
        **where.params,
    )  # fmt: skip
    wanted = {"subscription": changed, "subscription_fact": changed}
    if found["written"] != wanted:
        raise WrongAnswer(f"rows written: {found['written']}, wanted {wanted}")
    lab.samples[-1]["per_changed"] = sum(found["written"].values()) / (2 * changed)
