"""Notifications of vendors and PSA systems: verified hints that start a reading.

A notification is never a fact. Whoever sends one can at most make the hub read again
what it would read anyway; a forged, repeated or oversized one does not even that.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from entrepot.hub.connections.service import ConnectionService
from entrepot.hub.connections.tables import SeenNotification
from entrepot.hub.connections.views import ConnectionView
from entrepot.plugins import Plugins
from entrepot.sdk import queries as ask
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Conflict, EntrepotError, NotFound, Rejected, Unsupported
from entrepot.sdk.model import ChangeEvent, NotificationRegistration
from entrepot.store import Actor, Store, TenantScope
from entrepot.store.actor import system_actor

MAX_BODY = 256 * 1024
"""Largest accepted notification in bytes."""
MOST_SUBJECTS = 20
"""Above so many customers in one notification the connection is read as a whole."""
SECONDS = 10.0
"""Verification takes no longer; senders wait for the answer."""
KEPT = timedelta(days=14)
_LOG = logging.getLogger("entrepot.notifications")


class Reader(Protocol):
    """What starts readings; `SyncService` does."""

    def start(self, actor: Actor, connection_id: str, *, cause: str = ...) -> Any:  # noqa: ANN401 - its answer is not looked at
        """Read what changed in a whole connection."""

    def start_subject(
        self, actor: Actor, connection_id: str, subject: str, *, cause: str = ...
    ) -> Any:  # noqa: ANN401 - its answer is not looked at
        """Read one customer or company."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the sender is answered."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"


class Notifications:
    """Receives notifications and keeps our registrations alive.

    Args:
        store: The database.
        clock: Time.
        plugins: The typed facade.
        connections: The connections.
        reader: Starts readings.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        plugins: Plugins,
        connections: ConnectionService,
        reader: Reader,
    ) -> None:
        self._store, self._clock, self._plugins = store, clock, plugins
        self._connections, self._reader = connections, reader

    def receive(self, key: str, query: ask.ReceiveNotification) -> Reply:
        """Verify one inbound request and start what it hints at.

        Args:
            key: The last part of the connection's notification address.
            query: The request; its body may be cut off above `MAX_BODY` + 1 bytes.

        Returns:
            The answer for the sender; nothing is raised for bad requests.
        """
        if len(query.body) > MAX_BODY:
            return Reply(status=413)
        connection = self._connections.find_by_notification_key(key)
        if connection is None:
            return Reply(status=404)
        try:
            ctx = self._connections.open(
                connection.id, deadline=self._clock.monotonic() + SECONDS, idle=True
            )
            found = self._plugins.receive_notification(ctx, query)
        except EntrepotError as error:
            _LOG.warning("notification for %s refused: %s", connection.id, error.code)
            return Reply(status=_refusal(error))
        digest = hashlib.sha256(found.replay_key.encode()).hexdigest()
        repeated = bool(found.replay_key) and self._seen(connection, digest)
        if not repeated:
            self._start(connection, found.events)
            if found.replay_key:
                self._remember(connection, digest)
        return Reply(
            status=found.reply_status,
            body=found.reply_body,
            content_type=found.reply_content_type,
        )

    def register(self, connection_id: str) -> datetime | None:
        """Create or renew our registration at the other side.

        Returns:
            When it must be renewed at the latest; None for never, and where there is
            nothing to register (no public address, idle connection, no such hook).

        Raises:
            EntrepotError: the other side could not be asked, or refused.
        """
        try:
            ctx = self._connections.open(connection_id)
        except (Conflict, NotFound):
            return None  # It stands still or is gone; nothing shall arrive.
        if not ctx.notification_url:
            return None
        if not self._plugins.has(ctx.plugin, "register_notifications"):
            return None
        command = ask.RegisterNotifications(url=ctx.notification_url)
        try:
            made = self._plugins.register_notifications(ctx, command)
        except EntrepotError as error:
            self._note(connection_id, error=error)
            raise
        self._note(connection_id, made=made)
        return made.renew_before

    def _note(
        self,
        connection_id: str,
        *,
        made: NotificationRegistration | None = None,
        error: EntrepotError | None = None,
    ) -> None:
        renew = made.renew_before if made else None
        self._connections.note_registration(
            connection_id,
            {
                "registered": bool(made and made.registered),
                "detail": made.detail if made else "",
                "renew_before": renew.isoformat() if renew else None,
                "error": error.user_message if error else None,
                "at": self._clock.now().isoformat(),
            },
        )

    def _start(self, connection: ConnectionView, events: Sequence[ChangeEvent]) -> None:
        """Start the readings that events hint at, unless the connection is idle."""
        if not events or connection.state != "active":
            return
        if not self._connections.is_served(connection.tenant_id):
            return
        actor = system_actor("notification", connection.tenant_id)
        subjects = list(dict.fromkeys(event.customer_id for event in events))
        if "" in subjects or len(subjects) > MOST_SUBJECTS:
            self._reader.start(actor, connection.id, cause="notification")
            return
        for subject in subjects:
            self._reader.start_subject(
                actor, connection.id, subject, cause="notification"
            )

    def _seen(self, connection: ConnectionView, digest: str) -> bool:
        query = select(SeenNotification.digest).where(
            SeenNotification.connection_id == connection.id,
            SeenNotification.digest == digest,
        )
        with self._store.read(TenantScope(connection.tenant_id)) as session:
            return session.scalars(query).first() is not None

    def _remember(self, connection: ConnectionView, digest: str) -> None:
        now = self._clock.now()
        row = SeenNotification(
            tenant_id=connection.tenant_id,
            connection_id=connection.id,
            digest=digest,
            received_at=now,
        )
        try:
            with self._store.unit(TenantScope(connection.tenant_id)) as session:
                session.add(row)
                session.flush()
                session.execute(
                    delete(SeenNotification).where(
                        SeenNotification.connection_id == connection.id,
                        SeenNotification.received_at < now - KEPT,
                    )
                )
        except IntegrityError:
            # The same delivery arrived twice at once; both started the same reading,
            # of which the second joined the first.
            _LOG.info("notification for %s arrived twice at once", connection.id)


def _refusal(error: EntrepotError) -> int:
    """The status for a sender; never a reason, which would help a forger."""
    if isinstance(error, Rejected):
        return 403
    if isinstance(error, Unsupported | NotFound):
        return 404
    return 503
