"""What every connection needs from time to time: a check, a renewed registration."""

from __future__ import annotations

from sqlalchemy.orm import Session

from entrepot.hub.connections.jobs import CHECK_CONNECTION, REGISTER_NOTIFICATIONS
from entrepot.hub.connections.views import ConnectionView
from entrepot.jobs.facade import Jobs
from entrepot.jobs.queues import REQUESTED
from entrepot.jobs.schedules import Schedule
from entrepot.plugins import Plugins
from entrepot.store.ids import new_id

CHECK_EVERY = 6 * 3600
REGISTER_EVERY = 12 * 3600
SYNC = "sync"
"""First part of the id of a connection's reading schedule, which sync puts."""


class ConnectionUpkeep:
    """Keeps the schedules of connections in step with the connections.

    Args:
        jobs: Durable work.
        plugins: The typed facade.
        public: Whether the hub has a public address; without one there is nothing
            to register.
    """

    def __init__(self, jobs: Jobs, plugins: Plugins, *, public: bool) -> None:
        self._jobs, self._plugins, self._public = jobs, plugins, public

    def added(self, session: Session, connection: ConnectionView) -> None:
        """Schedule a new connection's upkeep and register for notifications now."""
        jobs = {CHECK_CONNECTION: CHECK_EVERY}
        able = self._plugins.has(connection.plugin, "register_notifications")
        if able and self._public:
            jobs[REGISTER_NOTIFICATIONS] = REGISTER_EVERY
            self._jobs.submit(
                session,
                REGISTER_NOTIFICATIONS,
                run_id=f"{REGISTER_NOTIFICATIONS}:{connection.id}:{new_id('run')}",
                args={"connection_id": connection.id},
                priority=REQUESTED,
                connection_id=connection.id,
                subject=connection.name,
                cause="added",
            )
        for job, seconds in jobs.items():
            self._jobs.schedules.put(
                session,
                Schedule(
                    id=f"{job}:{connection.id}",
                    job=job,
                    tenant_id=connection.tenant_id,
                    args={"connection_id": connection.id},
                    connection_id=connection.id,
                    every_seconds=seconds,
                ),
            )

    def removed(self, session: Session, connection: ConnectionView) -> None:
        """Take a removed connection's schedules away."""
        for job in (CHECK_CONNECTION, REGISTER_NOTIFICATIONS, SYNC):
            self._jobs.schedules.remove(
                session, connection.tenant_id, f"{job}:{connection.id}"
            )
