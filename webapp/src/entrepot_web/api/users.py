"""People of the reseller: add, change what they may do, lock out, remove."""

from __future__ import annotations

from typing import Any

from entrepot.hub.users.rules import ROLE_TEXTS, ROLES
from entrepot.hub.users.service import User
from marshmallow import Schema, fields, validate

from entrepot_web.api.frame import Answer, Operation, Resource, check_match
from entrepot_web.api.problem import not_found
from entrepot_web.api.shapes import Collection, Moment, Shape
from entrepot_web.context import actor, hub

users = Resource("users", "People who work for the reseller, and their roles.")


class UserShape(Shape, frozen=True, kw_only=True):
    """A person with a role at the caller's reseller."""

    id: str
    email: str
    name: str
    role: str
    active: bool
    created_at: Moment
    last_login_at: Moment | None


class RoleShape(Shape, frozen=True, kw_only=True):
    """What a role permits."""

    name: str
    text: str
    permissions: list[str]


class UserBody(Schema):
    """A new person. Without a password they choose one by the reset form."""

    email = fields.String(required=True, validate=validate.Length(3, 254))
    name = fields.String(required=True, validate=validate.Length(1, 120))
    role = fields.String(required=True, validate=validate.OneOf(list(ROLES)))
    password = fields.String(load_default=None, validate=validate.Length(12, 256))


class UserPatch(Schema):
    """What to change of a person; what is left out stays."""

    role = fields.String(validate=validate.OneOf(list(ROLES)))
    active = fields.Boolean()


@users.operation(
    "GET",
    "/users",
    Operation(permission="users:read", returns=Collection[UserShape]),
)
def list_users() -> Collection[UserShape]:
    """List the reseller's people by address."""
    found = hub().users.list_users(actor(), actor().tenant_id)
    return Collection(data=[_shape(item) for item in found])


@users.operation(
    "GET",
    "/roles",
    Operation(permission="users:read", returns=Collection[RoleShape]),
)
def list_roles() -> Collection[RoleShape]:
    """List the roles that a person may have."""
    return Collection(
        data=[
            RoleShape(name=name, text=ROLE_TEXTS[name], permissions=sorted(permissions))
            for name, permissions in ROLES.items()
        ]
    )


@users.operation(
    "POST",
    "/users",
    Operation(
        permission="users:write",
        returns=UserShape,
        status=201,
        body=UserBody,
        remembered=True,
    ),
)
def create_user(body: dict[str, Any]) -> Answer:
    """Add a person; nobody gives a role that permits more than their own."""
    made = hub().users.create_user(
        actor(),
        email=body["email"],
        name=body["name"],
        password=body["password"],
        tenant_id=actor().tenant_id,
        role=body["role"],
    )
    location = {"Location": f"/api/v1/users/{made.id}"}
    return Answer(body=_shape(made), headers=location)


@users.operation(
    "GET",
    "/users/<string:user_id>",
    Operation(permission="users:read", returns=UserShape, errors=(404,)),
)
def get_user(user_id: str) -> UserShape:
    """Read one person."""
    return _find(user_id)


@users.operation(
    "PATCH",
    "/users/<string:user_id>",
    Operation(
        permission="users:write",
        returns=UserShape,
        body=UserPatch,
        errors=(404,),
        matched=True,
    ),
)
def update_user(body: dict[str, Any], user_id: str) -> UserShape:
    """Give a person another role, lock them out or let them in again."""
    check_match(_find(user_id))
    if "role" in body:
        hub().users.grant_role(actor(), user_id, actor().tenant_id, body["role"])
    if "active" in body:
        hub().users.set_active(actor(), user_id, active=body["active"])
    return _find(user_id)


@users.operation(
    "DELETE",
    "/users/<string:user_id>",
    Operation(permission="users:write", status=204, errors=(404,), matched=True),
)
def remove_user(user_id: str) -> Answer:
    """Take a person's role at this reseller away."""
    check_match(_find(user_id))
    hub().users.revoke_role(actor(), user_id)
    return Answer()


def _find(user_id: str) -> UserShape:
    found = hub().users.find_member(actor(), user_id)
    if found is None:
        raise not_found("user", user_id)
    return _shape(found)


def _shape(found: User) -> UserShape:
    return UserShape(
        id=found.id,
        email=found.email,
        name=found.name,
        role=found.role_at(actor().tenant_id),
        active=found.active,
        created_at=found.created_at,
        last_login_at=found.last_login_at,
    )
