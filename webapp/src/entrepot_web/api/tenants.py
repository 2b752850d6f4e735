"""Resellers, for the operator; everybody may read their own."""

from __future__ import annotations

from typing import Any

from entrepot.hub.tenants.service import TenantView
from entrepot.store.actor import Actor
from entrepot.store.base import SYSTEM_TENANT
from marshmallow import Schema, fields, validate

from entrepot_web.api.frame import Answer, Operation, Resource
from entrepot_web.api.shapes import Collection
from entrepot_web.context import actor, hub

tenants = Resource("tenants", "Resellers of this hub. For operators.")


class TenantBody(Schema):
    """A new reseller."""

    name = fields.String(required=True, validate=validate.Length(1, 120))
    slug = fields.String(load_default="", validate=validate.Length(0, 60))
    billing_zone = fields.String(load_default="UTC", validate=validate.Length(1, 60))


class StateBody(Schema):
    """Why a reseller's state changes."""

    why = fields.String(required=True, validate=validate.Length(1, 500))


@tenants.operation(
    "GET",
    "/tenants/current",
    Operation(permission="customers:read", returns=TenantView),
)
def get_current_tenant() -> TenantView:
    """Read the reseller that the credential belongs to."""
    return hub().tenants.get(actor(), actor().tenant_id)


@tenants.operation(
    "GET",
    "/tenants",
    Operation(permission="tenants:read", returns=Collection[TenantView]),
)
def list_tenants() -> Collection[TenantView]:
    """List all resellers."""
    return Collection(data=list(hub().tenants.list(_operator())))


@tenants.operation(
    "POST",
    "/tenants",
    Operation(
        permission="tenants:write",
        returns=TenantView,
        status=201,
        body=TenantBody,
        errors=(409,),
        remembered=True,
    ),
)
def create_tenant(body: dict[str, Any]) -> Answer:
    """Create a reseller."""
    made = hub().tenants.create(
        _operator(), body["name"], slug=body["slug"], billing_zone=body["billing_zone"]
    )
    return Answer(body=made, headers={"Location": f"/api/v1/tenants/{made.id}"})


@tenants.operation(
    "GET",
    "/tenants/<string:tenant_id>",
    Operation(permission="tenants:read", returns=TenantView, errors=(404,)),
)
def get_tenant(tenant_id: str) -> TenantView:
    """Read one reseller."""
    return hub().tenants.get(_operator(), tenant_id)


@tenants.operation(
    "POST",
    "/tenants/<string:tenant_id>/suspensions",
    Operation(
        permission="tenants:write",
        returns=TenantView,
        status=201,
        body=StateBody,
        errors=(404, 409),
    ),
)
def suspend_tenant(body: dict[str, Any], tenant_id: str) -> TenantView:
    """Lock a reseller out; nothing is deleted."""
    return hub().tenants.suspend(_operator(), tenant_id, body["why"])


@tenants.operation(
    "POST",
    "/tenants/<string:tenant_id>/resumptions",
    Operation(
        permission="tenants:write",
        returns=TenantView,
        status=201,
        body=StateBody,
        errors=(404, 409),
    ),
)
def resume_tenant(body: dict[str, Any], tenant_id: str) -> TenantView:
    """Let a reseller in again."""
    return hub().tenants.resume(_operator(), tenant_id, body["why"])


def _operator() -> Actor:
    """Return the caller as operator: its scope says that it is one."""
    found = actor()
    return Actor(found.id, "operator", SYSTEM_TENANT, found.name, found.permissions)
