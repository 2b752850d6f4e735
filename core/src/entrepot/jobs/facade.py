"""The facade: what the rest of the hub knows of durable work."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from entrepot.jobs import retention
from entrepot.jobs.engine import EngineClient
from entrepot.jobs.intents import IntentBook
from entrepot.jobs.plain import JsonDict
from entrepot.jobs.quota import QuotaStore
from entrepot.jobs.registry import JobRegistry
from entrepot.jobs.runs import Runs
from entrepot.jobs.schedules import Schedules
from entrepot.jobs.submit import RunRef, Submission, Submitter
from entrepot.sdk.context import Clock
from entrepot.store.unit import Store


class Jobs:
    """Submitting, watching and scheduling durable work; never executes any.

    Args:
        store: The hub's database.
        registry: The known jobs; the upkeep job is added to them.
        clock: Time; the store's when None.

    Attributes:
        registry: The known jobs.
        runs: Looking at runs, stopping and repeating them.
        schedules: Rules that submit runs again and again.
        intents: The journal of writes to vendors.
        quota: Request budgets shared by all processes.
    """

    def __init__(
        self, store: Store, registry: JobRegistry, clock: Clock | None = None
    ) -> None:
        self.store = store
        self.clock = clock or store.clock
        self.registry = registry
        if retention.JOB_NAME not in registry:
            retention.register(registry)
        self.engine = EngineClient(store.engine)
        self.runs = Runs(store, self.engine, registry, self.clock)
        self.intents = IntentBook(store, self.clock)
        self.quota = QuotaStore(store, self.clock)
        self._submitter = Submitter(registry, self.engine, self.clock)
        self.schedules = Schedules(store, self, self.clock)

    def submit(
        self,
        session: Session,
        job: str,
        *,
        run_id: str,
        args: JsonDict | None = None,
        **options: Any,  # noqa: ANN401  # the fields of Submission
    ) -> RunRef:
        """Submit a run in the caller's unit of work.

        Args:
            session: The unit's session; run, engine row and the caller's own rows
                commit together or not at all.
            job: Registered name.
            run_id: Derived from the business fact; the same id is accepted once.
            args: Plain JSON.
            **options: Further fields of `Submission`.

        Returns:
            The run, and whether it was there already.

        Raises:
            UnknownJob: No such job.
            NotJson: The arguments are not plain JSON.
            JobsError: The queue needs a partition and none was given.
        """
        wanted = Submission(job=job, run_id=run_id, args=args or {}, **options)
        return self.submit_wanted(session, wanted)

    def submit_wanted(self, session: Session, wanted: Submission) -> RunRef:
        """Submit a prepared submission; see `submit`."""
        return self._submitter.submit(session, wanted)

    def close(self) -> None:
        """Let go of the engine's connections."""
        self.engine.close()
