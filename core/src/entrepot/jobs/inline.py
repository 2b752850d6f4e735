"""Running one job from the command line, with or without a worker elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from entrepot.jobs.errors import ExecutorRunning
from entrepot.jobs.facade import Jobs
from entrepot.jobs.lease import workers
from entrepot.jobs.runtime import Worker, WorkerOptions
from entrepot.jobs.submit import RunRef
from entrepot.jobs.views import RunView
from entrepot.store.scope import Scope

FOLLOW_SECONDS = 0.3
_OPTIONS = WorkerOptions(with_clock=False, poll_seconds=0.1, grace=10.0)


def run_inline(
    jobs: Jobs,
    hub: Any,  # noqa: ANN401  # handed through to the jobs
    scope: Scope,
    submit: Callable[[Session], RunRef],
    *,
    follow: Callable[[RunView], None] = lambda _run: None,
    options: WorkerOptions = _OPTIONS,
) -> RunView:
    """Submit a run and stay with it to its end.

    When no worker lives, this process becomes the worker, runs the job and stops.

    Args:
        jobs: The facade.
        hub: Handed to the job as `ctx.hub`.
        scope: Whose run it is.
        submit: Submits it in the unit of work it is given.
        follow: Called with the run about three times a second.
        options: How the worker works, when this process becomes one.

    Returns:
        The ended run.
    """
    worker = _become_worker(jobs, hub, options)
    try:
        with jobs.store.unit(scope) as session:
            ref = submit(session)
        return follow_run(jobs, scope, ref.run_id, follow)
    finally:
        if worker is not None:
            worker.stop()


def follow_run(
    jobs: Jobs, scope: Scope, run_id: str, follow: Callable[[RunView], None]
) -> RunView:
    """Wait for a run's end, telling how far it is.

    Raises:
        RunNotFound: No such run in the scope.
    """
    while True:
        run = jobs.runs.get(scope, run_id)
        follow(run)
        if not run.active:
            return run
        jobs.clock.sleep(FOLLOW_SECONDS)


def _become_worker(
    jobs: Jobs,
    hub: Any,  # noqa: ANN401  # see run_inline
    options: WorkerOptions,
) -> Worker | None:
    if jobs.store.settings.database_kind != "sqlite":
        with jobs.store.engine.connect() as connection:
            if any(worker.living for worker in workers(connection)):
                return None
    worker = Worker(jobs, hub, options)
    try:
        worker.start()
    except ExecutorRunning:
        return None
    return worker
