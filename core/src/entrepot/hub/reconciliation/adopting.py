"""Taking up lines that already are what they should be, and what policy approves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.psa.tables import PsaLine
from entrepot.hub.reconciliation.changed import unsettle
from entrepot.hub.reconciliation.decisions import link_row
from entrepot.hub.reconciliation.rules.results import Do, Operation, Proposal


def adopt_matching(
    session: Session,
    tenant_id: str,
    psa_connection_id: str,
    proposals: Iterable[Proposal],
    now: datetime,
) -> int:
    """Link lines whose quantity and product are as expected; returns how many.

    Nothing is written to the PSA. Lines that differ in anything are linked together
    with their correction, by a person.
    """
    wanted = {
        operation.line: operation
        for proposal in proposals
        if proposal.automatic and not proposal.issues
        for operation in proposal.operations
        if operation.do is Do.ADOPT
    }
    if not wanted:
        return 0
    lines = session.scalars(
        select(PsaLine).where(
            PsaLine.tenant_id == tenant_id,
            PsaLine.connection_id == psa_connection_id,
            PsaLine.vendor_id.in_(sorted(wanted)),
            PsaLine.gone_at.is_(None),
        )
    ).all()
    for line in lines:
        link_line(
            session, tenant_id, psa_connection_id, line, wanted[line.vendor_id], now
        )
    companies = [line.company_vendor_id for line in lines]
    unsettle(session, tenant_id, psa_connection_id, companies)
    return len(lines)


def link_line(
    session: Session,
    tenant_id: str,
    psa_connection_id: str,
    line: PsaLine,
    operation: Operation,
    now: datetime,
) -> None:
    """Link one line to the subscriptions it stands for."""
    link = link_row(session, tenant_id, psa_connection_id, line, now)
    link.subscriptions = list(operation.subscriptions)
    link.state = "active"
    link.verified_at, link.verified_token = now, line.change_token
