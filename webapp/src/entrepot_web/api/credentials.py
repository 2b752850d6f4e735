"""Machine credentials: create, rotate, revoke."""

from __future__ import annotations

from entrepot.hub.users.credentials import Credential
from marshmallow import Schema, fields, validate

from entrepot_web.api.frame import Answer, Operation, Resource, check_match
from entrepot_web.api.problem import not_found
from entrepot_web.api.shapes import Collection, Moment, Shape
from entrepot_web.context import actor, hub

credentials = Resource("credentials", "Client ids and secrets of machines.")


class CredentialView(Shape, frozen=True, kw_only=True):
    """A credential without its secret."""

    id: str
    name: str
    scopes: list[str]
    active: bool
    old_secret_until: Moment | None
    created_by: str
    created_at: Moment
    last_used_at: Moment | None


class NewSecret(Shape, frozen=True, kw_only=True):
    """A credential with its fresh secret, shown only this once."""

    credential: CredentialView
    client_id: str
    client_secret: str


class CredentialBody(Schema):
    """What a new credential is called and may do."""

    name = fields.String(required=True, validate=validate.Length(1, 120))
    scopes = fields.List(
        fields.String(validate=validate.Length(1, 60)),
        required=True,
        validate=validate.Length(1, 60),
    )


@credentials.operation(
    "GET",
    "/credentials",
    Operation(permission="credentials:read", returns=Collection[CredentialView]),
)
def list_credentials() -> Collection[CredentialView]:
    """List the reseller's machine credentials."""
    found = hub().credentials.list_credentials(actor())
    return Collection(data=[_view(item) for item in found])


@credentials.operation(
    "POST",
    "/credentials",
    Operation(
        permission="credentials:write",
        returns=NewSecret,
        status=201,
        body=CredentialBody,
    ),
)
def create_credential(body: dict[str, object]) -> Answer:
    """Create a credential. Its secret is in this answer and nowhere else."""
    name, scopes = str(body["name"]), body["scopes"]
    made, secret = hub().credentials.create_credential(
        actor(),
        name=name,
        scopes=tuple(scopes),  # type: ignore[arg-type]  # checked by the schema
    )
    location = {"Location": f"/api/v1/credentials/{made.id}"}
    return Answer(body=_with_secret(made, secret), headers=location)


@credentials.operation(
    "GET",
    "/credentials/<string:credential_id>",
    Operation(permission="credentials:read", returns=CredentialView, errors=(404,)),
)
def get_credential(credential_id: str) -> CredentialView:
    """Read one credential."""
    return _find(credential_id)


@credentials.operation(
    "POST",
    "/credentials/<string:credential_id>/rotations",
    Operation(
        permission="credentials:write",
        returns=NewSecret,
        status=201,
        errors=(404,),
        matched=True,
    ),
)
def rotate_credential(credential_id: str) -> Answer:
    """Make a new secret; the old one stays valid for a week."""
    check_match(_find(credential_id))
    done = hub().credentials.rotate_secret(actor(), credential_id)
    if done is None:
        raise not_found("credential", credential_id)
    location = {"Location": f"/api/v1/credentials/{credential_id}"}
    return Answer(body=_with_secret(*done), headers=location)


@credentials.operation(
    "DELETE",
    "/credentials/<string:credential_id>",
    Operation(permission="credentials:write", status=204, errors=(404,), matched=True),
)
def revoke_credential(credential_id: str) -> Answer:
    """Switch a credential off for good; its tokens end within seconds."""
    check_match(_find(credential_id))
    if hub().credentials.revoke(actor(), credential_id) is None:
        raise not_found("credential", credential_id)
    return Answer()


def _find(credential_id: str) -> CredentialView:
    found = hub().credentials.find_credential(actor(), credential_id)
    if found is None:
        raise not_found("credential", credential_id)
    return _view(found)


def _with_secret(made: Credential, secret: str) -> NewSecret:
    return NewSecret(credential=_view(made), client_id=made.id, client_secret=secret)


def _view(found: Credential) -> CredentialView:
    return CredentialView(
        id=found.id,
        name=found.name,
        scopes=list(found.scopes),
        active=found.active,
        old_secret_until=found.old_secret_until,
        created_by=found.created_by,
        created_at=found.created_at,
        last_used_at=found.last_used_at,
    )
