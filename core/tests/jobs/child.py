"""The child processes of the job tests; each role is one function."""

import logging
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import samples
from entrepot.jobs import Jobs, WorkerOptions, worker_main
from entrepot.store import Store, TenantScope, load_settings
from entrepot.store.clock import SystemClock

TENANT = TenantScope("ten_jobs")


class Hub:
    """The least that `worker_main` needs."""

    def __init__(self, registry=None) -> None:
        self.store = Store(load_settings(), SystemClock())
        self.jobs = Jobs(self.store, registry or samples.build_registry())


def die() -> None:
    """End as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def submit(run_id: str, path: str, point: str) -> None:
    hub = Hub()
    with hub.store.unit(TENANT) as session:
        hub.jobs.submit(
            session, "two_steps", run_id=run_id, args={"path": path}, partition="c"
        )
        session.flush()
        if point == "before_commit":
            os._exit(9)
    os._exit(9)


def worker(*settings: str) -> None:
    """Run a worker; settings are name=value pairs.

    `fault=<point>:<n>` kills the process at the n-th passing of a fault point.
    """
    logging.basicConfig(level=logging.INFO)
    given = dict(item.split("=", 1) for item in settings)
    options = WorkerOptions(
        queues=tuple(filter(None, given.get("queues", "").split(","))),
        poll_seconds=float(given.get("poll", "0.05")),
        lease_seconds=float(given.get("lease", "2")),
        with_clock=given.get("clock") == "yes",
        reload_seconds=0.2,
        grace=float(given.get("grace", "3")),
        housekeeping_seconds=1.0,
        fault=fault_hook(given.get("fault"), given.get("pause")),
    )
    sys.exit(worker_main(Hub(), options))


def fault_hook(fatal: str | None, pause: str | None):
    """Die at the n-th passing of `point@n`, or mark a file and wait at `point:file`."""
    point, _, number = (fatal or "@0").rpartition("@")
    brink, _, mark = (pause or ":").rpartition(":")
    left = [int(number)]

    def hook(name: str) -> None:
        if name == point:
            left[0] -= 1
            if left[0] == 0:
                die()
        if name == brink:
            Path(mark).touch()
            time.sleep(2.0)

    return hook


def clock(*_arguments: str) -> None:
    """Tick until killed."""
    from entrepot.jobs.clock import Clock

    hub = Hub()
    made = Clock(hub.jobs.schedules, reload_seconds=0.2)
    made.start()
    sys.stdout.write("ticking\n")
    sys.stdout.flush()
    while True:
        time.sleep(1)


def spend(path: str, folder: str, seconds: str) -> None:
    """Take leases for some seconds, once all are ready.

    Notes of each request when it was allowed and when it was made.
    """
    from datetime import timedelta

    from entrepot.jobs import Allowance, QuotaStore

    hub = Hub()
    clock = SystemClock()
    quota = QuotaStore(hub.store, clock)
    allowance = Allowance(requests=40, seconds=1.0, burst=8)
    Path(folder, f"ready-{os.getpid()}").touch()
    while not Path(folder, "go").exists():
        time.sleep(0.01)
    end = clock.now() + timedelta(seconds=float(seconds))
    while True:
        lease = quota.take("shared", 2, allowance)
        if lease.wait_until >= end:
            return
        clock.sleep(max((lease.wait_until - clock.now()).total_seconds(), 0))
        for _ in range(2):
            samples.note(path, f"{lease.wait_until.timestamp()} {time.time()}")


def watched(path: str) -> None:
    """Run one job and report every connection that Python code opened meanwhile."""
    seen: list[str] = []

    def audit(event: str, arguments: tuple) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
            seen.append(f"{event} {arguments[1:]}")

    sys.addaudithook(audit)
    from entrepot.jobs import run_inline

    hub = Hub()
    run = run_inline(
        hub.jobs,
        hub,
        TENANT,
        lambda session: hub.jobs.submit(
            session, "two_steps", run_id="r1", args={"path": path}, partition="c"
        ),
    )
    time.sleep(2)
    sys.stdout.write(f"sockets: {seen}\n")
    sys.exit(0 if run.state == "succeeded" else 1)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
