"""A hub between two simulated systems, worker processes, and ways to kill them.

``ENTREPOT_CRASH_SEEDS`` is the number of kill points of each kind on each database,
``ENTREPOT_CRASH_SIZE`` the number of subscriptions that are read. A kill point is
chosen by its seed: a named fault point, or the moment of the n-th request.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from entrepot.app import build_hub
from entrepot.jobs import WorkerOptions, run_inline
from entrepot.sdk.simulator import Options
from entrepot.store import Settings, TenantScope, operator_actor, system_actor

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("worker.py")
SEEDS = int(os.environ.get("ENTREPOT_CRASH_SEEDS", "3"))
SIZE = int(os.environ.get("ENTREPOT_CRASH_SIZE", "1000"))
PATIENCE = 180.0 + SIZE / 100


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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(SEEDS))


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


class Theatre:
    """One run that is cut off and finished by another process.

    Args:
        settings: Of the hub.
        folder: For marks and logs.
        queue: The only queue that is served.
    """

    def __init__(self, settings: Settings, folder: Path, queue: str) -> None:
        self._settings, self._folder, self._queue = settings, folder, queue
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *point: str, queues: str = "") -> subprocess.Popen[bytes]:
        """Start a worker process; it dies at the point, if one is given."""
        number = len(self._started)
        settings = self._settings
        inherited = dict(os.environ)
        # Each worker would compile every module anew, which takes most of its time.
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)
        environment = {
            **inherited,
            "PYTHONPYCACHEPREFIX": str(self._folder.parent / "compiled"),
            "ENTREPOT_DATABASE_URL": settings.database_url,
            "ENTREPOT_DATA_DIR": str(settings.data_dir),
            "ENTREPOT_KEYS": ",".join(settings.keys),
            "ENTREPOT_ENVIRONMENT": "test",
            "ENTREPOT_ALLOW_PRIVATE_TARGETS": "true",
        }
        mark = self._folder / f"begun{number}"
        with (self._folder / f"worker{number}.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, str(WORKER)),
                    *(queues or self._queue, str(mark), *point),
                ],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        return process

    def story(self) -> str:
        """What the workers wrote, for messages of failing tests."""
        logs = sorted(self._folder.glob("worker*.log"))
        return "\n".join(f"{log.name}:\n{log.read_text()[-3000:]}" for log in logs)

    def play(self, point: KillPoint, vendor: Vendor, ended: Callable[[], Any]) -> Any:
        """Kill a worker at `point`, let another finish; returns the ended run."""
        before = vendor.requests
        if point.point:
            victim = self.start(point.point, str(point.number))
            self.see_die(victim, point)
        else:
            victim = self.start()
            until(
                lambda: vendor.requests >= before + point.number or victim.poll(),
                self.story,
            )
            victim.kill()
            self.see_die(victim, point)
        assert (self._folder / "begun0").exists(), "killed before its work began"
        self.start()
        return until(ended, self.story)

    def see_die(self, victim: subprocess.Popen[bytes], point: object) -> None:
        """Wait until a worker is killed."""
        try:
            code = victim.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pytest.fail(f"The worker never came to {point}. {self.story()}")
        assert code == -signal.SIGKILL, self.story()

    def close(self) -> None:
        """End what still runs."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def theatre(
    settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Theatre]:
    """Workers on this test's hub; none survives the test."""
    made = Theatre(settings, tmp_path, request.module.QUEUE)
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
