"""Lists of ui.md §14: searches, filters, orders and next pages of every long list.

A size counts subscriptions; a tenth as many customers own them. Budget at 1m: 95 % of
answers within 120 ms on SQLite, 80 ms on PostgreSQL.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from bench.lab import Lab
from bench.suites.sync import require


def run(lab: Lab) -> None:
    """The whole suite."""
    for size in lab.sizes:
        for db in lab.databases:
            books = _kept(db, size) or _made(lab, db, size)
            for rep in range(min(lab.reps, 2)):
                for page in ("api", "console"):
                    found = lab.cell(
                        f"lists_{page}", "lists:ask", db=db, size=size, rep=rep,
                        page=page, **books,
                    )  # fmt: skip
                    require(found, page)
                    lab.say(_told(found))
            lab.drop(db, "bench_lists")


def _kept(db: str, size: int) -> dict[str, str] | None:
    """Books that somebody keeps: loading a million subscriptions takes its time.

    ``BENCH_BOOKS`` is a folder with a file for each, such as ``sqlite-1000000.json``:
    ``url``, ``folder`` and ``tenant`` of a database that `listload` made.
    """
    kept = Path(os.environ.get("BENCH_BOOKS", "")) / f"{db}-{size}.json"
    return json.loads(kept.read_text()) if kept.is_file() else None


def _made(lab: Lab, db: str, size: int) -> dict[str, str]:
    books = {
        "url": lab.database(db, "bench_lists"), "folder": str(lab.work / "hub"),
    }  # fmt: skip
    made = lab.cell(
        "load", "listload:load", db=db, size=size, rep=-1, objects=size, **books
    )
    books["tenant"] = made["tenant"]
    lab.settle(db, "bench_lists")
    found = lab.cell(
        "derive", "listload:derive", db=db, size=size, rep=0, objects=size, **books
    )
    require(found, "derive")
    lab.settle(db, "bench_lists")
    return books


def _told(found: dict[str, float]) -> str:
    kinds = [
        name.removesuffix("_queries") for name in found if name.endswith("_queries")
    ]
    return "\n".join(
        f"{kind:>22} {found[f'{kind}_p50']:5.0f} p95 {found[f'{kind}_p95']:5.0f} ms, "
        f"of this process {found[f'{kind}_cpu_p50']:5.0f} p95 "
        f"{found[f'{kind}_cpu_p95']:5.0f}, {found[f'{kind}_queries']} statements"
        for kind in kinds
    )
