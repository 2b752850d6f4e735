"""Errors of durable work, and the road an error takes through the database.

The engine stores an error as JSON and gives back a generic one on replay. So that a
job sees the same class before and after a crash, every error of a step is *always*
turned into data and rebuilt from it.
"""

from __future__ import annotations

from dataclasses import asdict

from entrepot.jobs.plain import JsonDict
from entrepot.sdk import errors as sdk

_KINDS: dict[str, type[sdk.EntrepotError]] = {
    kind.__name__: kind
    for kind in (
        sdk.EntrepotError,
        sdk.Retryable,
        sdk.RateLimited,
        sdk.AuthRequired,
        sdk.ConfigInvalid,
        sdk.Rejected,
        sdk.NotFound,
        sdk.Conflict,
        sdk.Unsupported,
        sdk.OutcomeUnknown,
        sdk.PluginBug,
    )
}


class JobsError(Exception):
    """Root of the errors of this package."""


class EngineCallInUnit(JobsError):
    """An engine call was tried inside a unit of work, where only `submit` is safe.

    On SQLite such a call would wait for ever for the lock its own thread holds.
    """


class ExecutorRunning(JobsError):
    """Another process already executes jobs on this database file."""


class EngineUnavailable(JobsError):
    """The job engine's tables are missing or the database cannot be reached."""


class UnknownJob(JobsError):
    """No job of this name is registered."""


class DuplicateJob(JobsError):
    """Two functions claim the same job name."""


class RunNotFound(JobsError):
    """There is no run of this id in the caller's scope."""


class RunConflict(JobsError):
    """The run is in a state that does not allow the request; the text says why."""


class WritesPaused(sdk.Retryable):
    """Outgoing writes are paused (after a restore); nothing was sent."""


class OwnershipLost(BaseException):
    """Another worker has taken this run over; nothing more may be written for it.

    Not an `Exception`, so that neither a job nor the engine records it as failure.
    """


class WorkerStopping(BaseException):
    """This process ends; the run stays as it is and is continued elsewhere.

    Not an `Exception`, so that neither a job nor the engine records it as failure.
    """


class JobFailed(Exception):
    """What leaves a failed job towards the engine: a code and a sentence, no more.

    Args:
        code: Stable machine word.
        message: One sentence.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} [{code}]")
        self.code = code
        self.message = message


class JobCancelled(Exception):
    """Raised inside a job body that noticed its cancel request."""


class StepError(Exception):
    """A step's failure as data; the engine stores `code`, `data` and the text.

    Args:
        code: Stable machine word.
        message: One sentence.
        data: Class name and fields of the original error.
    """

    def __init__(self, code: str, message: str, data: JsonDict) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class StepFailed(Exception):
    """A step failed with an error that is not one of the border's.

    Attributes:
        code: Class name of the original error.
        message: Its text.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} [{code}]")
        self.code = code
        self.message = message


def to_step_error(error: Exception) -> StepError:
    """Turn any error of a step into data that survives the database."""
    if isinstance(error, sdk.EntrepotError):
        kind = _nearest_kind(type(error))
        return StepError(
            error.code, error.user_message, {"kind": kind, "info": asdict(error.info)}
        )
    return StepError(type(error).__name__, str(error), {"kind": None})


def from_step_data(code: str, message: str, data: object) -> Exception:
    """Rebuild the error a step raised, the same before and after a replay.

    Returns:
        An error of `entrepot.sdk.errors`, or `StepFailed` for a foreign one.
    """
    if isinstance(data, dict) and data.get("kind") in _KINDS:
        return _KINDS[data["kind"]](**data["info"])
    return StepFailed(code, message)


def describe(error: BaseException) -> tuple[str, str, bool]:
    """Say of a job's error: code, sentence, and whether a retry may help."""
    if isinstance(error, sdk.EntrepotError):
        return error.code, error.user_message, isinstance(error, sdk.Retryable)
    if isinstance(error, (StepFailed, JobFailed)):
        return error.code, error.message, False
    return type(error).__name__, str(error), False


def _nearest_kind(kind: type[sdk.EntrepotError]) -> str:
    return next(
        base.__name__ for base in kind.__mro__ if _KINDS.get(base.__name__) is base
    )
