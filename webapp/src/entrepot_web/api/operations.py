"""Operations: long work, started by a 202 and followed to its end."""

from __future__ import annotations

import re
import time
from typing import Any

import msgspec
from entrepot.jobs.tables import JobRun
from entrepot.jobs.views import RunView, view
from flask import request

from entrepot_web.api import lists
from entrepot_web.api.describe import header
from entrepot_web.api.frame import Answer, Operation, Resource
from entrepot_web.api.problem import not_found
from entrepot_web.api.shapes import Moment, Page, Shape
from entrepot_web.context import actor, hub, scope
from entrepot_web.lists.audit import OPERATIONS

operations = Resource("operations", "Long work and how far it is.")

MOST_SECONDS = 5.0
_STEP_SECONDS = 0.2
_WAIT = re.compile(r"\bwait=(\d{1,4})\b")
_STATES = {"waiting": "waiting_vendor"}
PREFER = header("Prefer", "`wait=5` holds the answer back up to that many seconds.")


class OperationProgress(Shape, frozen=True, kw_only=True):
    """How far an operation is."""

    phase: str | None
    done: int
    total: int | None
    unit: str | None
    message: str | None
    per_second: float | None
    seconds_left: float | None


class Failure(Shape, frozen=True, kw_only=True):
    """Why an operation failed."""

    code: str
    message: str
    retryable: bool


class OperationShape(Shape, frozen=True, kw_only=True):
    """A piece of long work.

    Attributes:
        state: ``queued``, ``running``, ``waiting_vendor``, ``succeeded``, ``failed``,
            ``cancelled`` or ``superseded``.
        follow_up: Operation that continues this one, or None.
        result: What it came to; counts and ids.
    """

    id: str
    kind: str
    state: str
    connection_id: str | None
    subject: str | None
    requested_by: str | None
    cause: str | None
    cancel_requested: bool
    progress: OperationProgress
    error: Failure | None
    result: Any
    follow_up: str | None
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None


@operations.operation(
    "GET",
    "/operations",
    Operation(permission="jobs:read", returns=Page[OperationShape], listing=OPERATIONS),
)
def list_operations() -> Answer:
    """List operations, newest first."""
    return lists.page(
        OPERATIONS, lambda _, rows: [operation_view(view(row[0])) for row in rows]
    )


@operations.operation(
    "GET",
    "/operations/<string:operation_id>",
    Operation(
        permission="jobs:read",
        returns=OperationShape,
        errors=(404,),
        parameters=(PREFER,),
    ),
)
def get_operation(operation_id: str) -> OperationShape:
    """Read one operation; ``Prefer: wait=5`` waits for its end."""
    return wait_for(operation_id)


@operations.operation(
    "POST",
    "/operations/<string:operation_id>/cancellations",
    Operation(
        permission="jobs:write", returns=OperationShape, status=202, errors=(404, 409)
    ),
)
def cancel_operation(operation_id: str) -> Answer:
    """Ask an operation to stop; what it has written stays."""
    _find(operation_id)
    hub().jobs.runs.cancel(scope(), operation_id)
    return accepted(operation_id)


@operations.operation(
    "POST",
    "/operations/<string:operation_id>/retries",
    Operation(
        permission="jobs:write", returns=OperationShape, status=202, errors=(404, 409)
    ),
)
def retry_operation(operation_id: str) -> Answer:
    """Let a failed operation go on at the step that failed."""
    _find(operation_id)
    hub().jobs.runs.retry(scope(), operation_id)
    return accepted(operation_id)


def accepted(run_id: str) -> Answer:
    """Return the 202 answer for a run that was just submitted or changed."""
    found = wait_for(run_id)
    location = {"Location": f"/api/v1/operations/{run_id}"}
    if _wanted_seconds():
        location["Preference-Applied"] = "wait"
    return Answer(body=found, status=202, headers=location)


def wait_for(run_id: str) -> OperationShape:
    """Return an operation, held back while the caller prefers to wait."""
    deadline = time.monotonic() + _wanted_seconds()
    while True:
        found = _find(run_id)
        if found.ended_at is not None or time.monotonic() >= deadline:
            return operation_view(found)
        time.sleep(_STEP_SECONDS)


def operation_view(run: RunView) -> OperationShape:
    """Return a run in the words of the API."""
    progress = {
        name: getattr(run.progress, name)
        for name in OperationProgress.__struct_fields__
    }
    error = None
    if run.error_code:
        error = Failure(
            code=run.error_code,
            message=run.error_text or "",
            retryable=run.retryable,
        )
    return OperationShape(
        id=run.id,
        kind=run.kind,
        state=_STATES.get(run.state, run.state),
        connection_id=run.connection_id,
        subject=run.subject,
        requested_by=run.requested_by,
        cause=run.cause,
        cancel_requested=run.cancel_requested,
        progress=OperationProgress(**progress),
        error=error,
        result=msgspec.to_builtins(run.result),
        follow_up=run.follow_up,
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
    )


def _find(run_id: str) -> RunView:
    with hub().store.read(scope()) as session:
        row = session.get(JobRun, run_id)
        if row is None or row.tenant_id != actor().tenant_id:
            raise not_found("operation", run_id)
        return view(row)


def _wanted_seconds() -> float:
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(float(found.group(1)), MOST_SECONDS) if found else 0.0
