"""The audit log, read only."""

from __future__ import annotations

from typing import Any

from entrepot_web.api import lists
from entrepot_web.api.frame import Answer, Operation, Resource
from entrepot_web.api.shapes import Moment, Page, Shape
from entrepot_web.lists.audit import AUDIT

audit_log = Resource("audit", "Who changed what, when and why.")


class AuditEntryView(Shape, frozen=True, kw_only=True):
    """One link of the chain.

    Attributes:
        payload: Names, reason, values before and after; None once erased.
    """

    seq: int
    at: Moment
    actor_kind: str
    actor_id: str
    action: str
    subject_kind: str
    subject_id: str
    plugin: str | None
    payload: dict[str, Any] | None
    erased_at: Moment | None
    hash: str


@audit_log.operation(
    "GET",
    "/audit-entries",
    Operation(permission="audit:read", returns=Page[AuditEntryView], listing=AUDIT),
)
def list_audit_entries() -> Answer:
    """List audit entries, newest first."""
    return lists.page(AUDIT, lambda _, rows: [_view(row) for row in rows])


def _view(row: Any) -> AuditEntryView:  # noqa: ANN401 - a row of the list
    return AuditEntryView(
        seq=row.seq,
        at=row.at,
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        action=row.action,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        plugin=row.plugin,
        payload=row.document,
        erased_at=row.erased_at,
        hash=row.hash,
    )
