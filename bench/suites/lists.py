"""Lists of ui.md §14: the customers list, its searches, filters and next pages.

A size counts subscriptions; a tenth as many customers own them. Budget at 1m: 95 % of
answers within 120 ms on SQLite, 80 ms on PostgreSQL.
"""

from __future__ import annotations

from bench.lab import Lab
from bench.suites.sync import require


def run(lab: Lab) -> None:
    """The whole suite."""
    folder = str(lab.work / "hub")
    for size in lab.sizes:
        for db in lab.databases:
            url = lab.database(db, "bench_lists")
            made = lab.cell(
                "load", "lists:load", db=db, size=size, rep=-1, url=url,
                folder=folder, objects=size,
            )  # fmt: skip
            lab.settle(db, "bench_lists")
            tenant = made["tenant"]
            found = lab.cell(
                "derive", "lists:derive", db=db, size=size, rep=0, url=url,
                folder=folder, tenant=tenant, objects=size,
            )  # fmt: skip
            require(found, "derive")
            lab.settle(db, "bench_lists")
            for rep in range(min(lab.reps, 2)):
                for page in ("api", "console"):
                    found = lab.cell(
                        f"lists_{page}", "lists:ask", db=db, size=size, rep=rep,
                        url=url, folder=folder, tenant=tenant, page=page,
                    )  # fmt: skip
                    require(found, page)
                    lab.say(_told(found))
            lab.drop(db, "bench_lists")


def _told(found: dict[str, float]) -> str:
    kinds = [name.removesuffix("_p95") for name in found if name.endswith("_p95")]
    return "  ".join(
        f"{kind} {found[f'{kind}_p50']:.0f}/{found[f'{kind}_p95']:.0f}/"
        f"{found[f'{kind}_max']:.0f} ms"
        for kind in kinds
    )
