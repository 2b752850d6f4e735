"""What people and the API see of runs."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from entrepot.jobs.plain import JsonDict, JsonValue
from entrepot.jobs.progress import pace
from entrepot.jobs.tables import JobRun

ACTIVE = ("queued", "running")
STATES = (*ACTIVE, "succeeded", "failed", "cancelled", "waiting", "superseded")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """How far a run is.

    Attributes:
        phase: What is going on, or None before the first word.
        done: Units finished.
        total: Units expected, or None.
        unit: What is counted, or None.
        message: One sentence, or None.
        per_second: Units per second in this phase, or None.
        seconds_left: Until the total, or None.
    """

    phase: str | None
    done: int
    total: int | None
    unit: str | None
    message: str | None
    per_second: float | None
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run.

    Attributes:
        state: One of `STATES`; `waiting` means that `follow_up` continues later.
        attempt: 1, and one more for each retry by hand.
        recovered: How often it was begun again after its worker had died.
        cancel_requested: Whether it was asked to stop.
        retryable: Whether its error may pass by itself.
        follow_up: Id of the run that continues it, or None.
    """

    id: str
    tenant_id: str
    kind: str
    queue: str
    connection_id: str | None
    stream: str | None
    subject: str | None
    requested_by: str | None
    cause: str | None
    priority: int
    args: JsonDict
    state: str
    attempt: int
    recovered: int
    executor: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    touched_at: datetime
    error_code: str | None
    error_text: str | None
    retryable: bool
    cancel_requested: bool
    has_effects: bool
    result: JsonValue
    follow_up: str | None
    progress: RunProgress

    @property
    def active(self) -> bool:
        """Whether it has not ended."""
        return self.ended_at is None


_PLAIN = [name for name in RunView.__slots__ if name != "progress"]


def view(run: JobRun) -> RunView:
    """Return the run as people see it."""
    speed = pace(
        done=run.done,
        total=run.total,
        phase_done=run.phase_done,
        phase_at=run.phase_at,
        now=run.ended_at or run.touched_at,
    )
    progress = RunProgress(
        phase=run.phase,
        done=run.done,
        total=run.total,
        unit=run.unit,
        message=run.message,
        per_second=speed.per_second,
        seconds_left=None if run.ended_at else speed.seconds_left,
    )
    return RunView(**{name: getattr(run, name) for name in _PLAIN}, progress=progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """Which runs to list; empty fields do not filter.

    Attributes:
        tenant_id: One reseller's; None: all that the scope may see.
        states: Any of `STATES`.
        active: Only runs that have not ended.
        kind: Job name.
        connection_id: Connection.
        subject: What it is about.
        cursor: From the page before, or None for the newest.
        limit: Rows per page, 1 to 500.
    """

    tenant_id: str | None = None
    states: tuple[str, ...] = ()
    active: bool = False
    kind: str | None = None
    connection_id: str | None = None
    subject: str | None = None
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class RunPage:
    """Runs, newest first.

    Attributes:
        items: The runs.
        next_cursor: Where the next page begins; None at the end.
    """

    items: tuple[RunView, ...]
    next_cursor: str | None


class CursorInvalid(ValueError):
    """A list cursor that this hub did not make."""


def encode_cursor(run: RunView) -> str:
    """Return the cursor of the page after this run."""
    text = json.dumps([run.created_at.astimezone(UTC).isoformat(), run.id])
    return base64.urlsafe_b64encode(text.encode()).decode()


def decode_cursor(cursor: str) -> tuple[datetime, str]:
    """Return the position a cursor stands for.

    Raises:
        CursorInvalid: It was not made by `encode_cursor`.
    """
    try:
        moment, run_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return datetime.fromisoformat(moment), str(run_id)
    except (ValueError, TypeError, binascii.Error) as error:
        raise CursorInvalid(
            "cursor: it is not one of ours; start again without it."
        ) from error
