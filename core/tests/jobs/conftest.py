"""Fixtures of the job tests: databases with the engine's tables, workers, children."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from entrepot.jobs import Jobs, Worker, WorkerOptions
from entrepot.store import Settings, Store, TenantScope
from entrepot.store.clock import SystemClock

HERE = Path(__file__).parent
TENANT = TenantScope("ten_jobs")


def load(name: str) -> Any:
    """Import a helper that lies beside the tests."""
    spec = importlib.util.spec_from_file_location(f"jobs_{name}", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


samples_module = load("samples")


@pytest.fixture(scope="session")
def make_settings_for() -> Callable[..., Settings]:
    """Return settings for a database."""

    def make(url: str, folder: Path, **changes: Any) -> Settings:
        values = {
            "database_url": url,
            "data_dir": folder,
            "environment": "test",
            "database_pool": 10,
        }
        return Settings(**(values | changes))

    return make


@pytest.fixture
def settings(database_url: str, tmp_path: Path, make_settings_for) -> Settings:
    """Settings on this test's database."""
    return make_settings_for(database_url, tmp_path)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """A store with the machine's clock: workers run in real time."""
    made = Store(settings, SystemClock())
    yield made
    made.dispose()


@pytest.fixture
def samples() -> Any:
    """The sample jobs."""
    return samples_module


@pytest.fixture
def jobs(store: Store, samples) -> Iterator[Jobs]:
    """The facade with the sample jobs."""
    made = Jobs(store, samples.build_registry())
    yield made
    made.close()


@pytest.fixture
def book(tmp_path: Path) -> str:
    """A file in which jobs note what they do."""
    return str(tmp_path / "notes.txt")


@pytest.fixture
def start_worker(jobs: Jobs) -> Iterator[Callable[..., Worker]]:
    """Start a worker in this process; it is stopped at the end of the test."""
    started: list[Worker] = []

    def start(**options: Any) -> Worker:
        values = {"poll_seconds": 0.05, "with_clock": False, "grace": 5.0} | options
        worker = Worker(jobs, "the hub", WorkerOptions(**values))
        worker.start()
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.stop()


@pytest.fixture
def submit(jobs: Jobs) -> Callable[..., Any]:
    """Submit one run in a unit of its own."""

    def submit(job: str, run_id: str, **options: Any) -> Any:
        options.setdefault("partition", "con_1")
        with jobs.store.unit(TENANT) as session:
            return jobs.submit(session, job, run_id=run_id, **options)

    return submit


@pytest.fixture
def wait_for(jobs: Jobs) -> Callable[..., Any]:
    """Wait until a run has ended and return it."""

    def wait(run_id: str, seconds: float = 90.0) -> Any:
        return until(
            lambda: (run := jobs.runs.find(TENANT, run_id)) and run.ended_at and run,
            seconds,
            lambda: f"{run_id}: {jobs.runs.find(TENANT, run_id)}",
        )

    return wait


def until(
    check: Callable[[], Any],
    seconds: float = 90.0,
    what: Callable[[], str] = lambda: "",
) -> Any:
    """Return the first true answer; fail when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.02)
    pytest.fail(f"Nothing happened in {seconds} s. {what()}")


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Wait for a condition."""
    return until


@pytest.fixture
def tenant_scope() -> TenantScope:
    """The reseller of the job tests."""
    return TENANT


@pytest.fixture
def child(settings: Settings, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start a real child process; what is left of it is killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(role: str, *arguments: str, **environment: str) -> Any:
        log = (tmp_path / f"child{len(started)}.log").open("wb")
        command = [sys.executable, str(HERE / "child.py"), role, *arguments]
        variables = {
            **os.environ,
            "ENTREPOT_DATABASE_URL": settings.database_url,
            "ENTREPOT_DATA_DIR": str(settings.data_dir),
            "ENTREPOT_ENVIRONMENT": "test",
            "PYTHONWARNINGS": "ignore",
            **environment,
        }
        process = subprocess.Popen(
            command, env=variables, stdout=log, stderr=subprocess.STDOUT
        )
        process.log = Path(log.name)
        log.close()
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
