"""What people charged or credited by hand for a closed period."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from entrepot.hub.reconciliation.rules.kinds import Kind
from entrepot.hub.reconciliation.rules.lifecycle import State
from entrepot.hub.reconciliation.tables import GapLedger, ReconIssue
from entrepot.sdk.errors import Rejected
from entrepot.store import Actor, new_id


def settle(
    session: Session,
    actor: Actor,
    row: ReconIssue,
    reason: str,
    line_id: str,
    now: datetime,
) -> dict[str, Any]:
    """Enter a closed period's difference in the ledger; the next look proves it gone.

    Returns:
        What was entered, as texts.

    Raises:
        Rejected: It is no difference of a closed period.
    """
    if row.kind != Kind.PERIOD_GAP:
        raise Rejected(
            "no_closed_period",
            "Only the difference of a closed period can be settled.",
            field="resolution",
            remedy="Correct the PSA by a plan, or ignore the difference.",
        )
    entry = GapLedger(
        id=new_id("gap"),
        tenant_id=row.tenant_id,
        psa_connection_id=row.psa_connection_id,
        company_id=row.company_id,
        agreement_id=row.agreement_id,
        product_id=row.product_id,
        period_start=date.fromisoformat(row.subject),
        unit_days=Decimal(row.actual["unit_days"]),
        amount=row.impact_once or Decimal(0),
        currency=row.currency,
        line_id=line_id,
        issue_id=row.id,
        settled_by=actor.name,
        settled_at=now,
        reason=reason,
    )
    session.add(entry)
    row.state, row.version = State.VERIFYING, row.version + 1
    return {
        "entry": entry.id,
        "period": row.subject,
        "unit_days": str(entry.unit_days),
        "amount": str(entry.amount),
        "line": line_id,
    }
