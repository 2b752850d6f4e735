"""Files with usage and charges that people hand in, where a vendor only exports."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from entrepot.hub.connections.service import ConnectionService
from entrepot.hub.connections.tables import ConnectionFile
from entrepot.hub.connections.views import ConnectionView
from entrepot.plugins.dispatch import Plugins
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import FilePart, TakenFile
from entrepot.store.actor import Actor
from entrepot.store.audit_log import audit
from entrepot.store.scope import TenantScope
from entrepot.store.unit import Store

LARGEST = 256 * 1024 * 1024
"""Bytes of a file; databases keep values of up to a gigabyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """What became of a file.

    Attributes:
        months: Billing months that it tells of.
        rows: Lines in it.
        kept: Parts that were not kept like this already.
    """

    months: tuple[str, ...]
    rows: int
    kept: int


class ChargeFiles:
    """Takes files, and forgets them with their connection.

    Args:
        store: The hub's database.
        plugins: The typed facade.
        connections: The connections.
    """

    def __init__(
        self, store: Store, plugins: Plugins, connections: ConnectionService
    ) -> None:
        self._store, self._plugins = store, plugins
        self._connections = connections

    def take(
        self, actor: Actor, connection_id: str, name: str, content: bytes
    ) -> HandedIn:
        """Keep a file for the readings that follow; the same one again changes nothing.

        What the file tells of a month takes the place of what an earlier one told.

        Args:
            actor: Who hands it in.
            connection_id: For which connection.
            name: What it is called.
            content: Its bytes.

        Raises:
            PermissionDenied: Without ``sync:write``.
            NotFound: There is no such connection.
            Unsupported: Its vendor's plugin reads no files.
            Rejected: The plugin cannot use the file; says which line and what to do.
        """
        actor.require("sync:write")
        connection = self._connections.get(actor, connection_id)
        if len(content) > LARGEST:
            raise Rejected(
                "file_too_large",
                f"The file has more than {LARGEST >> 20} MiB.",
                remedy="Compress it with gzip, or hand in one month after the other.",
            )
        context = self._connections.open(connection.id)
        taken = self._plugins.take_file(
            context, ask.TakeFile(name=name, content=content)
        )
        kept = self._keep(actor, connection, name, taken)
        return HandedIn(months=taken.months, rows=taken.rows, kept=kept)

    def removed(self, session: Session, connection: ConnectionView) -> None:
        """Forget the files of a removed connection."""
        row = ConnectionFile
        session.execute(
            delete(row).where(
                row.tenant_id == connection.tenant_id,
                row.connection_id == connection.id,
            )
        )

    def _keep(
        self, actor: Actor, connection: ConnectionView, name: str, taken: TakenFile
    ) -> int:
        now = self._store.clock.now()
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            fresh = []
            for part in taken.parts:
                row, is_new = _row(session, connection, part)
                # Handed in again unchanged, it still tells the truth, up to now.
                row.source, row.taken_at = name, now
                fresh += [row] if is_new else []
            if fresh:
                audit(
                    session,
                    actor,
                    action="charges.file_taken",
                    subject=("connection", connection.id),
                    after={
                        "file": name,
                        "rows": taken.rows,
                        "months": list(taken.months),
                        "parts": {row.name: row.digest for row in fresh},
                    },
                )
        return len(fresh)


def _row(
    session: Session, connection: ConnectionView, part: FilePart
) -> tuple[ConnectionFile, bool]:
    """The part's row with its content, and whether that is another than before."""
    row = ConnectionFile
    digest = hashlib.sha256(part.content).hexdigest()
    found = session.scalars(
        select(row).where(row.connection_id == connection.id, row.name == part.name)
    ).one_or_none()
    if found is not None and found.digest == digest:
        return found, False
    if found is None:
        found = ConnectionFile(
            tenant_id=connection.tenant_id, connection_id=connection.id, name=part.name
        )
        session.add(found)
    found.digest, found.content = digest, part.content
    return found, True
