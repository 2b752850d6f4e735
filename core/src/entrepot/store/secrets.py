"""Secrets of connections, encrypted with the hub's keys (AES-256-GCM)."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Integer, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from entrepot.store.base import Base, TenantOwned
from entrepot.store.keys import ENCRYPTION, Keyring
from entrepot.store.scope import SystemScope
from entrepot.store.unit import Store

_NONCE = 12
_BATCH = 200


class ConnectionSecret(Base, TenantOwned):
    """One secret of one connection; readable only with the hub's keys."""

    __tablename__ = "connection_secret"
    __table_args__ = ({"info": {"export": False}},)

    tenant_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    connection_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    ciphertext: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(String(40), index=True)
    version: Mapped[int] = mapped_column(Integer)


class SecretMissing(LookupError):
    """A connection has no secret of that name."""


class SecretDamaged(RuntimeError):
    """A stored secret doesn't open with its own key: it was changed or moved."""


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Names one secret."""

    tenant_id: str
    connection_id: str
    name: str


def seal(keyring: Keyring, context: str, value: str) -> tuple[str, str]:
    """Encrypt ``value`` with the current key.

    Args:
        keyring: The hub's keys.
        context: Where it is stored; the same text must be given to `unseal`, so that
            a sealed value can't be moved to another place.
        value: The secret.

    Returns:
        The key's id and the sealed text.
    """
    key = keyring.current(ENCRYPTION)
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(key.material).encrypt(nonce, value.encode(), context.encode())
    return key.id, base64.b64encode(nonce + sealed).decode()


def unseal(keyring: Keyring, context: str, key_id: str, sealed: str) -> str:
    """Return the secret.

    Raises:
        UnknownKey: The hub doesn't have the key.
        SecretDamaged: The text was changed, or belongs to another place.
    """
    key = keyring.get(ENCRYPTION, key_id)
    raw = base64.b64decode(sealed)
    try:
        opened = AESGCM(key.material).decrypt(
            raw[:_NONCE], raw[_NONCE:], context.encode()
        )
    except InvalidTag as error:
        raise SecretDamaged(
            f"The secret {context} was changed in the database. Enter it anew."
        ) from error
    return opened.decode()


class SecretStore:
    """Reads, writes and rotates the secrets of connections.

    Args:
        keyring: The hub's keys.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def get(self, session: Session, ref: SecretRef) -> str:
        """Return a secret.

        Raises:
            SecretMissing: There is none of that name.
            UnknownKey: It is sealed with a key the hub doesn't have.
            SecretDamaged: It was changed in the database.
        """
        row = _find(session, ref)
        if row is None:
            raise SecretMissing(f"{ref.connection_id} has no secret {ref.name!r}.")
        return self._open(row)

    def find(self, session: Session, ref: SecretRef) -> str | None:
        """Return a secret, or None when there is none of that name."""
        row = _find(session, ref)
        return None if row is None else self._open(row)

    def names(self, session: Session, tenant_id: str, connection_id: str) -> list[str]:
        """Return the names of a connection's secrets, sorted; never the values."""
        found = self.names_of(session, tenant_id, (connection_id,))
        return found.get(connection_id, [])

    def names_of(
        self, session: Session, tenant_id: str, connection_ids: Sequence[str]
    ) -> dict[str, list[str]]:
        """Return the names of many connections' secrets; none for one without any."""
        query = (
            select(ConnectionSecret.connection_id, ConnectionSecret.name)
            .where(
                ConnectionSecret.tenant_id == tenant_id,
                ConnectionSecret.connection_id.in_(connection_ids),
            )
            .order_by(ConnectionSecret.name)
        )
        found: dict[str, list[str]] = {}
        for connection_id, name in session.execute(query):
            found.setdefault(connection_id, []).append(name)
        return found

    def put(self, session: Session, ref: SecretRef, value: str) -> None:
        """Store a secret, replacing what was there."""
        row = _find(session, ref, lock=True)
        if row is None:
            row = ConnectionSecret(
                tenant_id=ref.tenant_id,
                connection_id=ref.connection_id,
                name=ref.name,
                version=0,
            )
            session.add(row)
        self._seal_into(row, value)
        session.flush()

    def replace(self, session: Session, ref: SecretRef, old: str, new: str) -> str:
        """Store ``new`` if ``old`` is still the current value (compare and set).

        The row stays locked until the unit ends, so that of two processes that
        rotate the same token the second sees what the first stored.

        Returns:
            The value that holds afterwards: ``new``, or the other process's.

        Raises:
            SecretMissing: There is none of that name.
        """
        row = _find(session, ref, lock=True)
        if row is None:
            raise SecretMissing(f"{ref.connection_id} has no secret {ref.name!r}.")
        current = self._open(row)
        if current != old:
            return current
        self._seal_into(row, new)
        session.flush()
        return new

    def remove(self, session: Session, tenant_id: str, connection_id: str) -> int:
        """Delete all secrets of a connection and return how many there were."""
        names = self.names(session, tenant_id, connection_id)
        for name in names:
            session.delete(_find(session, SecretRef(tenant_id, connection_id, name)))
        session.flush()
        return len(names)

    def rotate(self, store: Store, batch: int = _BATCH) -> int:
        """Seal everything that isn't under the current key anew.

        Each batch is a unit of its own; stopped half-way, the next call continues
        where this one ended, because it looks for what is still under other keys.

        Returns:
            How many secrets were sealed anew.
        """
        done = 0
        while True:
            with store.unit(SystemScope("secrets.rotate")) as session:
                rows = self._stale(session, batch)
                for row in rows:
                    self._seal_into(row, self._open(row))
            done += len(rows)
            if len(rows) < batch:
                return done

    def needed_keys(self, session: Session) -> list[str]:
        """Return the ids of the keys that stored secrets are sealed with, sorted."""
        query = select(ConnectionSecret.key_id).distinct()
        return sorted(session.scalars(query))

    def _stale(self, session: Session, batch: int) -> list[ConnectionSecret]:
        query = (
            select(ConnectionSecret)
            .where(ConnectionSecret.key_id != self._keyring.current(ENCRYPTION).id)
            .order_by(
                ConnectionSecret.tenant_id,
                ConnectionSecret.connection_id,
                ConnectionSecret.name,
            )
            .limit(batch)
            .with_for_update()
        )
        return list(session.scalars(query))

    def _open(self, row: ConnectionSecret) -> str:
        return unseal(self._keyring, _context(row), row.key_id, row.ciphertext)

    def _seal_into(self, row: ConnectionSecret, value: str) -> None:
        row.key_id, row.ciphertext = seal(self._keyring, _context(row), value)
        row.version += 1


def _context(row: ConnectionSecret) -> str:
    return f"{row.tenant_id}/{row.connection_id}/{row.name}"


def _find(
    session: Session, ref: SecretRef, *, lock: bool = False
) -> ConnectionSecret | None:
    return session.get(
        ConnectionSecret,
        (ref.tenant_id, ref.connection_id, ref.name),
        with_for_update=lock or None,
        populate_existing=lock,
    )
