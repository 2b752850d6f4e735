"""S1 to S4, S7: full syncs against what the databases can do at best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench import gen, vendor
from bench.lab import Lab, WrongAnswer
from bench.vendor import Running


@dataclass
class Place:
    """A prepared database of one vendor, from which others are copied."""

    lab: Lab
    db: str
    size: int
    vendor: Running
    ids: dict[str, str]
    template: str

    @property
    def params(self) -> dict[str, Any]:
        """What every cell of this place needs."""
        pid = self.lab.pg_pid if self.db == "postgresql" else 0
        folder = str(self.lab.work / "hub")
        return {**self.ids, "folder": folder, "pg": pid, "vendor": self.vendor.pid}

    def truth(self) -> dict[str, int]:
        """What the books must hold now."""
        said = self.vendor.ask("/_checksum")
        return {"truth": said["checksum"], "count": said["count"]}

    def sync(self, cell: str, url: str, rep: int, **more: Any) -> dict[str, Any]:
        """A sync by the product, proven."""
        found = self.lab.cell(
            cell, "cells:sync", db=self.db, size=self.size, rep=rep, url=url,
            **self.params, **{**self.truth(), **more},
        )  # fmt: skip
        require(found, cell)
        return found


def require(found: dict[str, Any], cell: str) -> None:
    """Refuse a wrong answer."""
    if not found.get("right"):
        raise WrongAnswer(f"{cell}: {found}")


def place(
    lab: Lab, db: str, size: int, running: Running, content_hash: str = "raw"
) -> Place:
    """Prepare the database that syncs start from."""
    name = f"bench_{content_hash}"
    url = lab.database(db, name)
    ids = lab.run(
        "cells:prepare", url=url, folder=str(lab.work / "hub"), vendor=running.url,
        content_hash=content_hash,
    )  # fmt: skip
    lab.settle(db, name)
    return Place(lab, db, size, running, ids, name)


def run(lab: Lab) -> None:
    """The whole suite."""
    for size in lab.sizes:
        with vendor.running(lab.data, size) as running:
            for db in lab.databases:
                where = place(lab, db, size, running)
                (_postgresql if db == "postgresql" else _sqlite)(where)


def _new_rows(found: dict[str, Any], size: int) -> None:
    counts = found["counts"]["subscriptions"]
    if counts["new"] != size or counts["changed"]:
        raise WrongAnswer(f"a first sync counted {counts}")


def _postgresql(where: Place) -> None:
    lab, size = where.lab, where.size
    url = lab.database("postgresql", "bench_full", where.template)
    _new_rows(where.sync("product_empty", url, -1), size)
    files = str(lab.work / "copy")
    lab.run("limits.copy:export", url=url, folder=files)
    common = {"url": url, "folder": files, "pg": lab.pg_pid, "count": size}
    at = {"db": "postgresql", "size": size}
    load = "limits.copy:load"
    for rep in range(lab.reps_for(size)):
        for cell, options in (
            ("copy_bare", {"indexed": False, "facts": True}),
            ("copy_bare_projection", {"indexed": False, "facts": False}),
            ("copy_indexed", {"indexed": True, "facts": True}),
            ("copy_indexed_projection", {"indexed": True, "facts": False}),
        ):
            require(lab.cell(cell, load, rep=rep, **at, **common, **options), cell)
        fresh = lab.database("postgresql", "bench_empty", where.template)
        _new_rows(where.sync("product_empty", fresh, rep), size)
        lab.drop("postgresql", "bench_empty")
    # Every object changed at the vendor: each row is updated, each gets a fact.
    lab.run(load, **common, indexed=True, facts=False)
    for rep in range(lab.reps_for(size)):
        lab.settle("postgresql", "bench_full")
        cell = lab.cell(
            "copy_upsert", "limits.copy:upsert", rep=rep, **at, **common, turn=rep + 1
        )
        require(cell, "copy_upsert")
        lab.settle("postgresql", "bench_full")
        _all_changed(where, url, rep)
    lab.drop("postgresql", "bench_full")


def _all_changed(where: Place, url: str, rep: int) -> None:
    where.vendor.ask(f"/_advance?step={100 + rep}&per_mille=1000")
    found = where.sync("product_changed", url, rep)
    counts = found["counts"]["subscriptions"]
    if counts["changed"] != where.size or counts.get("new"):
        raise WrongAnswer(f"everything changed, but a sync counted {counts}")


def _sqlite(where: Place) -> None:
    lab, size = where.lab, where.size
    at = {"db": "sqlite", "size": size}
    url = lab.database("sqlite", "bench_full", where.template)
    _new_rows(where.sync("product_empty", url, -1), size)
    lab.settle("sqlite", "bench_full")
    files = {
        "source": str(lab.work / "bench_full.db"),
        "target": str(lab.work / "bench_limit.db"),
        "count": size,
    }
    for rep in range(lab.reps_for(size)):
        for cell, facts in (("upsert_one", True), ("upsert_one_projection", False)):
            require(
                lab.cell(
                    cell, "limits.sqlite:upsert", rep=rep, **at, **files, facts=facts
                ),
                cell,
            )
        fresh = lab.database("sqlite", "bench_empty", where.template)
        _new_rows(where.sync("product_empty", fresh, rep), size)
    for rep in range(lab.reps_for(size)):
        _all_changed(where, url, rep)
    for name in ("bench_full", "bench_empty", "bench_limit"):
        lab.drop("sqlite", name)


def customers(size: int) -> int:
    """How many customers a size has."""
    return gen.customers_of(size)
