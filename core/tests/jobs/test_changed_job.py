"""Changing the code of a job while its runs are under way, on both databases."""

import pytest
from entrepot.jobs import ONCE, JobRegistry, Jobs, Worker, WorkerOptions


def build(samples, *, before=False, patched=False, appended=False, heal=True):
    """Return a registry with one version of the job `changing`."""
    registry = JobRegistry()

    @registry.job("changing", queue="recon")
    def changing(ctx, path: str) -> dict:
        if before or (patched and ctx.patched("new-first-step")):
            ctx.step(samples.note, path, "new", name="new")
        ctx.step(samples.note, path, "a", name="a")
        if not heal:
            ctx.step(_break, name="b", retries=ONCE)
        ctx.step(samples.note, path, "b", name="b")
        if appended:
            ctx.step(samples.note, path, "c", name="c")
        return {}

    return registry


def _break() -> None:
    raise ValueError("broken")


@pytest.fixture
def run_as(store, tenant_scope, eventually, book):
    """Run or retry `changing` in a worker that knows one version of it."""

    def run(registry, run_id: str, *, retry: bool = False):
        jobs = Jobs(store, registry)
        worker = Worker(jobs, None, WorkerOptions(poll_seconds=0.05, with_clock=False))
        worker.start()
        try:
            if retry:
                jobs.runs.retry(tenant_scope, run_id)
            else:
                with store.unit(tenant_scope) as session:
                    args = {"path": book}
                    jobs.submit(
                        session, "changing", run_id=run_id, args=args, partition="p"
                    )
            return eventually(
                lambda: (
                    (found := jobs.runs.get(tenant_scope, run_id)).ended_at and found
                )
            )
        finally:
            worker.stop()
            jobs.close()

    return run


def test_inserted_step_fails_loudly(run_as, samples, book):
    assert run_as(build(samples, heal=False), "r1").state == "failed"
    run = run_as(build(samples, before=True), "r1", retry=True)
    assert (run.state, run.error_code) == ("failed", "job_changed")
    assert "another version of its job" in run.error_text
    assert samples.notes(book) == ["a"]


def test_patched_step_keeps_old_runs_on_the_old_way(run_as, samples, book):
    assert run_as(build(samples, heal=False), "r1").state == "failed"
    new = build(samples, patched=True)
    assert run_as(new, "r1", retry=True).state == "succeeded"
    assert samples.notes(book) == ["a", "b"]
    assert run_as(new, "r2").state == "succeeded"
    assert samples.notes(book) == ["a", "b", "new", "a", "b"]


def test_appended_step_runs_in_old_runs_too(run_as, samples, book):
    assert run_as(build(samples, heal=False), "r1").state == "failed"
    new = build(samples, appended=True)
    assert run_as(new, "r1", retry=True).state == "succeeded"
    assert samples.notes(book) == ["a", "b", "c"]
