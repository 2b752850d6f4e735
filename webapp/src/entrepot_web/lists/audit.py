"""Lists of the audit log and of durable work."""

from __future__ import annotations

from entrepot.jobs.tables import JobRun
from entrepot.jobs.views import STATES
from entrepot.store.audit_tables import AuditEntry, AuditPayload
from sqlalchemy import and_, select

from entrepot_web.criteria import Field
from entrepot_web.listing import Listing

AUDIT = Listing(
    name="audit-entries",
    base=select(
        AuditEntry.seq,
        AuditEntry.at,
        AuditEntry.actor_kind,
        AuditEntry.actor_id,
        AuditEntry.action,
        AuditEntry.subject_kind,
        AuditEntry.subject_id,
        AuditEntry.plugin,
        AuditEntry.hash,
        AuditPayload.document,
        AuditPayload.erased_at,
    ).outerjoin(
        AuditPayload,
        and_(
            AuditPayload.id == AuditEntry.payload_id,
            AuditPayload.tenant_id == AuditEntry.tenant_id,
        ),
    ),
    key=AuditEntry.seq,
    key_kind="number",
    fields={
        "seq": Field(AuditEntry.seq, "number"),
        "at": Field(AuditEntry.at, "moment"),
        "actor_id": Field(AuditEntry.actor_id),
        "action": Field(AuditEntry.action),
        "subject_kind": Field(AuditEntry.subject_kind),
        "subject_id": Field(AuditEntry.subject_id),
    },
    sorts=("seq",),
    default_sort="-seq",
)

OPERATIONS = Listing(
    name="operations",
    base=select(JobRun),
    key=JobRun.id,
    fields={
        "kind": Field(JobRun.kind),
        "state": Field(JobRun.state, "enum", STATES),
        "connection_id": Field(JobRun.connection_id, "id"),
        "subject": Field(JobRun.subject),
        "created_at": Field(JobRun.created_at, "moment"),
    },
    sorts=("created_at",),
    default_sort="-created_at",
)
