"""S5, S6, D4: the same listing loaded by dlt and by Singer, and by the product."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bench import vendor
from bench.lab import Lab
from bench.suites.sync import Place, place, require

PEERS = {
    "dlt": ("dlt[postgres]>=1.4",),
    "singer": ("singer-sdk", "meltanolabs-target-postgres", "setuptools"),
}


def run(lab: Lab) -> None:
    """The whole suite; PostgreSQL only, since Singer and dlt differ elsewhere."""
    homes = {name: environment(lab, name) for name in PEERS}
    for size in lab.sizes:
        with vendor.running(lab.data, size) as running:
            where = place(lab, "postgresql", size, running)
            for rep in range(lab.reps_for(size)):
                _round(where, homes, rep)


def environment(lab: Lab, name: str) -> Path:
    """A peer's own virtual environment, made once."""
    home = lab.data / "peers" / name
    if not (home / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        install = [str(home / "bin" / "python"), "-m", "pip", "install", "-q"]
        subprocess.run([*install, *PEERS[name]], check=True)
    return home


def _round(where: Place, homes: dict[str, Path], rep: int) -> None:
    """Load everything, change one object in a thousand, load again; each way."""
    lab = where.lab
    databases = {
        name: lab.database("postgresql", f"bench_{name}") for name in ("dlt", "singer")
    }
    ours = lab.database("postgresql", "bench_ours", where.template)
    for name in homes:
        shutil.rmtree(lab.work / f"peer-{name}", ignore_errors=True)
        (lab.work / f"peer-{name}").mkdir()
    for stage in ("full", "again"):
        if stage == "again":
            where.vendor.ask(f"/_advance?step={300 + rep}&per_mille=1")
        ours_cell = {"full": "product_empty", "again": "product_delta_raw"}[stage]
        where.sync(ours_cell, ours, rep)
        for name, home in homes.items():
            if name == "singer" and stage == "again":
                continue
            cell = f"{name}_{stage}"
            found = lab.cell(
                cell, f"peers.run:{name}", db="postgresql", size=where.size, rep=rep,
                url=databases[name], home=str(home), pg=lab.pg_pid,
                folder=str(lab.work / f"peer-{name}"), vendor=where.vendor.url,
                **where.truth(),
            )  # fmt: skip
            require(found, cell)
    for name in ("dlt", "singer", "ours"):
        lab.drop("postgresql", f"bench_{name}")
