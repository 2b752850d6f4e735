"""Runs cells, interleaved, each in a fresh process, and keeps what they measured."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import cell, postgres

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / ".cache" / "bench"
SIZES = {"1k": 1_000, "2k": 2_000, "10k": 10_000, "100k": 100_000, "1m": 1_000_000}


class WrongAnswer(Exception):
    """A cell was fast or slow, but not right."""


def size_name(count: int) -> str:
    """How a size is called."""
    names = {number: name for name, number in SIZES.items()}
    return names.get(count, str(count))


@dataclass
class Lab:
    """One run of the bench.

    Attributes:
        data: Folder on a real disk for what every run can use: data, environments.
        work: Folder of this run's own, for databases and files.
        pg: The PostgreSQL server, or None when there is none.
        sizes: Numbers of subscriptions.
        databases: ``sqlite``, ``postgresql`` or both.
        reps: How often each cell is measured.
        samples: What was measured.
        inline: Run cells in this process: quicker, for smoke runs that time nothing.
    """

    data: Path
    work: Path
    pg: postgres.Server | None
    sizes: Sequence[int]
    databases: Sequence[str]
    reps: int
    samples: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    suite: str = ""
    quiet: bool = False
    inline: bool = False

    def reps_for(self, count: int) -> int:
        """Fewer repetitions where one takes minutes."""
        return min(self.reps, 3) if count >= 1_000_000 else self.reps

    def say(self, text: str) -> None:
        """Tell whoever watches."""
        if not self.quiet:
            print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)

    def cell(
        self, name: str, function: str, *, db: str, size: int, rep: int, **params: Any
    ) -> dict[str, Any]:
        """Run one cell and keep its sample.

        Args:
            name: The cell's, in the results.
            function: ``module:function`` below ``bench``.
            db: ``sqlite`` or ``postgresql``; ``-`` where there is none.
            size: Number of subscriptions.
            rep: Which repetition; below 0 it is a warm-up and not kept.
            **params: Handed to the function.
        """
        found = self.run(function, **params)
        sample = {"suite": self.suite, "cell": name, "db": db, "size": size, **found}
        if rep >= 0:
            self.samples.append({**sample, "rep": rep})
        figures = " ".join(
            f"{one}={found[one]:.4g}"
            for one in ("wall", "cpu", "rps", "load")
            if one in found
        )
        self.say(f"{self.suite} {db} {size_name(size)} #{rep} {name}: {figures}")
        return sample

    def run(self, function: str, **params: Any) -> dict[str, Any]:
        """Run a function in a fresh process and return what it returned."""
        if self.inline:
            return cell.call(function, params)
        command = [sys.executable, "-m", "bench.cell", function, json.dumps(params)]
        done = subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env=environment(self.data),
        )
        if done.returncode:
            raise WrongAnswer(f"{function} failed:\n{done.stderr[-3000:]}")
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return found

    @property
    def pg_pid(self) -> int:
        """The postmaster, or 0."""
        return self.pg.pid if self.pg else 0

    def database(self, db: str, name: str, template: str = "") -> str:
        """The address of a database made anew, empty or as a copy."""
        if db == "postgresql":
            assert self.pg is not None
            return self.pg.create(name, template or "template1")
        path = self.work / f"{name}.db"
        self._remove(name)
        if template:
            shutil.copyfile(self.work / f"{template}.db", path)
        return f"sqlite:///{path}"

    def settle(self, db: str, name: str) -> None:
        """Bring a database to rest: vacuum, analyse, write everything out."""
        if db == "postgresql":
            assert self.pg is not None
            self.pg.execute("VACUUM ANALYZE", name)
            self.pg.execute("CHECKPOINT")
            return
        with contextlib.closing(sqlite3.connect(self.work / f"{name}.db")) as opened:
            opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            opened.execute("ANALYZE")
            opened.commit()
        os.sync()

    def drop(self, db: str, name: str) -> None:
        """Remove a database."""
        if db == "postgresql":
            assert self.pg is not None
            self.pg.drop(name)
            return
        self._remove(name)

    def _remove(self, name: str) -> None:
        """Remove an SQLite file and all that the hub keeps beside it."""
        for old in self.work.glob(f"{name}.db*"):
            if old.is_dir():
                shutil.rmtree(old)
            else:
                old.unlink()

    def result(self, ratios: list[dict[str, Any]]) -> dict[str, Any]:
        """The result file's content."""
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "postgresql": self.pg.about if self.pg else None,
            "sqlite": sqlite3.sqlite_version,
            "reps": self.reps,
            "notes": self.notes,
            "ratios": ratios,
            "samples": self.samples,
        }


def environment(data: Path) -> dict[str, str]:
    """Of cells: compiled modules are kept, in a folder of the bench's own."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(data / "pyc")}


def machine() -> dict[str, Any]:
    """What this was measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "load_average": [round(one, 2) for one in os.getloadavg()],
    }


@contextlib.contextmanager
def lab(
    sizes: Sequence[int],
    databases: Sequence[str],
    reps: int,
    *,
    quiet: bool = False,
    inline: bool = False,
    data: Path = DATA,
) -> Iterator[Lab]:
    """A lab with a PostgreSQL of its own, when one is wanted and there is one."""
    data.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        own = tempfile.TemporaryDirectory(prefix="run-", dir=data)
        work = Path(stack.enter_context(own))
        found = None
        if "postgresql" in databases:
            found = stack.enter_context(postgres.server(work))
        if "postgresql" in databases and found is None:
            databases = [one for one in databases if one != "postgresql"]
            note = "PostgreSQL was not found: its rows are n/a, not passed."
        else:
            note = ""
        made = Lab(
            data, work, found, sizes, databases, reps, quiet=quiet, inline=inline
        )
        made.notes += [note] if note else []
        yield made


def median(samples: Sequence[dict[str, Any]], metric: str) -> float:
    """The median of a metric."""
    return float(statistics.median(one[metric] for one in samples))
