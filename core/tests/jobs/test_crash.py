"""Workers that die and work that goes on, with real processes on both databases."""

import signal

import pytest

LEASE = 5.0  # seconds; a machine that is busy must not take it from anybody


@pytest.fixture
def survivor(start_worker):
    """Start the worker that continues what others left."""

    def start():
        # Longer than any pause of this process, which must not lose it.
        return start_worker(lease_seconds=LEASE + 1)

    return start


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("run:begun", marks=pytest.mark.heavy),
        pytest.param("step:first:after", marks=pytest.mark.heavy),
        "step:second:before",
        pytest.param("step:second:after", marks=pytest.mark.heavy),
        "run:before_close",
        "run:after_close",
    ],
)
def test_run_of_a_killed_worker_is_finished_by_another(
    point, child, submit, survivor, wait_for, samples, book
):
    submit("two_steps", "r1", args={"path": book}, connection_id="c", stream="s")
    dead = child("worker", f"fault={point}@1", f"lease={LEASE}")
    assert dead.wait(timeout=60) == -signal.SIGKILL
    survivor()
    run = wait_for("r1", 90)
    assert (run.state, run.result) == ("succeeded", {"sum": 17})
    assert run.recovered == (0 if point == "run:after_close" else 1)
    assert samples.notes(book) == ["first r1", "second r1"]
    # The stream is free again for the next run.
    assert not submit(
        "two_steps", "r2", args={"path": book}, connection_id="c", stream="s"
    ).joined
    assert wait_for("r2").state == "succeeded"


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("effect:before_intent", marks=pytest.mark.heavy),
        pytest.param("effect:after_intent", marks=pytest.mark.heavy),
        "effect:after_send",
        pytest.param("effect:after_outcome", marks=pytest.mark.heavy),
    ],
)
def test_vendor_write_of_a_killed_worker_happens_once(
    point, child, submit, survivor, wait_for, samples, book
):
    args = {"path": book, "reference": "ref", "idempotency": "probe", "settle": 1}
    submit("writes", "r1", args=args)
    dead = child("worker", f"fault={point}@1", f"lease={LEASE}")
    assert dead.wait(timeout=60) == -signal.SIGKILL
    survivor()
    assert wait_for("r1", 90).result == {"state": "done"}
    assert samples.notes(book) == ["request ref", "made ref", "written"]


def test_worker_asked_to_stop_puts_its_run_down_between_two_steps(
    child, submit, survivor, wait_for, eventually, samples, book
):
    submit("many_steps", "r1", args={"path": book, "count": 30, "pause": 0.1})
    first = child("worker", f"lease={LEASE}")
    eventually(lambda: len(samples.notes(book)) >= 3, 60)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=60) == 0
    done = len(samples.notes(book))
    assert done < 30
    survivor()
    assert wait_for("r1", 90).state == "succeeded"
    assert samples.notes(book) == [f"r1 {number}" for number in range(30)]


def test_step_that_outlasts_the_grace_is_cut_off_with_the_process(
    child, submit, survivor, wait_for, eventually, samples, book
):
    submit("slow", "r1", args={"path": book, "seconds": 6.0})
    first = child("worker", f"lease={LEASE}", "grace=1")
    eventually(lambda: samples.notes(book) == ["begin r1"], 60)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=5.5) == 75
    survivor()
    assert wait_for("r1", 90).state == "succeeded"
    assert samples.notes(book) == ["begin r1", "begin r1", "end r1"]


def test_run_given_up_after_too_many_crashes_frees_its_stream(
    jobs, store, submit, start_worker, eventually, tenant_scope, book
):
    """The engine's dead letter reaches `job_run`, or the stream would stay blocked."""
    from datetime import timedelta

    from entrepot.jobs.tables import JobRun
    from sqlalchemy import text, update

    submit("two_steps", "r1", args={"path": book}, connection_id="c", stream="s")
    table = "workflow_status" if store.dialect == "sqlite" else "dbos.workflow_status"
    with store.engine.begin() as connection:
        connection.execute(text(f"UPDATE {table} SET recovery_attempts = 99"))
    start_worker()
    eventually(
        lambda: jobs.engine.look_up(["r1"])["r1"].status.startswith("MAX_RECOVERY")
    )
    assert jobs.runs.reconcile() == 0  # too young to be called dead
    with store.unit(tenant_scope) as session:
        old = jobs.clock.now() - timedelta(minutes=5)
        session.execute(
            update(JobRun)
            .where(JobRun.tenant_id == tenant_scope.tenant_id)
            .values(touched_at=old)
        )
    assert jobs.runs.reconcile() == 1
    run = jobs.runs.get(tenant_scope, "r1")
    assert (run.state, run.error_code) == ("failed", "max_recovery_attempts_exceeded")
    assert not submit(
        "two_steps", "r2", args={"path": book}, connection_id="c", stream="s"
    ).joined
