"""A hub between two simulated systems, worker processes, and ways to kill them.

``ENTREPOT_CRASH_SEEDS`` is the number of kill points of each kind on each database,
``ENTREPOT_CRASH_SIZE`` the number of subscriptions that are read. A kill point is
chosen by its seed: a named fault point, or the moment of the n-th request. Workers
are real processes, forked from one that has imported everything (`nursery.py`).

With no more seeds than ``SAMPLE`` each case runs on one database, in turn; with more
each runs on both.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from entrepot.app import build_hub
from entrepot.hub.sync.intake import RunInfo
from entrepot.jobs import WorkerOptions, run_inline
from entrepot.sdk.simulator import Fault, Options
from entrepot.store import (
    Settings,
    TenantScope,
    new_id,
    operator_actor,
    system_actor,
)

ROOT = Path(__file__).parents[2]
NURSERY = Path(__file__).with_name("nursery.py")
SAMPLE = 2
SEEDS = int(os.environ.get("ENTREPOT_CRASH_SEEDS", str(SAMPLE)))
SIZE = int(os.environ.get("ENTREPOT_CRASH_SIZE", "200"))
PATIENCE = 180.0 + SIZE / 100
LEASE = 5.0
"""Seconds: a worker takes over only what is left after it has lived as long itself."""


@dataclass(frozen=True)
class KillPoint:
    """When a worker dies: at a named point's n-th passing, or at the n-th request."""

    point: str = ""
    number: int = 1

    def __str__(self) -> str:
        return f"{self.point or 'request'} {self.number}"


