"""The one module that knows the engine. Everything else of ours calls this.

Two halves: `EngineClient` only writes and reads rows and works in every process;
`EngineExecutor` runs jobs and exists once per worker process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from dbos import (
    DBOS,
    DBOSClient,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    EnqueueOptions,
    PortableWorkflowError,
)
from dbos import error as engine_error
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from entrepot.jobs.plain import JsonDict, JsonValue
from entrepot.jobs.queues import QueueSpec, executor_threads
from entrepot.jobs.registry import JobKind
from entrepot.jobs.units import refuse_inside_unit
from entrepot.store.engine import WEB_ROLE
from entrepot.store.settings import Settings

APPLICATION = "entrepot"
APPLICATION_VERSION = "entrepot-1"
"""Pinned: a version that changes with the sources strands all work at each deploy."""

PENDING = "PENDING"
ENDED = {
    "SUCCESS": "succeeded",
    "ERROR": "failed",
    "CANCELLED": "cancelled",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
}
DELETABLE = list(ENDED)

RunFunction = Callable[[str, JsonDict], JsonValue]


@dataclass(frozen=True, slots=True)
class EngineRun:
    """The engine's view of a run.

    Attributes:
        run_id: Its id.
        status: The engine's own word.
        executor: Who runs or ran it last; None when nobody did.
        completed_ms: End in milliseconds since 1970; None while it lasts.
    """

    run_id: str
    status: str
    executor: str | None
    completed_ms: int | None


def migrate(settings: Settings, *, application_role: str | None = WEB_ROLE) -> None:
    """Create or upgrade the engine's tables; run it after the hub's own migrations.

    Args:
        settings: Names the database.
        application_role: PostgreSQL role of web processes, which may submit then;
            None grants nothing. SQLite has no roles.
    """
    refuse_inside_unit("migrate")
    quieten_logger()
    role = None if settings.database_kind == "sqlite" else application_role
    DBOS.migrate(settings.database_url, application_role=role)


def quieten_logger() -> None:
    """Keep the engine from adding a console handler and cutting our log off."""
    logger = logging.getLogger("dbos")
    if not any(isinstance(item, logging.NullHandler) for item in logger.handlers):
        logger.addHandler(logging.NullHandler())
    if not any(isinstance(item, _ExpectedEnds) for item in logger.filters):
        logger.addFilter(_ExpectedEnds())


_EXPECTED = ("was cancelled during execution", "is no longer owned by this execution")


class _ExpectedEnds(logging.Filter):
    """Drops the engine's tracebacks of failed and cancelled runs: job_run has them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is worth keeping."""
        error = record.exc_info[1] if record.exc_info else None
        if type(error).__name__ in {"JobFailed", "DBOSAwaitedWorkflowCancelledError"}:
            return False
        text = record.getMessage()
        return not any(phrase in text for phrase in _EXPECTED)


class EngineClient:
    """Submits, inspects and steers runs without executing any.

    Args:
        engine: Engine of the hub's database; connected to on first use, so that a
            forked server process builds its own connections.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._client: DBOSClient | None = None
        self._lock = threading.Lock()

    def enqueue(
        self,
        session: Session,
        kind: JobKind,
        run_id: str,
        args: JsonDict,
        *,
        partition: str | None,
        priority: int,
        delay: float | None,
    ) -> None:
        """Write the engine's row inside the caller's transaction."""
        options: EnqueueOptions = {
            "workflow_name": kind.name,
            "queue_name": kind.queue,
            "workflow_id": run_id,
            "priority": priority,
            "app_version": APPLICATION_VERSION,
        }
        if partition is not None:
            options["queue_partition_key"] = partition
        if delay is not None:
            options["delay_seconds"] = delay
        self._open().enqueue_in_transaction(session, options, run_id, args)

    def cancel(self, run_id: str) -> None:
        """Keep the run's next step from starting."""
        refuse_inside_unit("cancel")
        self._open().cancel_workflow(run_id)

    def rewind_to_failure(self, run_id: str, queue: str, partition: str | None) -> None:
        """Run again from the first failed step, under the same id."""
        refuse_inside_unit("rewind")
        client = self._open()
        steps = client.list_workflow_steps(run_id, load_output=True)
        failed = [step["function_id"] for step in steps if step["error"] is not None]
        last = max((step["function_id"] for step in steps), default=0)
        client.rewind_workflow(
            run_id,
            start_step=min(failed, default=last + 1),
            queue_name=queue,
            queue_partition_key=partition,
        )

    def look_up(self, run_ids: list[str]) -> dict[str, EngineRun]:
        """Return the engine's view of those of the runs it knows."""
        refuse_inside_unit("look_up")
        found = self._open().list_workflows(
            workflow_ids=run_ids, load_input=False, load_output=False
        )
        return {run.run_id: run for run in map(_engine_run, found)}

    def pending_owners(self) -> set[str]:
        """Return the executors that own a run at this moment."""
        refuse_inside_unit("pending_owners")
        found = self._open().list_workflows(
            status=PENDING, load_input=False, load_output=False
        )
        return {item.executor_id for item in found if item.executor_id}

    def ended_before(self, moment: str, limit: int) -> list[str]:
        """Return ids of ended runs older than an ISO time, oldest first."""
        refuse_inside_unit("ended_before")
        found = self._open().list_workflows(
            status=DELETABLE,
            completed_before=moment,
            limit=limit,
            load_input=False,
            load_output=False,
        )
        return [item.workflow_id for item in found]

    def delete(self, run_ids: list[str]) -> None:
        """Remove ended runs and their recorded steps."""
        refuse_inside_unit("delete")
        self._open().delete_workflows(run_ids)

    def close(self) -> None:
        """Let go of what was opened; the next use opens again."""
        with self._lock:
            if self._client is not None:
                self._client.destroy()
                self._client = None

    def _open(self) -> DBOSClient:
        with self._lock:
            if self._client is None:
                quieten_logger()
                self._client = DBOSClient(
                    system_database_engine=self._engine,
                    serializer=DBOSPortableJSONSerializer(),
                    application_name=APPLICATION,
                    lazy=True,
                    # With the default a web request would wait for ever while the
                    # database is down.
                    retry_connection_errors=False,
                )
            return self._client


