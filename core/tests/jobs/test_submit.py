"""Submitting is transactional, joins what is under way, and loses no trigger."""

import pytest
from entrepot.jobs import EngineCallInUnit, NotJson, RunQuery, migrate_engine
from entrepot.jobs.tables import JobRun
from sqlalchemy import select, text


def engine_rows(store) -> int:
    table = "workflow_status" if store.dialect == "sqlite" else "dbos.workflow_status"
    with store.engine.connect() as connection:
        return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def test_rollback_takes_run_and_engine_row_with_it(jobs, store, tenant_scope, book):
    with (
        pytest.raises(RuntimeError, match="changed my mind"),
        store.unit(tenant_scope) as session,
    ):
        jobs.submit(
            session, "two_steps", run_id="r1", args={"path": book}, partition="c"
        )
        assert session.execute(select(JobRun.id)).scalars().all() == ["r1"]
        raise RuntimeError("changed my mind")
    assert jobs.runs.list(tenant_scope, RunQuery()).items == ()
    assert engine_rows(store) == 0


def test_kill_before_commit_leaves_nothing_and_after_it_everything(
    child, jobs, store, tenant_scope, book, start_worker, wait_for
):
    for run_id, point in (("r1", "before_commit"), ("r2", "after_commit")):
        assert child("submit", run_id, book, point).wait(timeout=60) == 9
    found = [run.id for run in jobs.runs.list(tenant_scope, RunQuery()).items]
    assert found == ["r2"]
    assert engine_rows(store) == 1
    start_worker()
    assert wait_for("r2").state == "succeeded"


def test_every_engine_call_inside_a_unit_is_refused_at_once(
    jobs, store, tenant_scope, settings, submit, book
):
    submit("two_steps", "r1", args={"path": book})
    calls = {
        "cancel": lambda: jobs.engine.cancel("r1"),
        "rewind": lambda: jobs.engine.rewind_to_failure("r1", "sync", "c"),
        "look_up": lambda: jobs.engine.look_up(["r1"]),
        "pending_owners": jobs.engine.pending_owners,
        "ended_before": lambda: jobs.engine.ended_before("2026-01-01T00:00:00", 1),
        "delete": lambda: jobs.engine.delete(["r1"]),
        "migrate": lambda: migrate_engine(settings),
    }
    with store.unit(tenant_scope):
        for name, call in calls.items():
            with pytest.raises(EngineCallInUnit, match=name):
                call()


def test_second_trigger_joins_the_running_stream(
    submit, start_worker, wait_for, eventually, jobs, tenant_scope, samples, book
):
    same = {
        "args": {"path": book, "seconds": 2.0},
        "connection_id": "con_1",
        "stream": "subscriptions",
    }
    submit("reads_again", "sync:1", **same)
    start_worker()
    eventually(lambda: "begin crawl" in samples.notes(book))
    early = submit("reads_again", "sync:2", **same, concern={"customer": "a"})
    plain = submit("reads_again", "sync:3", **same)
    eventually(lambda: "begin close" in samples.notes(book))
    late = submit("reads_again", "sync:4", **same, concern={"customer": "b"})
    assert {early.run_id, plain.run_id, late.run_id} == {"sync:1"}
    first = wait_for("sync:1")
    assert first.result == {"concerns": 1}
    assert "again a" in samples.notes(book)
    # What came after the run had looked is honoured by a run of its own.
    assert first.follow_up == "sync:1~2"
    second = wait_for("sync:1~2")
    assert second.result == {"concerns": 1}
    assert second.cause == "reread"
    assert second.follow_up is None
    assert samples.notes(book).count("again b") == 1
    ids = {run.id for run in jobs.runs.list(tenant_scope, RunQuery()).items}
    assert ids == {"sync:1", "sync:1~2"}


def test_a_job_that_never_looks_runs_once_more_and_not_for_ever(
    submit, start_worker, wait_for, eventually, jobs, tenant_scope, samples, book
):
    same = {"args": {"path": book, "seconds": 2.0}, "exclusive": "matching"}
    same |= {"connection_id": "con_1"}
    submit("never_looks", "match:1", **same)
    start_worker()
    eventually(lambda: "begin all" in samples.notes(book))
    assert submit("never_looks", "match:2", **same, concern={"run": "x"}).joined
    assert wait_for("match:1").follow_up == "match:1~2"
    second = wait_for("match:1~2")
    assert second.follow_up is None
    assert samples.notes(book).count("end all") == 2
    ids = {run.id for run in jobs.runs.list(tenant_scope, RunQuery()).items}
    assert ids == {"match:1", "match:1~2"}


def test_another_stream_or_connection_is_not_joined(submit, book):
    args = {"path": book, "seconds": 0}
    first = {"connection_id": "con_1", "stream": "subscriptions"}
    submit("reads_again", "a", args=args, **first)
    assert submit("reads_again", "b", args=args, **first).joined
    other = submit("reads_again", "c", args=args, connection_id="con_1", stream="x")
    assert not other.joined
    other = submit(
        "reads_again", "d", args=args, connection_id="con_2", stream="subscriptions"
    )
    assert not other.joined


def test_click_does_not_wait_for_a_delayed_run(
    submit, start_worker, wait_for, jobs, tenant_scope, samples, book
):
    same = {"args": {"path": book}, "exclusive": "recon:all"}
    submit("two_steps", "later", **same, delay=3600)
    ref = submit("two_steps", "now", **same)
    assert (ref.run_id, ref.joined) == ("now", False)
    assert jobs.runs.get(tenant_scope, "later").state == "superseded"
    start_worker()
    assert wait_for("now").state == "succeeded"
    assert samples.notes(book) == ["first now", "second now"]


def test_delay_is_kept(submit, start_worker, wait_for, book):
    start_worker()
    submit("two_steps", "r1", args={"path": book}, delay=1.0)
    run = wait_for("r1")
    assert (run.started_at - run.created_at).total_seconds() >= 0.95


def test_arguments_must_be_plain_json(submit):
    with pytest.raises(NotJson, match="arguments of two_steps: set"):
        submit("two_steps", "r1", args={"path": {1, 2}})
