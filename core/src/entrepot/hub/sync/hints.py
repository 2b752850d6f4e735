"""Whether the notification about one customer rides along with a running crawl."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.sync.tables import SyncRun
from entrepot.jobs.tables import JobRun

FULL = "full"
SHORT = timedelta(minutes=1)
"""A crawl that took no longer the last time takes notifications along."""


def rides_along(session: Session, tenant_id: str, connection_id: str, key: str) -> bool:
    """Whether a crawl is active that reads a hint's customer before it closes, soon.

    Several triggers at once then cause one run. Behind a long crawl a hint would wait
    too long; it starts a run of its own. The crawl can't close before the caller's
    unit ends.

    Args:
        session: Of the unit that submits.
        tenant_id: The reseller.
        connection_id: Which connection.
        key: The exclusive key of the connection's crawls.
    """
    active = session.execute(
        select(JobRun.args)
        .where(
            JobRun.tenant_id == tenant_id,
            JobRun.exclusive_key == key,
            JobRun.ended_at.is_(None),
        )
        .with_for_update()
    ).scalar_one_or_none()
    if active is None:
        return False
    mode = active.get("mode", "")
    last = session.execute(
        select(SyncRun.started_at, SyncRun.ended_at)
        .where(
            SyncRun.tenant_id == tenant_id,
            SyncRun.connection_id == connection_id,
            SyncRun.mode.in_({mode, FULL}),
            SyncRun.state.in_(("complete", "incomplete")),
        )
        # Reading what changed takes no longer than reading everything.
        .order_by((SyncRun.mode == mode).desc(), SyncRun.created_at.desc())
        .limit(1)
    ).first()
    if last is None or last.started_at is None or last.ended_at is None:
        return False
    return bool(last.ended_at - last.started_at <= SHORT)
