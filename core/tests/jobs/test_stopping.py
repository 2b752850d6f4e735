"""Stopping, being cancelled and being overtaken, in the middle of a long step."""

import time

import pytest
from entrepot.jobs.errors import OwnershipLost
from entrepot.jobs.journal import Journal


def test_long_step_ends_early_and_the_run_goes_on_in_the_next_worker(
    start_worker, submit, wait_for, eventually, jobs, tenant_scope, samples, book
):
    worker = start_worker()
    submit("long_step", "r1", args={"path": book})
    eventually(lambda: samples.notes(book) == ["long"])
    began = time.monotonic()
    assert worker.stop()
    assert time.monotonic() - began < 5
    assert jobs.runs.get(tenant_scope, "r1").state == "running"
    start_worker(lease_seconds=4.0)
    eventually(lambda: samples.notes(book) == ["long", "long"])
    samples.note(book, "enough")
    run = wait_for("r1")
    assert (run.state, run.result, run.recovered) == ("succeeded", {"rounds": 2}, 1)


def test_cancel_reaches_into_a_long_step(
    start_worker, submit, wait_for, eventually, jobs, tenant_scope, samples, book
):
    start_worker()
    submit("long_step", "r1", args={"path": book})
    eventually(lambda: samples.notes(book) == ["long"])
    jobs.runs.cancel(tenant_scope, "r1")
    assert wait_for("r1", 5).state == "cancelled"


def test_overtaken_worker_writes_nothing_more(jobs, store, submit, tenant_scope, book):
    submit("two_steps", "r1", args={"path": book})

    def journal(executor: str) -> Journal:
        return Journal(
            store, jobs.clock, run_id="r1", tenant_id="ten_jobs", executor=executor
        )

    old, new = journal("old"), journal("new")
    assert old.begin().proceed
    assert new.begin().proceed
    for write in (
        lambda: old.progress({"done": 5}),
        old.mark_effects,
        lambda: old.close("succeeded", {"result": 1}),
    ):
        with pytest.raises(OwnershipLost):
            write()
    new.close("succeeded", {"result": 2})
    run = jobs.runs.get(tenant_scope, "r1")
    assert (run.state, run.result, run.progress.done) == ("succeeded", 2, 0)
    assert not old.begin().proceed


def test_run_that_wrote_to_a_vendor_refuses_to_be_cancelled(
    jobs, store, submit, tenant_scope, book
):
    from entrepot.jobs import RunConflict

    args = {"path": book, "reference": "x", "idempotency": "probe", "settle": 0}
    submit("writes", "r1", args=args)
    journal = Journal(
        store, jobs.clock, run_id="r1", tenant_id="ten_jobs", executor="me"
    )
    journal.begin()
    journal.mark_effects()
    with pytest.raises(RunConflict, match="begun to write"):
        jobs.runs.cancel(tenant_scope, "r1")
