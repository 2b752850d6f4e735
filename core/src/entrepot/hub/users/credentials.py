"""Machine credentials: a client id, one or two valid secrets, scopes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.users.rules import (
    UserInvalid,
    check_scopes,
    hash_secret,
    new_secret,
    secret_matches,
)
from entrepot.hub.users.tables import CredentialRow
from entrepot.sdk.context import Clock
from entrepot.store import Store, audit
from entrepot.store.actor import Actor
from entrepot.store.ids import new_id
from entrepot.store.scope import SystemScope

OVERLAP = timedelta(days=7)
"""How long the previous secret stays valid after a rotation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A credential without its secret."""

    id: str
    tenant_id: str
    name: str
    scopes: tuple[str, ...]
    active: bool
    version: int
    old_secret_until: datetime | None
    created_by: str
    created_at: datetime
    last_used_at: datetime | None


class CredentialsService:
    """Use cases around machine credentials.

    Args:
        store: The database.
        clock: What time it is.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def create_credential(
        self, actor: Actor, *, name: str, scopes: tuple[str, ...]
    ) -> tuple[Credential, str]:
        """Create a credential and return it with its secret, shown this once.

        Raises:
            PermissionDenied: The actor may not write credentials.
            UserInvalid: Name or scopes are wrong, or exceed what the actor holds.
        """
        actor.require("credentials:write")
        title = " ".join(name.split())
        if not 1 <= len(title) <= 120:
            raise UserInvalid("name", "Enter a name of 1 to 120 characters.")
        allowed = check_scopes(scopes, actor.permissions)
        secret = new_secret()
        row = CredentialRow(
            id=new_id("crd"),
            tenant_id=actor.tenant_id,
            name=title,
            scopes=list(allowed),
            secret_hash=hash_secret(secret),
            active=True,
            version=1,
            created_by=actor.id,
            created_at=self._clock.now(),
        )
        with self._store.unit(SystemScope("credentials")) as session:
            session.add(row)
            audit(
                session,
                actor,
                action="credential.created",
                subject=("credential", row.id),
                before=None,
                after={"name": title, "scopes": list(allowed)},
            )
            session.flush()
            return _view(row), secret

    def list_credentials(self, actor: Actor) -> list[Credential]:
        """Return the reseller's credentials, oldest first.

        Raises:
            PermissionDenied: The actor may not read credentials.
        """
        actor.require("credentials:read")
        query = (
            select(CredentialRow)
            .where(CredentialRow.tenant_id == actor.tenant_id)
            .order_by(CredentialRow.id)
        )
        with self._store.read(SystemScope("credentials")) as session:
            return [_view(row) for row in session.scalars(query)]

    def find_credential(self, actor: Actor, credential_id: str) -> Credential | None:
        """Return one of the reseller's credentials, or None.

        Raises:
            PermissionDenied: The actor may not read credentials.
        """
        actor.require("credentials:read")
        with self._store.read(SystemScope("credentials")) as session:
            row = _own(session, actor, credential_id)
            return None if row is None else _view(row)

    def rotate_secret(
        self, actor: Actor, credential_id: str
    ) -> tuple[Credential, str] | None:
        """Add a new secret, keep the old one for a week; None for an unknown id.

        Raises:
            PermissionDenied: The actor may not write credentials.
        """
        actor.require("credentials:write")
        secret = new_secret()
        with self._store.unit(SystemScope("credentials")) as session:
            row = _own(session, actor, credential_id)
            if row is None:
                return None
            row.old_secret_hash = row.secret_hash
            row.old_secret_until = self._clock.now() + OVERLAP
            row.secret_hash = hash_secret(secret)
            row.version += 1
            audit(
                session,
                actor,
                action="credential.rotated",
                subject=("credential", row.id),
                before=None,
                after=None,
            )
            return _view(row), secret

    def revoke(self, actor: Actor, credential_id: str) -> Credential | None:
        """Switch a credential off for good; None for an unknown id.

        Raises:
            PermissionDenied: The actor may not write credentials.
        """
        actor.require("credentials:write")
        with self._store.unit(SystemScope("credentials")) as session:
            row = _own(session, actor, credential_id)
            if row is None:
                return None
            row.active = False
            row.version += 1
            audit(
                session,
                actor,
                action="credential.revoked",
                subject=("credential", row.id),
                before=None,
                after=None,
            )
            return _view(row)

    def authenticate(self, client_id: str, secret: str) -> Credential | None:
        """Return the credential if the secret is one of its valid ones, else None."""
        with self._store.unit(SystemScope("token")) as session:
            row = session.get(CredentialRow, client_id)
            good = secret_matches(secret, row.secret_hash if row else None)
            old = secret_matches(secret, row.old_secret_hash if row else None)
            if row is None or not row.active:
                return None
            until = row.old_secret_until
            if good or (old and until is not None and until > self._clock.now()):
                row.last_used_at = self._clock.now()
                return _view(row)
            return None

    def is_active(self, credential_id: str) -> bool:
        """Return whether a credential exists and isn't revoked."""
        query = select(CredentialRow.active).where(CredentialRow.id == credential_id)
        with self._store.read(SystemScope("token")) as session:
            return bool(session.scalar(query))


def _own(session: Session, actor: Actor, credential_id: str) -> CredentialRow | None:
    row = session.get(CredentialRow, credential_id)
    return row if row is not None and row.tenant_id == actor.tenant_id else None


def _view(row: CredentialRow) -> Credential:
    return Credential(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        scopes=tuple(row.scopes),
        active=row.active,
        version=row.version,
        old_secret_until=row.old_secret_until,
        created_by=row.created_by,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )
