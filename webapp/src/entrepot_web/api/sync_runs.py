"""Sync runs: start one, follow it, stop it, look back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.sync.tables import SyncRun
from entrepot.jobs.tables import JobRun
from entrepot.jobs.views import view
from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot_web.api import lists
from entrepot_web.api.frame import Answer, Operation, Resource
from entrepot_web.api.operations import (
    PREFER,
    OperationProgress,
    OperationShape,
    accepted,
    operation_view,
)
from entrepot_web.api.problem import not_found
from entrepot_web.api.shapes import Collection, Moment, Page, Shape
from entrepot_web.context import actor, hub, scope
from entrepot_web.lists.runs import SYNC_RUNS

sync_runs = Resource("sync-runs", "Reading vendors and PSA systems into the books.")


class SyncRunShape(Shape, frozen=True, kw_only=True):
    """One reading of one connection.

    Attributes:
        state: ``queued``, ``running``, ``complete``, ``incomplete``, ``failed`` or
            ``cancelled``.
        counts: Per stream: read, new, changed, gone and more.
        progress: How far it is; None once its operation is forgotten.
    """

    id: str
    connection_id: str
    mode: str
    subject: str
    state: str
    cause: str
    requested_by: str
    complete: bool
    incomplete_reason: str
    counts: dict[str, Any]
    progress: OperationProgress | None
    error_code: str
    error_text: str
    remedy: str
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    as_of: Moment | None


class SyncBody(Schema):
    """What to read: a connection, one subject of it, or one customer."""

    connection_id = fields.String(validate=validate.Length(1, 40))
    mode = fields.String(
        load_default="incremental", validate=validate.OneOf(["full", "incremental"])
    )
    subject = fields.String(validate=validate.Length(1, 200))
    customer_id = fields.String(validate=validate.Length(1, 40))

    @validates_schema
    def _one_way(self, data: dict[str, Any], **_more: object) -> None:
        if ("connection_id" in data) == ("customer_id" in data):
            raise ValidationError(
                "Name either a connection or a customer.", "connection_id"
            )
        if "subject" in data and "customer_id" in data:
            raise ValidationError("A subject belongs to a connection.", "subject")


class Started(Shape, frozen=True, kw_only=True):
    """Operations that were started, or joined because they ran already."""

    data: list[OperationShape]
    joined: list[bool]


@sync_runs.operation(
    "GET",
    "/sync-runs",
    Operation(permission="sync:read", returns=Page[SyncRunShape], listing=SYNC_RUNS),
)
def list_sync_runs() -> Answer:
    """List sync runs, newest first."""
    return lists.page(SYNC_RUNS, sync_run_views)


@sync_runs.operation(
    "GET",
    "/sync-runs/<string:run_id>",
    Operation(permission="sync:read", returns=SyncRunShape, errors=(404,)),
)
def get_sync_run(run_id: str) -> SyncRunShape:
    """Read one sync run with its progress."""
    found = find_sync_run(run_id)
    if found is None:
        raise not_found("sync run", run_id)
    return found


@sync_runs.operation(
    "POST",
    "/sync-runs",
    Operation(
        permission="sync:write",
        returns=Started,
        status=202,
        body=SyncBody,
        errors=(404, 409),
        remembered=True,
        parameters=(PREFER,),
    ),
)
def start_sync(body: dict[str, Any]) -> Answer:
    """Start reading, or join the run that reads the same already."""
    service = hub().sync
    if "customer_id" in body:
        refs = service.start_customer(actor(), body["customer_id"], cause="api")
    elif "subject" in body:
        found = service.start_subject(
            actor(), body["connection_id"], body["subject"], cause="api"
        )
        refs = [found]
    else:
        refs = [
            service.start(
                actor(), body["connection_id"], mode=body["mode"], cause="api"
            )
        ]
    operations = [accepted(ref.run_id).body for ref in refs]
    headers = {}
    if refs:
        headers["Location"] = f"/api/v1/operations/{refs[0].run_id}"
    started = Started(
        data=[item for item in operations if isinstance(item, OperationShape)],
        joined=[ref.joined for ref in refs],
    )
    return Answer(body=started, headers=headers)


@sync_runs.operation(
    "GET",
    "/customers/<string:customer_id>/sync-runs",
    Operation(permission="sync:read", returns=Collection[SyncRunShape]),
)
def list_sync_runs_of_customer(customer_id: str) -> Collection[SyncRunShape]:
    """List the latest 50 runs that read just this customer."""
    query = (
        SYNC_RUNS.base.join(
            CustomerAccount,
            (CustomerAccount.connection_id == SyncRun.connection_id)
            & (CustomerAccount.vendor_id == SyncRun.subject),
        )
        .where(CustomerAccount.customer_id == customer_id)
        .order_by(SyncRun.created_at.desc(), SyncRun.id.desc())
        .limit(50)
    )
    with hub().store.read(scope()) as session:
        rows = session.execute(query).all()
        return Collection(data=sync_run_views(session, rows))


def find_sync_run(run_id: str) -> SyncRunShape | None:
    """Return one run of the actor's reseller, or None."""
    query = SYNC_RUNS.base.where(SyncRun.id == run_id)
    with hub().store.read(scope()) as session:
        found = sync_run_views(session, session.execute(query).all())
    return found[0] if found else None


def sync_run_views(session: Session, rows: Sequence[Any]) -> list[SyncRunShape]:
    """Return rows of the runs' list with the progress of their jobs."""
    ids = [row.id for row in rows]
    jobs = {}
    if ids:
        query = select(JobRun).where(JobRun.id.in_(ids))
        jobs = {job.id: operation_view(view(job)) for job in session.scalars(query)}
    return [_shape(row, jobs.get(row.id)) for row in rows]


def _shape(row: Any, job: OperationShape | None) -> SyncRunShape:  # noqa: ANN401 - a row
    state, text, ended = row.state, row.error_text, row.ended_at
    if job is not None and job.ended_at and state in ("queued", "running"):
        # The job ended without the run's last step: cancelled, or given up.
        state = "cancelled" if job.state == "cancelled" else "failed"
        text, ended = (job.error.message if job.error else text), job.ended_at
    return SyncRunShape(
        id=row.id,
        connection_id=row.connection_id,
        mode=row.mode,
        subject=row.subject,
        state=state,
        cause=row.cause,
        requested_by=row.requested_by,
        complete=row.complete,
        incomplete_reason=row.incomplete_reason,
        counts=row.counts,
        progress=job.progress if job else None,
        error_code=row.error_code,
        error_text=text,
        remedy=row.remedy,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=ended,
        as_of=row.as_of,
    )
