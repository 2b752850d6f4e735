"""Lists of sync runs and of the audit log."""

from __future__ import annotations

from entrepot.hub.sync.tables import SyncRun
from sqlalchemy import select

from entrepot_web.criteria import Field
from entrepot_web.listing import Listing, columns_of

STATES = ("queued", "running", "complete", "incomplete", "failed", "cancelled")
MODES = ("full", "incremental", "customer")

SYNC_RUNS = Listing(
    name="sync-runs",
    base=select(*columns_of(SyncRun)),
    key=SyncRun.id,
    fields={
        "id": Field(SyncRun.id, "text"),
        "connection_id": Field(SyncRun.connection_id, "id"),
        "state": Field(SyncRun.state, "enum", STATES),
        "mode": Field(SyncRun.mode, "enum", MODES),
        "subject": Field(SyncRun.subject),
        "cause": Field(SyncRun.cause),
        "created_at": Field(SyncRun.created_at, "moment"),
    },
    sorts=("created_at",),
    default_sort="-created_at",
)
