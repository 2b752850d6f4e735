"""How durable work is doing, for the health page and the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from entrepot.jobs.facade import Jobs
from entrepot.jobs.filelock import FileLock
from entrepot.jobs.lease import WorkerView, workers
from entrepot.jobs.tables import JobRun
from entrepot.store.scope import SystemScope

_SCOPE = SystemScope("health")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsHealth:
    """The state of durable work at one moment.

    Attributes:
        worker_alive: Whether anybody executes jobs.
        workers: Who, on PostgreSQL; empty on SQLite, where a file lock tells.
        queued: Waiting runs by queue.
        running: Running runs by queue.
        oldest_queued_seconds: Age of the oldest run that could start; 0 for none.
        runs_without_worker: Running runs whose worker holds no lease; the reaper
            brings this back to 0 within a lease and a quarter.
        recovered_total: How often runs were begun again after a worker's death.
    """

    worker_alive: bool
    workers: tuple[WorkerView, ...]
    queued: Mapping[str, int]
    running: Mapping[str, int]
    oldest_queued_seconds: float
    runs_without_worker: int
    recovered_total: int


def jobs_health(jobs: Jobs) -> JobsHealth:
    """Look at the runs of all resellers and at their workers."""
    alive, living = _living(jobs)
    names = {worker.executor_id for worker in living}
    now = jobs.clock.now()
    with jobs.store.read(_SCOPE) as session:
        oldest = session.execute(
            select(func.min(JobRun.created_at)).where(
                JobRun.state == "queued",
                (JobRun.not_before.is_(None)) | (JobRun.not_before <= now),
            )
        ).scalar_one_or_none()
        owners = _count(session, "running", JobRun.executor)
        queued = _count(session, "queued", JobRun.queue)
        running = _count(session, "running", JobRun.queue)
        recovered = session.execute(select(func.sum(JobRun.recovered))).scalar()
    orphans = sum(n for who, n in owners.items() if who not in names)
    return JobsHealth(
        worker_alive=alive,
        workers=living,
        queued=queued,
        running=running,
        oldest_queued_seconds=(now - oldest).total_seconds() if oldest else 0.0,
        runs_without_worker=orphans
        if living
        else (0 if alive else sum(owners.values())),
        recovered_total=recovered or 0,
    )


def _living(jobs: Jobs) -> tuple[bool, tuple[WorkerView, ...]]:
    path = jobs.store.settings.sqlite_path
    if path is not None:
        return not FileLock(path).is_free(), ()
    with jobs.store.engine.connect() as connection:
        found = tuple(workers(connection))
    living = tuple(item for item in found if item.living)
    return bool(living), living


def _count(session: Session, state: str, column: object) -> dict[str, int]:
    query = (
        select(column, func.count())  # type: ignore[call-overload]  # a column
        .where(JobRun.state == state)
        .group_by(column)
    )
    return {str(name): count for name, count in session.execute(query)}
