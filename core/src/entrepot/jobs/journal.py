"""What a running job writes about itself into `job_run`.

Every write is fenced by the executor that owns the run: a worker that was frozen
while others took its work over changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from entrepot.jobs.errors import OwnershipLost
from entrepot.jobs.outlast import outlast
from entrepot.jobs.plain import JsonValue
from entrepot.jobs.tables import JobReread, JobRun
from entrepot.sdk.context import Clock
from entrepot.store import Store
from entrepot.store.scope import TenantScope

T = TypeVar("T")
FollowUp = Callable[[Session, JobRun], str]


@dataclass(frozen=True, slots=True)
class Begun:
    """How a run stands at the start of one execution.

    Attributes:
        proceed: False when it has ended already: the body must not run again.
        result: What it returned then, or None.
        cancel_requested: Whether it shall stop before its first step.
    """

    proceed: bool
    result: JsonValue
    cancel_requested: bool


class Journal:
    """The log of one execution of one run.

    Args:
        store: The hub's database.
        clock: Time of what is written.
        run_id: The run.
        tenant_id: Its reseller.
        executor: This process's id.
        give_up: True once this process stops: no more waiting for a lost database.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        run_id: str,
        tenant_id: str,
        executor: str,
        give_up: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._clock = clock
        self._run_id = run_id
        self._scope = TenantScope(tenant_id)
        self._executor = executor
        self._give_up = give_up

    def begin(self) -> Begun:
        """Take the run for this executor; says no when it has ended already."""
        return self._unit(self._begin)

    def progress(self, values: Mapping[str, Any]) -> None:
        """Write progress columns.

        Raises:
            OwnershipLost: Another executor has the run now.
        """
        self._unit(lambda session: self._write(session, values))

    def cancel_requested(self) -> bool:
        """Say whether somebody asked this run to stop."""
        wanted = select(JobRun.cancel_requested).where(*self._mine())
        return self._read(
            lambda session: bool(session.execute(wanted).scalar_one_or_none())
        )

    def rereads_after(self, last_id: int) -> list[tuple[int, JsonValue]]:
        """Return what joined triggers asked for since, oldest first."""
        wanted = (
            select(JobReread.id, JobReread.concern)
            .where(
                JobReread.tenant_id == self._scope.tenant_id,
                JobReread.run_id == self._run_id,
                JobReread.id > last_id,
            )
            .order_by(JobReread.id)
        )
        return self._read(
            lambda session: [(row.id, row.concern) for row in session.execute(wanted)]
        )

    def mark_effects(self) -> None:
        """Note that a vendor write has begun."""
        self._unit(lambda session: self._write(session, {"has_effects": True}))

    def close(
        self,
        state: str,
        values: Mapping[str, Any],
        *,
        seen_reread: int = 0,
        hand_over: bool = True,
        follow_up: FollowUp | None = None,
    ) -> str | None:
        """End the run; submit a follow-up in the same transaction where one is due.

        Args:
            state: Its last state.
            values: Result, error, last progress.
            seen_reread: Highest request to read again that the run has honoured.
            hand_over: Whether the follow-up gets the requests; a job that never looks
                at them honours them by running again.
            follow_up: Makes the follow-up run; called when requests came later, or
                always when the state is `waiting`.

        Returns:
            The follow-up's id, or None.

        Raises:
            OwnershipLost: Another executor has the run now.
        """

        def end(session: Session) -> str | None:
            now = self._clock.now()
            self._write(session, {**values, "state": state, "ended_at": now})
            unseen = self._unseen(session, seen_reread)
            if follow_up is None or (not unseen and state != "waiting"):
                return None
            run = session.execute(select(JobRun).where(*self._mine())).scalar_one()
            successor = follow_up(session, run)
            if hand_over:
                self._hand_over(session, successor, seen_reread)
            self._write(session, {"follow_up": successor})
            return successor

        return self._unit(end)

    def _begin(self, session: Session) -> Begun:
        now = self._clock.now()
        taken = session.execute(
            update(JobRun)
            .where(*self._mine(), JobRun.ended_at.is_(None))
            .values(
                state="running",
                recovered=JobRun.recovered + _was_running(),
                executor=self._executor,
                started_at=func.coalesce(JobRun.started_at, now),
                touched_at=now,
            )
            .returning(JobRun.cancel_requested)
            .execution_options(synchronize_session=False)
        ).first()
        if taken is not None:
            return Begun(True, None, bool(taken.cancel_requested))
        result = session.execute(
            select(JobRun.result).where(*self._mine())
        ).scalar_one_or_none()
        return Begun(False, result, False)

    def _write(self, session: Session, values: Mapping[str, Any]) -> None:
        written = session.execute(
            update(JobRun)
            .where(*self._mine(), JobRun.executor == self._executor)
            .values({"touched_at": self._clock.now(), **values})
            .returning(JobRun.id)
            .execution_options(synchronize_session=False)
        ).first()
        if written is None:
            raise OwnershipLost(f"Run {self._run_id} belongs to another worker now.")

    def _unseen(self, session: Session, seen: int) -> bool:
        unseen = session.execute(
            select(JobReread.id).where(
                JobReread.tenant_id == self._scope.tenant_id,
                JobReread.run_id == self._run_id,
                JobReread.id > seen,
            )
        ).first()
        return unseen is not None

    def _hand_over(self, session: Session, successor: str, seen: int) -> None:
        session.execute(
            update(JobReread)
            .where(
                JobReread.tenant_id == self._scope.tenant_id,
                JobReread.run_id == self._run_id,
                JobReread.id > seen,
            )
            .values(run_id=successor)
            .execution_options(synchronize_session=False)
        )

    def _mine(self) -> tuple[Any, ...]:
        return (JobRun.tenant_id == self._scope.tenant_id, JobRun.id == self._run_id)

    def _read(self, work: Callable[[Session], T]) -> T:
        def once() -> T:
            with self._store.read(self._scope) as session:
                return work(session)

        return outlast(once, give_up=self._give_up)

    def _unit(self, work: Callable[[Session], T]) -> T:
        def once() -> T:
            with self._store.unit(self._scope) as session:
                return work(session)

        return outlast(once, give_up=self._give_up)


def _was_running() -> Any:  # noqa: ANN401  # an SQL expression
    """Count a run that is begun although it was running: its worker has died."""
    return case((JobRun.state == "running", 1), else_=0)
