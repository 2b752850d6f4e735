"""A run from submitting to its end, on both databases."""

import pytest
from entrepot.jobs import RunConflict, RunNotFound, RunQuery, UnknownJob
from entrepot.store import TenantScope


def test_run_ends_with_result_and_each_step_once(
    submit, start_worker, wait_for, samples, book
):
    start_worker()
    ref = submit("two_steps", "r1", args={"path": book}, subject="a customer")
    run = wait_for("r1")
    assert (ref.run_id, ref.joined) == ("r1", False)
    assert run.state == "succeeded"
    assert run.result == {"sum": 17}
    assert run.started_at is not None
    assert samples.notes(book) == ["first r1", "second r1"]


def test_same_id_is_accepted_once(submit, start_worker, wait_for, samples, book):
    start_worker()
    refs = [submit("two_steps", "r1", args={"path": book}) for _ in range(3)]
    wait_for("r1")
    assert [ref.joined for ref in refs] == [False, True, True]
    assert samples.notes(book) == ["first r1", "second r1"]


def test_progress_cancel_and_resume_from_the_same_step(
    submit, start_worker, wait_for, eventually, jobs, tenant_scope, samples, book
):
    start_worker()
    submit("many_steps", "r1", args={"path": book, "count": 40, "pause": 0.1})
    eventually(lambda: len(samples.notes(book)) >= 13)
    seen = jobs.runs.get(tenant_scope, "r1").progress
    assert (seen.phase, seen.unit, seen.total) == ("steps", "steps", 40)
    assert 0 < seen.done < 40
    assert 3 < seen.per_second < 11
    assert 0 < seen.seconds_left < 15
    jobs.runs.cancel(tenant_scope, "r1")
    run = wait_for("r1")
    assert run.state == "cancelled"
    done = len(samples.notes(book))
    assert done < 40
    assert jobs.runs.retry(tenant_scope, "r1").state in ("queued", "running")
    assert wait_for("r1").state == "succeeded"
    lines = samples.notes(book)
    # The step that was under way when the run was stopped may have run again.
    assert {f"r1 {number}" for number in range(40)} == set(lines)
    assert len(lines) <= 41


def test_queued_run_is_cancelled_at_once_and_never_starts(
    submit, start_worker, wait_for, jobs, tenant_scope, samples, book
):
    submit("two_steps", "r1", args={"path": book})
    assert jobs.runs.cancel(tenant_scope, "r1").state == "cancelled"
    start_worker()
    submit("two_steps", "r2", args={"path": book})
    wait_for("r2")
    assert samples.notes(book) == ["first r2", "second r2"]
    with pytest.raises(RunConflict, match="has ended already"):
        jobs.runs.cancel(tenant_scope, "r1")


def test_failed_run_is_retried_from_the_failed_step(
    submit, start_worker, wait_for, jobs, tenant_scope, samples, book
):
    start_worker()
    submit("fails_once", "r1", args={"path": book})
    run = wait_for("r1")
    assert (run.state, run.error_code) == ("failed", "ValueError")
    assert "not healed yet" in run.error_text
    samples.note(book, "healed")
    jobs.runs.retry(tenant_scope, "r1")
    assert wait_for("r1").state == "succeeded"
    assert samples.notes(book) == ["before", "broken", "healed", "whole", "after"]
    with pytest.raises(RunConflict, match="only a failed or cancelled"):
        jobs.runs.retry(tenant_scope, "r1")


@pytest.mark.parametrize(
    ("kind", "outcome"), [("rejected", "succeeded"), ("foreign", "failed")]
)
def test_border_errors_keep_their_class_through_a_step(
    kind, outcome, submit, start_worker, wait_for, samples, book
):
    start_worker()
    submit("catches", "r1", args={"path": book, "kind": kind})
    run = wait_for("r1")
    assert run.state == outcome
    if kind == "rejected":
        assert samples.notes(book)[-1] == "caught too_many quantity"
    else:
        assert (run.error_code, run.error_text) == ("RuntimeError", "foreign")


def test_outage_ends_the_run_as_waiting_and_a_later_one_continues(
    submit, start_worker, wait_for, book
):
    start_worker()
    submit("waits_for_vendor", "r1", args={"path": book, "outages": 2})
    first = wait_for("r1")
    assert (first.state, first.retryable, first.follow_up) == ("waiting", True, "r1~2")
    assert wait_for("r1~2").state == "waiting"
    assert wait_for("r1~3").result == {"outages": 2}


def test_outage_longer_than_the_schedule_fails(submit, start_worker, wait_for, book):
    start_worker()
    submit("waits_for_vendor", "r1", args={"path": book, "outages": 99})
    wait_for("r1~2")
    last = wait_for("r1~3")
    assert (last.state, last.error_code, last.retryable) == ("failed", "away", True)


def test_result_that_is_not_json_fails_with_a_hint(submit, start_worker, wait_for):
    start_worker()
    submit("bad_result", "r1")
    run = wait_for("r1")
    assert run.state == "failed"
    assert "step tuple: tuple is not plain JSON" in run.error_text


def test_unknown_job_is_refused(submit):
    with pytest.raises(UnknownJob, match="nothing_such"):
        submit("nothing_such", "r1")


def test_runs_are_listed_by_page_and_hidden_from_other_resellers(
    submit, jobs, tenant_scope, book
):
    for number in range(7):
        submit("two_steps", f"r{number}", args={"path": book})
    pages, cursor = [], None
    while True:
        page = jobs.runs.list(tenant_scope, RunQuery(limit=3, cursor=cursor))
        pages.append([run.id for run in page.items])
        cursor = page.next_cursor
        if cursor is None:
            break
    assert pages == [["r6", "r5", "r4"], ["r3", "r2", "r1"], ["r0"]]
    stranger = TenantScope("ten_other")
    assert jobs.runs.list(stranger, RunQuery()).items == ()
    with pytest.raises(RunNotFound):
        jobs.runs.get(stranger, "r1")
    with pytest.raises(RunNotFound):
        jobs.runs.cancel(stranger, "r1")
    active = jobs.runs.list(tenant_scope, RunQuery(active=True, kind="two_steps"))
    assert len(active.items) == 7
