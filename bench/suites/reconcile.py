"""R1 to R4: the first step of a reconciliation, where equal companies are settled.

Before each look one subscription in a thousand, and the line that bills it, has
changed, as between two runs. A look without memory goes over everything.
"""

from __future__ import annotations

from bench import vendor
from bench.lab import Lab
from bench.suites.sync import Place, place, require


def run(lab: Lab) -> None:
    """The whole suite: as many PSA lines as subscriptions, one in a thousand wrong."""
    for size in lab.sizes:
        with vendor.running(lab.data, size) as running:
            for db in lab.databases:
                where = place(lab, db, size, running)
                url = lab.database(db, "bench_recon", where.template)
                where.sync("product_empty", url, -1)
                _measure(where, url)
                lab.drop(db, "bench_recon")


def _measure(where: Place, url: str) -> None:
    lab, folder, ids = where.lab, str(where.lab.work / "hub"), where.ids
    truth = lab.run("recon:fill", url=url, folder=folder, **ids)
    lab.settle(where.db, "bench_recon")
    pg = where.params["pg"]
    at = {"db": where.db, "size": where.size}
    differing = truth["differing"]
    look = {
        "folder": folder, "tenant": ids["tenant"], "psa": truth["psa"], "pg": pg,
    }  # fmt: skip
    for rep in range(-1, lab.reps_for(where.size)):
        cells = (
            ("duckdb", "limits.duckdb:compare", {"keys": truth["keys"]}),
            ("product_first_look", "recon:first_look", {**look, "turn": rep}),
            (
                "product_whole_look",
                "recon:first_look",
                {**look, "turn": rep, "whole": True},
            ),
            ("orm", "peers.orm:compare", {"pg": pg}),
        )
        for cell, function, params in cells:
            if cell == "orm" and (rep < 0 or rep > 1):
                continue  # it takes long, and hardly varies
            found = lab.cell(
                cell, function, rep=rep, **at, url=url, differing=differing, **params
            )
            require(found, cell)
