"""Many runs, several workers, random kills; then everything must have ended once.

Not collected by pytest. Needs an empty PostgreSQL database, or a SQLite file:

    ENTREPOT_DATABASE_URL=postgresql://... python core/tests/jobs/soak.py
"""

import argparse
import collections
import importlib
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import child as children  # noqa: E402
from entrepot.jobs import RunQuery, migrate_engine  # noqa: E402
from entrepot.jobs.tables import JobRun  # noqa: E402
from entrepot.store.migrations.run import upgrade  # noqa: E402
from sqlalchemy import select  # noqa: E402


def main() -> int:
    options = parse()
    importlib.import_module("entrepot.hub.tables")
    hub = children.Hub()
    upgrade(hub.store.settings)
    migrate_engine(hub.store.settings)
    book = options.folder / "notes.txt"
    submit(hub, options, str(book))
    workers = [start(options) for _ in range(options.workers)]
    kills = torment(workers, options)
    ended = wait_for_all(hub, workers, options)
    for worker in workers:
        worker.terminate()
        worker.wait(timeout=60)
    return report(hub, book, options, kills, ended)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--partitions", type=int, default=50)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--kill-seconds", type=float, default=120)
    parser.add_argument("--limit-seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path())
    return parser.parse_args()


def submit(hub, options: argparse.Namespace, book: str) -> None:
    for start_at in range(0, options.runs, 500):
        with hub.store.unit(children.TENANT) as session:
            for number in range(start_at, min(start_at + 500, options.runs)):
                hub.jobs.submit(
                    session,
                    "two_steps",
                    run_id=f"soak-{number:06}",
                    args={"path": book},
                    partition=f"con_{number % options.partitions}",
                )


def start(options: argparse.Namespace) -> subprocess.Popen:
    command = [sys.executable, str(HERE / "child.py"), "worker", "lease=6", "poll=0.1"]
    log = (options.folder / "workers.log").open("ab")
    return subprocess.Popen(command, stdout=log, stderr=log)


def torment(workers: list, options: argparse.Namespace) -> int:
    """Kill one worker every few seconds and start another in its place."""
    chance, kills = random.Random(options.seed), 0
    end = time.monotonic() + options.kill_seconds
    while time.monotonic() < end:
        time.sleep(chance.uniform(2, 8))
        victim = chance.randrange(len(workers))
        workers[victim].send_signal(signal.SIGKILL)
        workers[victim].wait()
        workers[victim] = start(options)
        kills += 1
    return kills


def wait_for_all(hub, workers: list, options: argparse.Namespace) -> bool:
    end = time.monotonic() + options.limit_seconds
    while time.monotonic() < end:
        active = RunQuery(active=True, limit=1)
        if not hub.jobs.runs.list(children.TENANT, active).items:
            return True
        for number, worker in enumerate(workers):
            if worker.poll() is not None:
                workers[number] = start(options)
        time.sleep(2)
    return False


def report(hub, book: Path, options, kills: int, ended: bool) -> int:
    with hub.store.read(children.TENANT) as session:
        found = session.execute(
            select(JobRun.state, JobRun.recovered).where(
                JobRun.tenant_id == children.TENANT.tenant_id
            )
        ).all()
    states = collections.Counter(row.state for row in found)
    recovered = sum(row.recovered for row in found)
    lines = collections.Counter(book.read_text().splitlines())
    missing = [
        name
        for number in range(options.runs)
        for name in (f"first soak-{number:06}", f"second soak-{number:06}")
        if name not in lines
    ]
    repeated = sum(count - 1 for count in lines.values())
    sys.stdout.write(
        f"ended={ended} kills={kills} states={dict(states)} recovered={recovered} "
        f"missing steps={len(missing)} steps cut off and run again={repeated}\n"
    )
    return 0 if ended and not missing and set(states) == {"succeeded"} else 1


if __name__ == "__main__":
    sys.exit(main())
