"""Looking at runs, stopping and repeating them."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from entrepot.jobs.engine import ENDED, EngineClient, EngineRun, NoSuchRun
from entrepot.jobs.errors import RunConflict, RunNotFound
from entrepot.jobs.registry import JobRegistry
from entrepot.jobs.tables import JobRun
from entrepot.jobs.views import (
    RunPage,
    RunQuery,
    RunView,
    decode_cursor,
    encode_cursor,
    view,
)
from entrepot.sdk.context import Clock
from entrepot.store.scope import Scope, SystemScope, TenantScope
from entrepot.store.unit import Store

LONGEST_PAGE = 500
RECONCILE_AFTER = timedelta(seconds=60)
RECONCILE_BATCH = 500
ENGINE_LAG_SECONDS = 5.0
ENGINE_LOOK_SECONDS = 0.1


class Runs:
    """The runs of one database.

    Args:
        store: The hub's database.
        client: The engine's writing half.
        registry: The known jobs.
        clock: Time.
    """

    def __init__(
        self, store: Store, client: EngineClient, registry: JobRegistry, clock: Clock
    ) -> None:
        self._store = store
        self._client = client
        self._registry = registry
        self._clock = clock

    def get(self, scope: Scope, run_id: str) -> RunView:
        """Return one run.

        Raises:
            RunNotFound: There is none of this id in the scope.
        """
        found = self.find(scope, run_id)
        if found is None:
            raise RunNotFound(f"There is no run {run_id!r}.")
        return found

    def find(self, scope: Scope, run_id: str) -> RunView | None:
        """Return one run, or None when the scope has none of this id."""
        with self._store.read(scope) as session:
            row = session.execute(_one(scope, run_id)).scalar_one_or_none()
            return None if row is None else view(row)

    def list(self, scope: Scope, query: RunQuery) -> RunPage:
        """Return a page of runs, newest first; an empty one when nothing fits.

        Raises:
            CursorInvalid: The cursor is not one of ours.
        """
        limit = max(1, min(query.limit, LONGEST_PAGE))
        statement = _filtered(scope, query).order_by(
            JobRun.created_at.desc(), JobRun.id.desc()
        )
        with self._store.read(scope) as session:
            rows = session.execute(statement.limit(limit + 1)).scalars().all()
            items = tuple(view(row) for row in rows[:limit])
        more = len(rows) > limit
        return RunPage(items, encode_cursor(items[-1]) if more else None)

    def cancel(self, scope: Scope, run_id: str) -> RunView:
        """Ask a run to stop; one that has not started ends at once.

        Returns:
            The run afterwards. A running one ends when its current step does.

        Raises:
            RunNotFound: No such run in the scope.
            RunConflict: It has ended, or has begun to write to a vendor and its job
                does not allow stopping after that.
        """
        with self._store.unit(scope) as session:
            run = _locked(session, scope, run_id)
            self._check_cancel(run)
            run.cancel_requested = True
            run.touched_at = self._clock.now()
            if run.state == "queued":
                run.state, run.ended_at = "cancelled", self._clock.now()
        self._client.cancel(run_id)
        return self.get(scope, run_id)

    def retry(self, scope: Scope, run_id: str) -> RunView:
        """Run an ended run again from its failed step, under the same id.

        Raises:
            RunNotFound: No such run in the scope.
            RunConflict: It has not failed or been cancelled, another run does its
                work by now, or its steps are no longer kept.
        """
        _check_retry(self.get(scope, run_id).state, run_id)
        self._wait_for_engine(run_id)
        with self._store.unit(scope) as session:
            run = _locked(session, scope, run_id)
            _check_retry(run.state, run_id)
            queue, partition = run.queue, run.partition
            self._reactivate(session, run)
        try:
            self._client.rewind_to_failure(run_id, queue, partition)
        except NoSuchRun as error:
            self._close_lost(scope, run_id)
            raise RunConflict(
                f"Run {run_id} is too old to be retried; start a new one."
            ) from error
        return self.get(scope, run_id)

    def reconcile(self) -> int:
        """End runs of which the engine knows that they have ended; returns how many.

        A run that was cut off between the engine's word and ours, or given up after
        too many crashes, would otherwise stay active and block its successors.
        """
        before = self._clock.now() - RECONCILE_AFTER
        with self._store.read(SystemScope("jobs")) as session:
            stale = {
                row.id: row.tenant_id
                for row in session.execute(
                    select(JobRun.id, JobRun.tenant_id)
                    .where(JobRun.ended_at.is_(None), JobRun.touched_at < before)
                    .order_by(JobRun.touched_at)
                    .limit(RECONCILE_BATCH)
                )
            }
        if not stale:
            return 0
        known = self._client.look_up(list(stale))
        return sum(
            self._end_stale(TenantScope(tenant), run_id, known.get(run_id), before)
            for run_id, tenant in stale.items()
        )

    def _wait_for_engine(self, run_id: str) -> None:
        """Let the engine write the end of a run that has just ended with us."""
        for _ in range(round(ENGINE_LAG_SECONDS / ENGINE_LOOK_SECONDS)):
            known = self._client.look_up([run_id]).get(run_id)
            if known is None or known.status in ENDED:
                return
            time.sleep(ENGINE_LOOK_SECONDS)
        raise RunConflict(f"Run {run_id} is still ending; try again in a moment.")

    def _check_cancel(self, run: JobRun) -> None:
        if run.ended_at is not None:
            raise RunConflict(f"Run {run.id} has ended already ({run.state}).")
        known = run.kind in self._registry
        rule = self._registry.get(run.kind).cancel if known else "always"
        if run.has_effects and rule == "before_effects":
            raise RunConflict(
                f"Run {run.id} has begun to write to the other side and cannot be "
                "stopped halfway; wait for its end and undo what it did."
            )

    def _reactivate(self, session: Session, run: JobRun) -> None:
        run.state, run.ended_at, run.attempt = "queued", None, run.attempt + 1
        run.error_code = run.error_text = run.follow_up = None
        run.cancel_requested = run.retryable = False
        run.touched_at = self._clock.now()
        try:
            session.flush()
        except IntegrityError as error:
            raise RunConflict(
                f"Another run does the work of {run.id} by now; follow that one."
            ) from error

    def _close_lost(self, scope: Scope, run_id: str) -> None:
        with self._store.unit(scope) as session:
            run = _locked(session, scope, run_id)
            run.state, run.ended_at = "failed", self._clock.now()
            run.error_code = "lost"
            run.error_text = "The steps of this run are no longer kept."

    def _end_stale(
        self, scope: TenantScope, run_id: str, known: EngineRun | None, before: datetime
    ) -> bool:
        state = "failed" if known is None else ENDED.get(known.status)
        if state is None:
            return False
        status = "lost" if known is None else known.status.lower()
        with self._store.unit(scope) as session:
            ended = session.execute(
                update(JobRun)
                .where(
                    JobRun.tenant_id == scope.tenant_id,
                    JobRun.id == run_id,
                    JobRun.ended_at.is_(None),
                    JobRun.touched_at < before,
                )
                .values(
                    state=state,
                    ended_at=self._clock.now(),
                    error_code=None if state == "succeeded" else status,
                    error_text=None if state == "succeeded" else _ENDED_TEXT,
                )
                .returning(JobRun.id)
                .execution_options(synchronize_session=False)
            ).first()
        return ended is not None


_ENDED_TEXT = "The run ended without a word of its own; the log has the reason."


def _check_retry(state: str, run_id: str) -> None:
    if state not in ("failed", "cancelled"):
        raise RunConflict(
            f"Run {run_id} is {state}; only a failed or cancelled run can be retried."
        )


def _scoped(scope: Scope) -> list[Any]:
    if isinstance(scope, TenantScope):
        return [JobRun.tenant_id == scope.tenant_id]
    return []


def _one(scope: Scope, run_id: str) -> Select[JobRun]:
    return select(JobRun).where(*_scoped(scope), JobRun.id == run_id)


def _locked(session: Session, scope: Scope, run_id: str) -> JobRun:
    run = session.execute(_one(scope, run_id).with_for_update()).scalar_one_or_none()
    if run is None:
        raise RunNotFound(f"There is no run {run_id!r}.")
    return run


def _filtered(scope: Scope, query: RunQuery) -> Select[JobRun]:
    statement = select(JobRun).where(*_scoped(scope))
    for column, wanted in (
        (JobRun.tenant_id, query.tenant_id),
        (JobRun.kind, query.kind),
        (JobRun.connection_id, query.connection_id),
        (JobRun.subject, query.subject),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if query.states:
        statement = statement.where(JobRun.state.in_(query.states))
    if query.active:
        statement = statement.where(JobRun.ended_at.is_(None))
    if query.cursor is not None:
        position = decode_cursor(query.cursor)
        statement = statement.where(tuple_(JobRun.created_at, JobRun.id) < position)
    return statement
