"""What people handed to a connection, as its plugin sees it."""

from __future__ import annotations

from sqlalchemy import select

from entrepot.hub.connections.tables import ConnectionFile
from entrepot.sdk.context import no_file
from entrepot.sdk.model import HeldFile
from entrepot.store import Store, TenantScope


class StoredFiles:
    """Files of a saved connection; read afresh, since newer ones may be handed in.

    Args:
        store: The database.
        tenant_id: Reseller.
        connection_id: Connection.
    """

    def __init__(self, store: Store, tenant_id: str, connection_id: str) -> None:
        self._store = store
        self._tenant_id, self._connection_id = tenant_id, connection_id

    def find(self, name: str) -> HeldFile | None:
        """The kept part of that name; None when there is none."""
        row = ConnectionFile
        wanted = select(row.digest, row.source, row.taken_at).where(
            row.connection_id == self._connection_id, row.name == name
        )
        with self._store.read(TenantScope(self._tenant_id)) as session:
            found = session.execute(wanted).one_or_none()
        if found is None:
            return None
        return HeldFile(
            name=name,
            version=found.digest,
            source=found.source,
            taken_at=found.taken_at,
        )

    def read(self, name: str) -> bytes:
        """The content of a kept part.

        Raises:
            NotFound: There is none of that name.
        """
        row = ConnectionFile
        wanted = select(row.content).where(
            row.connection_id == self._connection_id, row.name == name
        )
        with self._store.read(TenantScope(self._tenant_id)) as session:
            found: bytes | None = session.scalars(wanted).one_or_none()
        if found is None:
            raise no_file(name)
        return found