def _engine_run(item: Any) -> EngineRun:  # noqa: ANN401  # the engine's record
    return EngineRun(
        run_id=item.workflow_id,
        status=item.status,
        executor=item.executor_id,
        completed_ms=item.completed_at,
    )


class EngineExecutor:
    """Runs jobs in this process; at most one per process.

    Args:
        settings: Names the database.
        engine: The hub's engine; shared on SQLite.
        executor_id: `local` on SQLite, unique per process start on PostgreSQL.
        listener_seconds: How often the engine's own listener polls on SQLite.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        executor_id: str,
        *,
        listener_seconds: float = 1.0,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._executor_id = executor_id
        self._listener_seconds = listener_seconds

    def launch(
        self,
        kinds: Iterable[tuple[JobKind, RunFunction]],
        queues: tuple[QueueSpec, ...],
    ) -> None:
        """Register the jobs, recover this executor's own runs and begin to work."""
        refuse_inside_unit("launch")
        quieten_logger()
        DBOS(config=self._config())
        for kind, function in kinds:
            _register(kind, function)
        DBOS.listen_queues([queue.name for queue in queues])
        DBOS.launch()
        for queue in queues:
            DBOS.register_queue(
                queue.name,
                worker_concurrency=queue.per_worker,
                partition_concurrency=queue.per_partition,
                polling_interval_sec=queue.poll_seconds,
                on_conflict="always_update",
            )

    def recover(self, dead: list[str]) -> int:
        """Put the runs of dead executors back into their queues; returns how many.

        The call is private in the engine and conditional on the owner, so that two
        reapers at once are harmless.
        """
        refuse_inside_unit("recover")
        return len(DBOS._recover_pending_workflows(dead))

    def stop(self, grace: float) -> None:
        """Claim nothing new, let running steps end for `grace` seconds, then close."""
        DBOS.destroy(
            destroy_registry=True, workflow_completion_timeout_sec=round(grace)
        )

    def _config(self) -> DBOSConfig:
        config: DBOSConfig = {
            "name": APPLICATION,
            "application_version": APPLICATION_VERSION,
            "executor_id": self._executor_id,
            "system_database_url": self._settings.database_url,
            "serializer": DBOSPortableJSONSerializer(),
            "max_executor_threads": executor_threads(),
            "sys_db_pool_size": 8,
            "log_level": "WARNING",
            "run_migrations": self._settings.database_kind == "sqlite",
            "notification_listener_polling_interval_sec": self._listener_seconds,
        }
        if self._settings.database_kind == "sqlite":
            config["system_database_engine"] = self._engine
        return config


def _register(kind: JobKind, function: RunFunction) -> None:
    def entry(run_id: str, args: dict) -> object:  # type: ignore[type-arg]  # the engine reads these hints at run time
        return function(run_id, args)

    DBOS.workflow(name=kind.name, max_recovery_attempts=kind.max_attempts)(entry)


def run_step(name: str, function: Callable[[], JsonValue]) -> JsonValue:
    """Run a durable step of the current run, or return what it returned before.

    Raises:
        PortableError: The step's recorded error, on replay.
        Exception: Whatever the function raises, the first time.
    """
    return DBOS.run_step({"name": name}, function)


def patched(name: str) -> bool:
    """Say whether this run started after the change `name` was made to its job."""
    return DBOS.patch(name)


PortableError = PortableWorkflowError
StepsDiffer = engine_error.DBOSUnexpectedStepError
NoSuchRun = engine_error.DBOSNonExistentWorkflowError
EngineStopped = (
    engine_error.DBOSWorkflowCancelledError,
    engine_error.DBOSWorkflowConflictIDError,
)
