"""A1 to A4: a list of 50 objects against bare Flask and against the usual way."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from bench import load, vendor
from bench.lab import ROOT, Lab, WrongAnswer, environment, size_name
from bench.load import Served
from bench.suites.sync import Place, place, require

SECONDS = 4.0
API = "/api/v1/subscriptions?limit=50"


def run(lab: Lab) -> None:
    """The whole suite."""
    for size in lab.sizes:
        with vendor.running(lab.data, size) as running:
            for db in lab.databases:
                where = place(lab, db, size, running)
                url = lab.database(db, "bench_api", where.template)
                where.sync("product_empty", url, -1)
                lab.settle(db, "bench_api")
                _measure(where, url)
                lab.drop(db, "bench_api")


def _measure(where: Place, url: str) -> None:
    lab = where.lab
    with contextlib.ExitStack() as stack:
        servers = {
            "hello": stack.enter_context(_hello(lab)),
            "product_list": stack.enter_context(product(where, url)),
            "smorest_list": stack.enter_context(_peer(where, url)),
        }
        _check(servers)
        for server in servers.values():
            load.press(server, 1.0)
        for rep in range(lab.reps_for(where.size)):
            for name, server in servers.items():
                pressed(where, name, server, rep)


def pressed(where: Place, cell: str, server: Served, rep: int) -> dict[str, Any]:
    """One measurement, kept."""
    lab, db = where.lab, where.db
    found = load.press(server, SECONDS, pg=lab.pg_pid if db == "postgresql" else 0)
    require(found, cell)
    sample = {"suite": lab.suite, "cell": cell, "db": db, "size": where.size, **found}
    lab.samples.append({**sample, "rep": rep})
    lab.say(
        f"{lab.suite} {db} {size_name(where.size)} #{rep} {cell}: "
        f"rps={found['rps']:.0f} cpu/request={found['cpu_per_request'] * 1e6:.0f} us"
    )
    return found


@contextlib.contextmanager
def product(where: Place, url: str) -> Iterator[Served]:
    """The product's own web application on a database, with a machine's token."""
    lab = where.lab
    folder = str(lab.work / "hub")
    token = lab.run("web:token", url=url, folder=folder, tenant=where.ids["tenant"])[
        "token"
    ]
    with load.served(
        "product", API, url=url, folder=folder, tenant=where.ids["tenant"],
        headers={"Authorization": f"Bearer {token}"},
        env=environment(lab.data), cwd=ROOT,
    ) as server:  # fmt: skip
        yield server


@contextlib.contextmanager
def _hello(lab: Lab) -> Iterator[Served]:
    with load.served("hello", "/", env=environment(lab.data), cwd=ROOT) as server:
        yield server


@contextlib.contextmanager
def _peer(where: Place, url: str) -> Iterator[Served]:
    with load.served(
        "peer", "/subscriptions", url=url, tenant=where.ids["tenant"],
        env=environment(where.lab.data), cwd=ROOT,
    ) as server:  # fmt: skip
        yield server


def _check(servers: dict[str, Served]) -> None:
    ours = json.loads(servers["product_list"].get())["data"]
    theirs = json.loads(servers["smorest_list"].get())
    if servers["hello"].get() != b"ok":
        raise WrongAnswer("bare Flask does not say ok")
    if len(ours) != 50 or [one["id"] for one in ours] != [one["id"] for one in theirs]:
        raise WrongAnswer("the two lists differ")
