"""V1 to V4, D3: full and incremental syncs of every real plugin's simulator.

Quota profile ``test``. ``BENCH_VENDORS=google,ibm`` measures some of them only,
``BENCH_CELLS=full,incremental`` leaves the look at unchanged rows out. It is not
among the suites of ``run`` without ``--suite``: a hundred thousand accounts that are
asked one by one take an hour, whoever asks.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from entrepot.sdk.simulator import ControlClient

from bench import vendors
from bench.lab import Lab, WrongAnswer
from bench.suites.sync import require
from bench.vendors import KINDS

Cell = Callable[..., dict[str, Any]]


def run(lab: Lab) -> None:
    """The whole suite."""
    wanted = os.environ.get("BENCH_VENDORS", ",".join(sorted(KINDS))).split(",")
    for name in wanted:
        for size in lab.sizes:
            for db in lab.databases:
                with vendors.served(name, size, lab.work / "simulator.log") as one:
                    _measure(lab, db, name, size, *one)


def _measure(
    lab: Lab, db: str, name: str, size: int, control: ControlClient, pid: int, base: str
) -> None:
    """Read everything, read it again, then what one in a thousand changed."""
    folder = str(lab.work / "hub")
    url = lab.database(db, "bench_vendors")
    ids = lab.run("vendors:prepare", url=url, folder=folder, name=name, address=base)

    def cell(kind: str, **options: Any) -> dict[str, Any]:
        found = lab.cell(
            f"{name}_{kind}", "vendors:sync", db=db, size=size, rep=0, url=url,
            folder=folder, **ids, address=base, vendor=pid,
            pg=lab.pg_pid if db == "postgresql" else 0, **options,
        )  # fmt: skip
        require(found, f"{name}_{kind}")
        return found

    wanted = os.environ.get("BENCH_CELLS", "full,unchanged,incremental").split(",")
    known = cell("full")["rows"]
    if known < size // 2:
        raise WrongAnswer(f"{name} shows {known} subscriptions, not {size}")
    if "unchanged" in wanted:
        again = cell("unchanged", count_writes=True)
        if again["written"]:
            tables = again["tables"]
            raise WrongAnswer(f"{name}: nothing changed, but {tables} was written")
    if "incremental" in wanted:
        more = vendors.owners(url, name, max(1, size // 1000))
        _one_more(name, more, known, cell, control)
    lab.drop(db, "bench_vendors")


def _one_more(
    name: str, more: list[str], known: int, cell: Cell, control: ControlClient
) -> None:
    """One more for each of some customers is found, and no other."""
    for owner in more:
        control.act(KINDS[name].one_more, customer=owner)
    found = cell("incremental", mode="incremental", count_writes=True)
    if found["rows"] != known + len(more):
        raise WrongAnswer(f"{name}: {len(more)} more, but {found['rows']} are there")
