"""``python -m bench run|smoke|full|peers|compare|report``."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from bench import report, table
from bench.lab import SIZES, Lab, lab

RESULTS = Path(__file__).parent / "results"
SUITES = ("sync", "delta", "pacing", "reconcile", "api", "isolation")
BOTH = ("sqlite", "postgresql")
_SHORT = {"pg": "postgresql", "sqlite": "sqlite", "postgresql": "postgresql"}


def main() -> int:
    """Run what the command line says; 0 when every gate was met."""
    args = _parser().parse_args()
    return int(args.run(args) or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="measure, 100k unless told otherwise")
    run.add_argument("--size", default="100k", help="10k,100k,1m")
    run.add_argument("--suite", default=",".join(SUITES))
    run.add_argument("--db", default="sqlite,pg")
    run.add_argument("--reps", type=int, default=5)
    run.add_argument("--out", default="", help="name of the result file")
    run.set_defaults(run=_run)
    smoke = commands.add_parser("smoke", help="counts and correctness, never times")
    smoke.add_argument("--size", default="10k")
    smoke.add_argument("--suite", default="sync,delta")
    smoke.add_argument("--db", default="sqlite,pg")
    smoke.set_defaults(run=_smoke)
    full = commands.add_parser("full", help="10k, 100k and 1M, everything but peers")
    full.add_argument("--reps", type=int, default=5)
    full.set_defaults(run=_full)
    peers = commands.add_parser(
        "peers", help="dlt and Singer, in environments of theirs"
    )
    peers.add_argument("--size", default="100k")
    peers.add_argument("--reps", type=int, default=3)
    peers.set_defaults(run=_peers)
    compare = commands.add_parser("compare", help="two result files")
    compare.add_argument("old", type=Path)
    compare.add_argument("new", type=Path)
    compare.set_defaults(run=lambda args: report.compare(args.old, args.new))
    write = commands.add_parser("report", help="write RESULTS.md from the results")
    write.set_defaults(run=_report)
    return parser


def _sizes(text: str) -> list[int]:
    return [SIZES[name.strip().lower()] for name in text.split(",")]


def _databases(text: str) -> list[str]:
    return [_SHORT[name.strip()] for name in text.split(",")]


def _run(args: argparse.Namespace) -> int:
    names = args.suite.split(",")
    with lab(_sizes(args.size), _databases(args.db), args.reps) as made:
        file = args.out or f"run-{args.size}".replace(",", "-")
        _measure(made, names, file=file)
        return _close(made, file)


def _full(args: argparse.Namespace) -> int:
    with lab(_sizes("10k,100k,1m"), BOTH, args.reps) as made:
        _measure(made, SUITES, file="full")
        return _close(made, "full")


def _peers(args: argparse.Namespace) -> int:
    with lab(_sizes(args.size), ("postgresql",), args.reps) as made:
        _measure(made, ("peers",))
        return _close(made, "peers")


def _smoke(args: argparse.Namespace) -> int:
    """Every cell proves its answer; what it took is not looked at."""
    with lab(_sizes(args.size), _databases(args.db), 1, inline=True) as made:
        _measure(made, args.suite.split(","), keep_going=False)
        count = len(made.samples)
        print(f"{count} cells, all right, on {', '.join(made.databases)}")
        for note in made.notes:
            print(note)
    return 0 if count else 1


def _measure(made: Lab, names: Any, *, file: str = "", keep_going: bool = True) -> None:
    for name in names:
        made.suite = name
        try:
            importlib.import_module(f"bench.suites.{name}").run(made)
        except Exception as error:
            if not keep_going:
                raise
            # The other suites' figures must not be lost with this one's.
            made.notes.append(f"suite {name} failed: {error}"[:1500])
            print(f"suite {name} FAILED: {error}", file=sys.stderr)
        if file:
            _store(made, file)


def _report(_: argparse.Namespace) -> int:
    """Judge the kept samples by the present table, then write RESULTS.md."""
    for path in RESULTS.glob("*.json"):
        found = json.loads(path.read_text())
        cores = found["machine"]["cores"] or 1
        found["ratios"] = table.ratios(found["samples"], cores)
        path.write_text(json.dumps(found, indent=1) + "\n")
    return report.write(RESULTS)


def _store(made: Lab, name: str) -> list[dict[str, Any]]:
    found = table.ratios(made.samples, os.cpu_count() or 1)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(made.result(found), indent=1) + "\n")
    return found


def _close(made: Lab, name: str) -> int:
    found = _store(made, name)
    report.write(RESULTS)
    report.show(found)
    failed = any(note.startswith("suite ") for note in made.notes)
    return int(failed or any(one["verdict"] == "missed" for one in found))


if __name__ == "__main__":
    sys.exit(main())
