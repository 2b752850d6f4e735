"""Stopping, being cancelled and being overtaken, in the middle of a long step."""

import time

import pytest
from entrepot.jobs.errors import OwnershipLost
from entrepot.jobs.journal import Journal
from sqlalchemy.exc import OperationalError


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
    assert wait_for("r1").state == "cancelled"


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


class AwayFor:
    """A store whose database cannot be reached a few times."""

    def __init__(self, store, times):
        self._store, self.times = store, times

    def read(self, scope):
        if self.times:
            self.times -= 1
            raise OperationalError("SELECT 1", {}, Exception("connection refused"))
        return self._store.read(scope)

    unit = read


def test_run_asks_about_itself_again_when_the_database_was_away(
    jobs, store, submit, tenant_scope, book
):
    submit("two_steps", "r1", args={"path": book})
    jobs.runs.cancel(tenant_scope, "r1")
    away = AwayFor(store, 0)
    journal = Journal(
        away, jobs.clock, run_id="r1", tenant_id="ten_jobs", executor="me"
    )
    for ask, answer in (
        (journal.cancel_requested, True),
        (lambda: journal.rereads_after(0), []),
    ):
        away.times = 2
        assert ask() == answer
        assert away.times == 0
    impatient = Journal(
        away, jobs.clock, run_id="r1", tenant_id="ten_jobs", executor="me",
        give_up=lambda: True,
    )  # fmt: skip
    away.times = 2
    with pytest.raises(OperationalError):
        impatient.cancel_requested()


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