def kill_point(
    kind: str, seed: int, points: dict[str, int], requests: int
) -> KillPoint:
    """The kill point of a seed: named ones and random moments in turn."""
    chosen = random.Random(f"{kind} {seed}")
    if seed % 2:
        return KillPoint("", chosen.randint(1, requests))
    names = sorted(points)
    name = names[(seed // 2) % len(names)] if seed >= 4 else next(iter(points))
    return KillPoint(name, chosen.randint(1, points[name]))


def cases(values: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The values with the database each runs on."""
    databases, given = ("sqlite", "postgresql"), list(values)
    if SEEDS > SAMPLE:
        return [(*value, database) for value in given for database in databases]
    return [(*value, databases[n % 2]) for n, value in enumerate(given)]


@pytest.hookimpl(tryfirst=True)  # before the databases of all tests are spread
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "plugin" in metafunc.fixturenames:
        return
    for name, values in (("seed", range(SEEDS)), ("lived_on", (True, False))):
        if name in metafunc.fixturenames:
            found = cases((value,) for value in values)
            metafunc.parametrize((name, "database_kind"), found)


def until(
    check: Callable[[], Any], what: Callable[[], object], seconds: float = PATIENCE
) -> Any:
    """The first true answer; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.01)
    pytest.fail(f"Nothing happened in {seconds:.0f} s. {what()}")


@dataclass
class Vendor:
    """A served simulator."""

    sim: Any
    server: Any

    @property
    def requests(self) -> int:
        """Requests answered so far."""
        return int(self.sim.log.counters()["total"])

    def stop(self) -> None:
        """Listen no more."""
        self.server.stop()


def serve(build: Any, **options: Any) -> Vendor:
    """Start a simulator in this process."""
    simulator = build(Options(**options))
    return Vendor(simulator, simulator.serve(port=options.get("port", 0)))


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Any]:
    """A hub with the machine's clock: worker processes run in real time."""
    hub = build_hub(settings)
    try:
        yield hub
    finally:
        hub.close()


def connect(hub: Any, actor: Any, plugin: str, vendor: Vendor) -> str:
    """Add a connection without quotas; returns its id."""
    info = hub.plugins.info(plugin)
    made = hub.connections.add(
        actor,
        plugin=plugin,
        name=plugin,
        values=vendor.sim.connection_settings(),
        quotas=dict.fromkeys(quota.name for quota in info.quotas),
    )
    return str(made.id)


def add_reseller(hub: Any) -> Any:
    """Add a reseller and return an actor who may do everything there."""
    tenant = hub.tenants.create(operator_actor("tests"), name="Reseller")
    return system_actor("tests", tenant.id)


class WorkerProcess:
    """A forked worker, seen from the test.

    Args:
        nursery: What forked it.
        pid: Its process id.
    """

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery, self.pid = nursery, pid

    def poll(self) -> int | None:
        """How it ended, a signal as a negative number; None while it lives."""
        code = self._nursery.ask(do="poll", pid=self.pid)["code"]
        return None if code is None else int(code)

    def kill(self) -> None:
        """End it at once, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


class Nursery:
    """The process that forks workers; see `nursery.py`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(NURSERY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def ask(self, **asked: Any) -> dict[str, Any]:
        """Ask for something and return the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the nursery has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End every worker."""
        self._process.communicate(timeout=30)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """One for the whole run: it costs as much as a worker that is not forked."""
    made = Nursery()
    yield made
    made.close()


class Theatre:
    """One run that is cut off and finished by another process.

    Args:
        nursery: Makes processes.
        settings: Of the hub.
        folder: For marks and logs.
        queue: The only queue that is served.
    """

    def __init__(
        self, nursery: Nursery, settings: Settings, folder: Path, queue: str
    ) -> None:
        self._nursery = nursery
        self._settings, self._folder, self._queue = settings, folder, queue
        self._started: list[WorkerProcess] = []

    def start(self, *point: str, queues: str = "") -> WorkerProcess:
        """Start a worker process; it dies at the point, if one is given."""
        number = len(self._started)
        settings = self._settings
        environment = {
            **os.environ,
            "ENTREPOT_DATABASE_URL": settings.database_url,
            "ENTREPOT_DATA_DIR": str(settings.data_dir),
            "ENTREPOT_KEYS": ",".join(settings.keys),
            "ENTREPOT_ENVIRONMENT": "test",
            "ENTREPOT_ALLOW_PRIVATE_TARGETS": "true",
        }
        mark = self._folder / f"begun{number}"
        made = self._nursery.ask(
            do="start",
            arguments=[queues or self._queue, str(mark), str(LEASE), *point],
            environment=environment,
            log=str(self._folder / f"worker{number}.log"),
        )
        self._started.append(WorkerProcess(self._nursery, made["pid"]))
        return self._started[-1]

    def story(self) -> str:
        """What the workers wrote, for messages of failing tests."""
        logs = sorted(self._folder.glob("worker*.log"))
        return "\n".join(f"{log.name}:\n{log.read_text()[-3000:]}" for log in logs)

    def play(self, point: KillPoint, vendor: Vendor, ended: Callable[[], Any]) -> Any:
        """Kill a worker at `point`, let another finish; returns the ended run."""
        before = vendor.requests
        if point.point:
            victim = self.start(point.point, str(point.number))
        else:
            # Whatever is asked after that gets no answer: the run cannot be over
            # before this process comes to kill it.
            silence = Fault(
                kind="timeout_after_commit",
                skip=point.number,
                count=0,
                seconds=PATIENCE,
            )
            vendor.sim.faults.add(silence)
            victim = self.start()
            until(
                lambda: (
                    vendor.requests >= before + point.number
                    or victim.poll() is not None
                ),
                self.story,
            )
            victim.kill()
            vendor.sim.faults.clear()
        self.see_die(victim, point)
        assert (self._folder / "begun0").exists(), "killed before its work began"
        self.start()
        return until(ended, self.story)

    def see_die(self, victim: WorkerProcess, point: object) -> None:
        """Wait until a worker is killed."""
        until(
            lambda: victim.poll() is not None,
            lambda: f"The worker never came to {point}. {self.story()}",
        )
        assert victim.poll() == -signal.SIGKILL, self.story()

    def close(self) -> None:
        """End what still runs."""
        for process in self._started:
            process.kill()
            until(lambda process=process: process.poll() is not None, self.story)


@pytest.fixture
def theatre(
    nursery: Nursery,
    settings: Settings,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Theatre]:
    """Workers on this test's hub; none survives the test."""
    made = Theatre(nursery, settings, tmp_path, request.module.QUEUE)
    yield made
    made.close()


@pytest.fixture(scope="module")
def templates() -> dict[str, Any]:
    """Prepared databases by kind."""
    return {}


def inline(hub: Any, actor: Any, submit: Callable[[Any], Any]) -> Any:
    """Run one job in this process and return the ended run."""
    options = WorkerOptions(with_clock=False, poll_seconds=0.05, grace=10.0)
    scope = TenantScope(actor.tenant_id)
    run = run_inline(hub.jobs, hub, scope, submit, options=options)
    assert run.state == "succeeded", run.error_text
    return run


def read_all(hub: Any, actor: Any, connection: str) -> None:
    """Read a connection by the steps of the job, without the engine around them."""
    steps = hub.sync.steps
    run = RunInfo(new_id("run"), actor.tenant_id, connection)
    opened = steps.open_run(run, "full", "", "crawl", "tests")
    for name, per in opened["streams"]:
        while not steps.crawl(run, name, per, lambda *_: None, lambda: False):
            pass
        steps.finish_stream(run, name, per)
    assert steps.close_run(run, opened["at"])["state"] == "complete"


def compare(hub: Any, actor: Any, connection: str) -> None:
    """Run a comparison that was begun after everything before this call."""
    # The first may have begun before; whoever joins it makes another one follow.
    for _ in range(2):
        ref = hub.reconciliation.start(actor, connection)
        inline(hub, actor, lambda _session, ref=ref: ref)
        if not ref.joined:
            return


def rows(hub: Any, sql: str) -> list[tuple[Any, ...]]:
    """What the database itself says, past every guard."""
    with hub.store.engine.connect() as connection:
        cursor = connection.connection.driver_connection.cursor()
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]


def chains_hold(hub: Any) -> bool:
    """Whether no audit chain is broken."""
    reports = hub.audit.verify(operator_actor("tests"))
    return all(report.broken is None for report in reports)


@pytest.fixture(scope="session")
def make_hub_settings(request: pytest.FixtureRequest) -> Callable[..., Settings]:
    """Settings as the fixtures of all tests have them, for any database."""
    root = request.config.pluginmanager.get_plugin(str(ROOT / "conftest.py"))
    return root.make_settings


@pytest.fixture
def kit() -> Any:
    """This module's helpers; tests cannot import a conftest."""
    return sys.modules[__name__]
