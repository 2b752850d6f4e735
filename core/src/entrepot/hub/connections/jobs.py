"""Durable work around connections."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from entrepot.jobs.context import ONCE, JobContext
from entrepot.jobs.facade import Jobs
from entrepot.jobs.plain import JsonDict
from entrepot.jobs.queues import REQUESTED
from entrepot.jobs.registry import JobRegistry
from entrepot.jobs.submit import RunRef
from entrepot.sdk.errors import Unsupported
from entrepot.store import Actor, TenantScope, new_id
from entrepot.store.actor import system_actor

CHECK_CONNECTION = "check_connection"
REGISTER_NOTIFICATIONS = "register_notifications"
MIN_RENEWAL_SECONDS = 60.0


def register_jobs(registry: JobRegistry) -> None:
    """Make the jobs of this capability known."""

    @registry.job(CHECK_CONNECTION, queue="upkeep")
    def check_connection(ctx: JobContext, connection_id: str) -> JsonDict:
        ctx.progress(phase="checking", message="Asking the other side.")
        found: JsonDict = ctx.step(
            _check, ctx.hub, ctx.tenant_id, connection_id, retries=ONCE
        )
        return found

    @registry.job(
        REGISTER_NOTIFICATIONS, queue="upkeep", outage_delays=(60.0, 300.0, 1800.0)
    )
    def register_notifications(ctx: JobContext, connection_id: str) -> JsonDict:
        ctx.progress(phase="registering", message="Asking to be notified.")
        made: JsonDict = ctx.step(_register, ctx.hub, connection_id)
        if made["renew_before"] is not None:
            ctx.step(_renew_later, ctx, connection_id, made["renew_before"])
        return made


def submit_check(
    jobs: Jobs, actor: Actor, connection_id: str, cause: str = "button"
) -> RunRef:
    """Submit a check of one connection; a second request joins the running one.

    Raises:
        PermissionDenied: the actor may not check connections.
    """
    actor.require("connections:write")
    with jobs.store.unit(TenantScope(actor.tenant_id)) as session:
        return jobs.submit(
            session,
            CHECK_CONNECTION,
            run_id=new_id("check"),
            args={"connection_id": connection_id},
            priority=REQUESTED,
            exclusive=f"{connection_id}/check",
            connection_id=connection_id,
            subject=connection_id,
            requested_by=actor.name,
            cause=cause,
        )


def _register(hub: Any, connection_id: str) -> JsonDict:  # noqa: ANN401 - jobs know the hub as Any
    try:
        renew = hub.notifications.register(connection_id)
    except Unsupported as error:  # by this connection's settings; it is polled
        return {"renew_before": None, "unsupported": error.user_message}
    return {"renew_before": renew.isoformat() if renew else None}


def _renew_later(ctx: JobContext, connection_id: str, renew_before: str) -> JsonDict:
    """Submit the renewal for half of the remaining time; once per registration."""
    left = datetime.fromisoformat(renew_before) - ctx.hub.clock.now()
    delay = max(MIN_RENEWAL_SECONDS, left.total_seconds() / 2)
    with ctx.jobs.store.unit(TenantScope(ctx.tenant_id)) as session:
        ref = ctx.jobs.submit(
            session,
            REGISTER_NOTIFICATIONS,
            run_id=f"{REGISTER_NOTIFICATIONS}:{connection_id}:{renew_before}",
            args={"connection_id": connection_id},
            delay=delay,
            connection_id=connection_id,
            cause="renewal",
        )
    return {"run_id": ref.run_id}


def _check(hub: Any, tenant_id: str, connection_id: str) -> JsonDict:  # noqa: ANN401 - jobs know the hub as Any
    report = hub.connections.check(system_actor("check", tenant_id), connection_id)
    return {
        "state": report.connection.state,
        "account": report.connection.account_name,
        "error": report.error.code if report.error else None,
        "message": report.error.user_message if report.error else None,
    }
