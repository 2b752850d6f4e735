"""Durable work and its triggers: jobs, queues, schedules, progress, vendor writes.

Nothing outside this package knows the engine behind it.
"""

from entrepot.jobs.budget import SharedBudget
from entrepot.jobs.context import ONCE, JobContext, Retries
from entrepot.jobs.engine import migrate as migrate_engine
from entrepot.jobs.errors import (
    EngineCallInUnit,
    EngineUnavailable,
    ExecutorRunning,
    JobCancelled,
    JobsError,
    RunConflict,
    RunNotFound,
    StepFailed,
    UnknownJob,
    WritesPaused,
)
from entrepot.jobs.facade import Jobs
from entrepot.jobs.health import JobsHealth, jobs_health
from entrepot.jobs.inline import follow_run, run_inline
from entrepot.jobs.intent import Effect, EffectResult, Probed, Sent
from entrepot.jobs.intents import Intent, IntentBook
from entrepot.jobs.plain import JsonDict, JsonValue, NotJson
from entrepot.jobs.queues import BACKFILL, INTERACTIVE, REQUESTED, SCHEDULED
from entrepot.jobs.quota import Allowance, Lease, QuotaStore
from entrepot.jobs.registry import OUTAGE_DELAYS, JobKind, JobRegistry
from entrepot.jobs.restore import ProbeSummary, probe_open_intents
from entrepot.jobs.runtime import Worker, WorkerOptions
from entrepot.jobs.schedules import Schedule, ScheduleInvalid
from entrepot.jobs.submit import RunRef, Submission
from entrepot.jobs.views import CursorInvalid, RunPage, RunProgress, RunQuery, RunView
from entrepot.jobs.worker import worker_main

__all__ = [
    "BACKFILL",
    "INTERACTIVE",
    "ONCE",
    "OUTAGE_DELAYS",
    "REQUESTED",
    "SCHEDULED",
    "Allowance",
    "CursorInvalid",
    "Effect",
    "EffectResult",
    "EngineCallInUnit",
    "EngineUnavailable",
    "ExecutorRunning",
    "Intent",
    "IntentBook",
    "JobCancelled",
    "JobContext",
    "JobKind",
    "JobRegistry",
    "Jobs",
    "JobsError",
    "JobsHealth",
    "JsonDict",
    "JsonValue",
    "Lease",
    "NotJson",
    "ProbeSummary",
    "Probed",
    "QuotaStore",
    "Retries",
    "RunConflict",
    "RunNotFound",
    "RunPage",
    "RunProgress",
    "RunQuery",
    "RunRef",
    "RunView",
    "Schedule",
    "ScheduleInvalid",
    "Sent",
    "SharedBudget",
    "StepFailed",
    "Submission",
    "UnknownJob",
    "Worker",
    "WorkerOptions",
    "WritesPaused",
    "follow_run",
    "jobs_health",
    "migrate_engine",
    "probe_open_intents",
    "run_inline",
    "worker_main",
]
