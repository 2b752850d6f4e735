"""One executor per SQLite file; everybody may submit; the command line's way."""

import pytest
from entrepot.jobs import (
    ExecutorRunning,
    Jobs,
    Worker,
    WorkerOptions,
    jobs_health,
    run_inline,
)
from entrepot.jobs.filelock import FileLock
from entrepot.store import Store
from entrepot.store.clock import SystemClock

sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@sqlite_only
def test_second_executor_refuses_but_may_submit(
    start_worker, jobs, settings, samples, wait_for, tenant_scope, child, book
):
    start_worker()
    second_store = Store(settings, SystemClock())
    second = Jobs(second_store, samples.build_registry())
    with pytest.raises(ExecutorRunning, match="exactly one worker"):
        Worker(second, None, WorkerOptions(with_clock=False)).start()
    other = child("worker")
    assert other.wait(timeout=60) == 1
    assert "already executes the jobs" in other.log.read_text()
    with second_store.unit(tenant_scope) as session:
        second.submit(
            session, "two_steps", run_id="r1", args={"path": book}, partition="c"
        )
    assert wait_for("r1").state == "succeeded"
    second.close()
    second_store.dispose()


@sqlite_only
def test_lock_is_free_after_a_stop_and_after_a_failed_start(
    start_worker, settings, jobs, monkeypatch
):
    lock = FileLock(settings.sqlite_path)
    worker = start_worker()
    assert not lock.is_free()
    assert worker.lease_is_mine()
    worker.stop()
    assert lock.is_free()

    def broken(*_arguments):
        raise RuntimeError("no launch")

    failing = Worker(jobs, None, WorkerOptions(with_clock=False))
    monkeypatch.setattr(failing._engine, "launch", broken)
    with pytest.raises(RuntimeError, match="no launch"):
        failing.start()
    assert lock.is_free()


def test_inline_run_becomes_the_worker_when_there_is_none(
    jobs, tenant_scope, samples, book
):
    seen = []
    run = run_inline(
        jobs,
        "hub",
        tenant_scope,
        lambda session: jobs.submit(
            session, "two_steps", run_id="r1", args={"path": book}, partition="c"
        ),
        follow=lambda run: seen.append(run.state),
    )
    assert run.state == "succeeded"
    assert seen[-1] == "succeeded"
    if jobs.store.settings.sqlite_path:
        assert FileLock(jobs.store.settings.sqlite_path).is_free()


def test_inline_run_follows_the_worker_that_lives(
    child, jobs, tenant_scope, samples, book, eventually
):
    worker = child("worker")
    eventually(lambda: "ready" in worker.log.read_text(), 60)
    run = run_inline(
        jobs,
        "hub",
        tenant_scope,
        lambda session: jobs.submit(
            session, "two_steps", run_id="r1", args={"path": book}, partition="c"
        ),
    )
    assert run.state == "succeeded"
    worker.terminate()
    assert worker.wait(timeout=60) == 0


def test_restricted_worker_leaves_other_queues_alone(
    start_worker, submit, wait_for, jobs, tenant_scope, book
):
    start_worker(queues=("recon",))
    submit("two_steps", "s1", args={"path": book})
    submit("catches", "c1", args={"path": book, "kind": "rejected"})
    wait_for("c1")
    assert jobs.runs.get(tenant_scope, "s1").state == "queued"


def test_health_tells_workers_and_what_waits(
    jobs, start_worker, submit, wait_for, eventually, samples, book
):
    submit("slow", "r1", args={"path": book, "seconds": 1.0})
    submit("slow", "r2", args={"path": book, "seconds": 0})
    submit("slow", "later", args={"path": book, "seconds": 0}, delay=999)
    idle = jobs_health(jobs)
    assert not idle.worker_alive
    assert (idle.queued, idle.running) == ({"sync": 3}, {})
    assert idle.oldest_queued_seconds > 0
    worker = start_worker()
    eventually(lambda: samples.notes(book) == ["begin r1"])
    busy = jobs_health(jobs)
    assert busy.worker_alive
    assert (busy.queued, busy.running) == ({"sync": 2}, {"sync": 1})
    assert (busy.runs_without_worker, busy.recovered_total) == (0, 0)
    if jobs.store.dialect == "postgresql":
        assert [item.executor_id for item in busy.workers] == [worker.executor_id]
        assert 0 <= busy.workers[0].age_seconds < 5
    wait_for("r2")
    done = jobs_health(jobs)
    assert (done.queued, done.running) == ({"sync": 1}, {})
    assert done.oldest_queued_seconds == 0
