"""Plans: the exact writes that correct differences; approve, apply, give up."""

from __future__ import annotations

from typing import Any

from entrepot.hub.reconciliation.views import PlanView, plan_view
from marshmallow import Schema, fields, validate

from entrepot_web.api import lists
from entrepot_web.api.frame import Answer, Operation, Resource, check_match
from entrepot_web.api.operations import PREFER, OperationShape, accepted
from entrepot_web.api.shapes import Page
from entrepot_web.context import actor, hub
from entrepot_web.lists.reconciliation import PLANS

plans = Resource("reconciliation-plans", "Corrections of the PSA, planned and applied.")


class PlanBody(Schema):
    """Which differences to correct."""

    issue_ids = fields.List(
        fields.String(validate=validate.Length(1, 40)),
        required=True,
        validate=validate.Length(1, 1000),
    )
    choices = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        load_default=dict,
        metadata={"description": "Chosen line per difference where several fit."},
    )


class ApprovalBody(Schema):
    """Which plan, as it was looked at, and which parts of it."""

    plan_digest = fields.String(required=True, validate=validate.Length(1, 64))
    parts = fields.List(fields.Integer(strict=True), load_default=None, allow_none=True)
    reason = fields.String(load_default="", validate=validate.Length(0, 1000))


class DiscardBody(Schema):
    """Why a plan is given up."""

    reason = fields.String(load_default="", validate=validate.Length(0, 1000))


@plans.operation(
    "GET",
    "/reconciliation-plans",
    Operation(permission="reconciliations:read", returns=Page[PlanView], listing=PLANS),
)
def list_plans() -> Answer:
    """List plans without their parts, newest first."""
    return lists.page(PLANS, lambda _, rows: [plan_view(r[0], [], []) for r in rows])


@plans.operation(
    "POST",
    "/reconciliation-plans",
    Operation(
        permission="reconciliations:write",
        returns=PlanView,
        status=201,
        body=PlanBody,
        errors=(404, 409),
        remembered=True,
    ),
)
def make_plan(body: dict[str, Any]) -> Answer:
    """Draft the writes that would correct some differences; nothing is sent."""
    made = hub().reconciliation.plan(actor(), body["issue_ids"], body["choices"])
    location = {"Location": f"/api/v1/reconciliation-plans/{made.id}"}
    return Answer(body=made, headers=location)


@plans.operation(
    "GET",
    "/reconciliation-plans/<string:plan_id>",
    Operation(permission="reconciliations:read", returns=PlanView, errors=(404,)),
)
def get_plan(plan_id: str) -> PlanView:
    """Read a plan with every write in it."""
    return hub().reconciliation.get_plan(actor(), plan_id)


@plans.operation(
    "POST",
    "/reconciliation-plans/<string:plan_id>/approvals",
    Operation(
        permission="reconciliations:approve",
        returns=PlanView,
        body=ApprovalBody,
        errors=(404, 409),
        matched=True,
    ),
)
def approve_plan(body: dict[str, Any], plan_id: str) -> PlanView:
    """Approve a plan, all of it or some parts; it is not written yet."""
    check_match(hub().reconciliation.get_plan(actor(), plan_id))
    return hub().reconciliation.approve(
        actor(),
        plan_id,
        body["plan_digest"],
        parts=body["parts"],
        reason=body["reason"],
    )


@plans.operation(
    "POST",
    "/reconciliation-plans/<string:plan_id>/applications",
    Operation(
        permission="reconciliations:approve",
        returns=OperationShape,
        status=202,
        errors=(404, 409, 422),
        keyed=True,
        parameters=(PREFER,),
    ),
)
def apply_plan(plan_id: str) -> Answer:
    """Write an approved plan to the PSA; a plan that was cut off is continued."""
    return accepted(hub().reconciliation.apply(actor(), plan_id).run_id)


@plans.operation(
    "POST",
    "/reconciliation-plans/<string:plan_id>/discards",
    Operation(
        permission="reconciliations:write",
        returns=PlanView,
        body=DiscardBody,
        errors=(404, 409),
        matched=True,
    ),
)
def discard_plan(body: dict[str, Any], plan_id: str) -> PlanView:
    """Give a plan up that hasn't begun."""
    check_match(hub().reconciliation.get_plan(actor(), plan_id))
    return hub().reconciliation.discard(actor(), plan_id, body["reason"])
