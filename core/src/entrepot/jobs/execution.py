"""One execution of one run: from the engine's call to the last word in `job_run`."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from entrepot.jobs.context import JobContext, Surroundings
from entrepot.jobs.engine import EngineStopped
from entrepot.jobs.errors import (
    JobCancelled,
    JobFailed,
    WorkerStopping,
    describe,
)
from entrepot.jobs.journal import Journal
from entrepot.jobs.plain import JsonDict, JsonValue, as_json
from entrepot.jobs.registry import JobKind
from entrepot.jobs.submit import Submission
from entrepot.jobs.tables import JobRun
from entrepot.store.unit import Store

log = logging.getLogger(__name__)


class Executions:
    """Runs job bodies for the engine and counts those under way.

    Args:
        store: The hub's database.
        around: What executions take from this worker.
        executor: This process's id.
    """

    def __init__(self, store: Store, around: Surroundings, executor: str) -> None:
        self._store = store
        self._around = around
        self._executor = executor
        self._lock = threading.Lock()
        self._active = 0

    @property
    def active(self) -> int:
        """How many bodies are under way."""
        return self._active

    def run(self, kind: JobKind, run_id: str, envelope: JsonDict) -> JsonValue:
        """Run a job's body; called by the engine, once or again after a crash.

        Raises:
            JobFailed: The job failed; `job_run` says why.
            WorkerStopping: This process ends; another continues the run.
        """
        with self._lock:
            self._active += 1
        try:
            return self._run(kind, run_id, envelope)
        finally:
            with self._lock:
                self._active -= 1

    def _run(self, kind: JobKind, run_id: str, envelope: JsonDict) -> JsonValue:
        if self._around.stopping():
            raise WorkerStopping(run_id)
        journal = Journal(
            self._store,
            self._around.clock,
            run_id=run_id,
            tenant_id=envelope["tenant"],
            executor=self._executor,
            give_up=self._around.stopping,
        )
        begun = journal.begin()
        if not begun.proceed:
            return begun.result
        context = JobContext(
            self._around,
            journal,
            run_id=run_id,
            tenant_id=envelope["tenant"],
            args=envelope["args"],
            outages=envelope["outages"],
        )
        return self._body(kind, context, journal, cancelled=begun.cancel_requested)

    def _body(
        self, kind: JobKind, context: JobContext, journal: Journal, *, cancelled: bool
    ) -> JsonValue:
        closing = _Closing(kind, context, journal)
        self._around.fault("run:begun")
        try:
            if cancelled:
                raise JobCancelled(context.run_id)
            result = as_json(
                kind.function(context, **context.args), f"result of {kind.name}"
            )
        except JobCancelled:
            if self._around.stopping():
                raise WorkerStopping(context.run_id) from None
            closing.cancelled()
            raise JobFailed("cancelled", "The run was cancelled.") from None
        except Exception as error:
            if self._around.stopping():
                raise WorkerStopping(context.run_id) from error
            code, text = closing.failed(error)
            raise JobFailed(code, text) from error
        except EngineStopped:
            # A cancelled run loses its owner too, so the engine's word alone does
            # not tell cancel from takeover.
            if journal.cancel_requested():
                closing.cancelled()
            raise
        self._around.fault("run:before_close")
        closing.succeeded(result)
        self._around.fault("run:after_close")
        return result


class _Closing:
    """Writes the last word of one run."""

    def __init__(self, kind: JobKind, context: JobContext, journal: Journal) -> None:
        self._kind = kind
        self._context = context
        self._journal = journal

    def succeeded(self, result: JsonValue) -> None:
        self._close("succeeded", {"result": result}, follow_up=True)

    def cancelled(self) -> None:
        self._close("cancelled", {"cancel_requested": True}, follow_up=False)

    def failed(self, error: Exception) -> tuple[str, str]:
        code, text, retryable = describe(error)
        log.warning("run %s failed: %s", self._context.run_id, text, exc_info=error)
        values = {
            "error_code": code[:120],
            "error_text": text[:4000],
            "retryable": retryable,
        }
        waits = retryable and self._context.outages < len(self._kind.outage_delays)
        self._close("waiting" if waits else "failed", values, follow_up=waits)
        return code, text

    def _close(self, state: str, values: dict[str, Any], *, follow_up: bool) -> None:
        self._journal.close(
            state,
            {**self._context.unwritten_progress(), **values},
            seen_reread=self._context.seen_reread,
            hand_over=self._context.reads_again,
            follow_up=self._follow_up if follow_up else None,
        )

    def _follow_up(self, session: Session, run: JobRun) -> str:
        """Submit the run that continues this one, in the closing transaction."""
        waiting = run.state == "waiting"
        outages = self._context.outages + 1 if waiting else 0
        base, _, number = run.id.partition("~")
        wanted = Submission(
            job=run.kind,
            run_id=f"{base}~{int(number or 1) + 1}",
            args=run.args,
            tenant_id=run.tenant_id,
            partition=run.partition,
            priority=run.priority,
            connection_id=run.connection_id,
            stream=run.stream,
            exclusive=run.exclusive_key,
            subject=run.subject,
            requested_by=run.requested_by,
            cause="outage" if waiting else "reread",
            outages=outages,
        )
        if waiting:
            delays = self._kind.outage_delays
            wanted = replace(wanted, delay=delays[outages - 1])
        return self._context.jobs.submit_wanted(session, wanted).run_id
