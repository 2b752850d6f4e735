"""Resource controller, write side, with the broker's refusals (§4.4, §6.2)."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_ibm.simulator import catalog, lifecycle, render
from entrepot_ibm.simulator.catalog import Plan
from entrepot_ibm.simulator.controller_api import ControllerApi
from entrepot_ibm.simulator.model import Account, Instance, LastOperation, Wire
from entrepot_ibm.simulator.refusals import controller

if TYPE_CHECKING:
    from entrepot_ibm.simulator.app import IbmSimulator

_NAME = re.compile(r"[\w .:\-]{1,180}", re.ASCII)
_LIVING = ("active", "inactive", "provisioning", "failed")
_RECLAIM = timedelta(days=7)
_RESTORE_SECONDS = 30.0


class ControllerWrites:
    """Create, change, delete, lock and restore instances."""

    def __init__(self, vendor: IbmSimulator, reads: ControllerApi) -> None:
        self._vendor, self._reads = vendor, reads
        root = "/rc/v2/resource_instances"
        one = f"{root}/<path:instance>"
        vendor.route("POST", root, self.create)
        vendor.route("PATCH", one, self.update)
        vendor.route("DELETE", one, self.delete)
        vendor.route("POST", f"{one}/lock", self.lock)
        vendor.route("DELETE", f"{one}/lock", self.unlock)
        vendor.route("DELETE", f"{one}/last_operation", self.cancel)
        vendor.route("POST", "/rc/v2/resource_keys", self.add_key)
        vendor.route(
            "POST", "/rc/v1/reclamations/<reclamation>/actions/<action>", self.act
        )

    def create(self, request: Request) -> Response:
        """A new instance: 201 at once, or 202 and provisioning (B13, B14, B15)."""
        account, body = self._vendor.signed_in(request), request.get_json()
        plan = catalog.PLANS.get(str(body.get("resource_plan_id", "")))
        self._may_create(account, plan, body)
        if plan is None:
            raise controller(404, "The resource plan was not found")
        made = self._made(account, plan, body)
        made.locked = request.headers.get("Entity-Lock") == "true"
        account.instances[made.guid] = made
        status = 202 if made.operation.due else 201
        return json_response(render.instance(made), status)

    def _may_create(self, account: Account, plan: Plan | None, body: Wire) -> None:
        if not _NAME.fullmatch(str(body.get("name", ""))):
            raise controller(400, "The name has characters that are not permitted")
        if plan is None or not plan.active or plan.disabled:
            raise controller(404, "The resource plan was not found")
        if body.get("resource_group") != account.group_id:
            raise controller(404, "The resource group was not found")
        if account.state != "ACTIVE" or account.group_state != "ACTIVE":
            raise controller(400, "The resource group is in state SUSPENDED")
        if not catalog.SERVICE_OF[plan.id].provisionable:
            raise controller(400, "The service is not provisionable")
        taken = any(
            i.plan_id == plan.id and i.state in _LIVING
            for i in account.instances.values()
        )
        if plan.one_per_account and taken:
            raise controller(503, "Service broker error: only one instance per account")

    def _made(self, account: Account, plan: Plan, body: Wire) -> Instance:
        now = self._vendor.clock.now()
        asked = dict(body.get("parameters") or {})
        guid = str(uuid.uuid4())
        shown = {plan.seats: int(asked.get(plan.seats, 1))} if plan.seats else {}
        return Instance(
            guid=guid,
            account_id=account.id,
            name=str(body["name"]),
            plan_id=plan.id,
            region=str(body.get("target", "")).rpartition(":")[2] or "us-south",
            group_id=account.group_id,
            created=now,
            updated=now,
            since=now,
            state="provisioning" if plan.seconds else "active",
            parameters=asked,
            extensions={**shown, "endpoint": f"https://{guid[:8]}.example"},
            operation=self._operation("create", plan, now),
            plans=[(plan.id, now)],
            tags=[str(tag) for tag in body.get("tags") or ()],
        )

    def _operation(self, kind: str, plan: Plan, now: datetime) -> LastOperation:
        if not plan.seconds:
            return LastOperation(type=kind)
        return LastOperation(
            type=kind,
            state="in progress",
            is_async=True,
            cancelable=plan.cancelable,
            due=now + timedelta(seconds=plan.seconds),
            fails=plan.fails,
        )

    def update(self, request: Request, instance: str) -> Response:
        """Name, parameters or plan (B16, B17)."""
        found = self._changeable(request, instance)
        body, now = request.get_json() or {}, self._vendor.clock.now()
        name, plan_id = body.get("name"), body.get("resource_plan_id")
        if name is not None and not _NAME.fullmatch(str(name)):
            raise controller(400, "The name has characters that are not permitted")
        if plan_id is not None:
            _may_change_plan(found, str(plan_id))
            lifecycle.change_plan(found, str(plan_id), now)
        if name is not None:
            found.name = str(name)
        self._take_parameters(found, body.get("parameters"))
        found.updated, found.operation = now, LastOperation(type="update")
        return json_response(render.instance(found))

    def _take_parameters(self, found: Instance, asked: Wire | None) -> None:
        if asked is None:
            return
        found.parameters = {**found.parameters, **asked}
        seats = catalog.PLANS[found.plan_id].seats
        if seats and seats in asked:
            # The broker's own reading, which may differ from the request (B17).
            found.extensions[seats] = max(1, int(asked[seats]))

    def delete(self, request: Request, instance: str) -> Response:
        """Gone, or waiting for its removal; 410 for one that is gone (B19)."""
        found = self._reads.find(request, instance)[1]
        now = self._vendor.clock.now()
        if found.state == "removed":
            raise controller(410, "The resource instance is already removed")
        if found.state == "pending_reclamation":
            raise controller(422, "The instance is in reclamation")
        if found.locked:
            raise controller(400, "The resource instance is locked")
        if found.keys and request.args.get("recursive") != "true":
            raise controller(400, "The instance has keys; use recursive")
        found.keys = 0
        if not catalog.PLANS[found.plan_id].reclaimable:
            found.operation = LastOperation(type="delete")
            lifecycle.remove(found, now)
            return Response(status=204)
        lifecycle.turn(found, "pending_reclamation", now)
        found.operation = LastOperation(type="reclamation")
        found.reclaim_at, found.reclamation_state = now + _RECLAIM, "SCHEDULED"
        found.reclamation_id = str(uuid.uuid4())
        return Response(status=204)

    def lock(self, request: Request, instance: str) -> Response:
        """Block any later change (B18)."""
        return self._locked(request, instance, True)

    def unlock(self, request: Request, instance: str) -> Response:
        """Permit changes again."""
        return self._locked(request, instance, False)

    def cancel(self, request: Request, instance: str) -> Response:
        """Cancel what is under way; a cancelled creation leaves nothing (B21)."""
        found = self._reads.find(request, instance)[1]
        if not found.operation.cancelable:
            raise controller(400, "The last operation cannot be cancelled")
        lifecycle.remove(found, self._vendor.clock.now())
        found.operation = LastOperation(type="cancel")
        return json_response(render.instance(found))

    def add_key(self, request: Request) -> Response:
        """A resource key; a lock does not forbid it (B18)."""
        body = request.get_json()
        found = self._reads.find(request, str(body.get("source", "")))[1]
        found.keys += 1
        guid = str(uuid.uuid4())
        made = {"guid": guid, "id": guid, "name": body.get("name"), "state": "active"}
        return json_response(made, 201)

    def act(self, request: Request, reclamation: str, action: str) -> Response:
        """Restore or reclaim what waits for its removal (B20)."""
        account, now = self._vendor.signed_in(request), self._vendor.clock.now()
        for found in account.instances.values():
            if found.reclamation_id == reclamation:
                break
        else:
            raise controller(404, "The reclamation was not found")
        if action == "reclaim":
            found.reclamation_state = "RECLAIMING"
            answer = render.reclamation(found)
            lifecycle.remove(found, now)
            return json_response(answer)
        if action != "restore":
            raise controller(404, "The action is not known")
        found.reclamation_state, found.reclaim_at = "RESTORING", None
        due = now + timedelta(seconds=_RESTORE_SECONDS)
        found.operation = LastOperation(
            type="reclamation_restore", state="in progress", is_async=True, due=due
        )
        return json_response(render.reclamation(found))

    def _locked(self, request: Request, instance: str, locked: bool) -> Response:
        found = self._reads.find(request, instance)[1]
        found.locked = locked
        found.operation = LastOperation(type="lock" if locked else "unlock")
        return json_response(render.instance(found))

    def _changeable(self, request: Request, instance: str) -> Instance:
        found = self._reads.find(request, instance)[1]
        if found.state == "removed":
            raise controller(404, "The resource instance was not found")
        if found.state == "pending_reclamation":
            raise controller(422, "The instance is in reclamation")
        if found.locked:
            raise controller(400, "The resource instance is locked")
        if found.operation.due is not None:
            raise controller(400, "An operation is in progress")
        return found


def _may_change_plan(found: Instance, plan_id: str) -> None:
    service = catalog.SERVICE_OF[found.plan_id]
    plan = catalog.PLANS.get(plan_id)
    if plan is None or plan not in service.plans:
        raise controller(400, "The plan does not belong to the service")
    if not service.updateable:
        raise controller(400, "The service does not support plan updates")
    now = catalog.PLANS[found.plan_id]
    lower = service.plans.index(plan) < service.plans.index(now)
    if lower and not service.downgrades:
        raise controller(400, "Service broker error: downgrade is not supported")
