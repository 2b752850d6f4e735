"""What differences were reckoned from: subscriptions, lines and agreements as read."""

from __future__ import annotations

from typing import Any

from entrepot.hub.catalog.price_lists import list_costs
from entrepot.hub.psa.tables import PsaAgreement, PsaLine
from entrepot.hub.reconciliation.views import IssueView
from entrepot.hub.subscriptions.tables import SubscriptionRow
from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot_web.context import actor, hub, scope
from entrepot_web.reseller.issue_words import Sources

MOST = 50


def sources_of(issue: IssueView, *, linked: bool = False) -> Sources:
    """Return the sources of a difference, at most fifty of a kind.

    Args:
        issue: The difference.
        linked: Whether to ask for the addresses of the lines in the PSA's console.
    """
    with hub().store.read(scope()) as session:
        subscriptions = _picked(
            session, SubscriptionRow, SubscriptionRow.id, issue.subscriptions
        )
        of_psa = PsaLine.connection_id == issue.psa_connection_id
        lines = _picked(session, PsaLine, PsaLine.vendor_id, issue.lines, of_psa)
        agreement = session.scalars(
            select(PsaAgreement).where(
                PsaAgreement.connection_id == issue.psa_connection_id,
                PsaAgreement.vendor_id == issue.agreement_id.removeprefix("family:"),
            )
        ).first()
        costs = list_costs(session, subscriptions)
        session.expunge_all()
    consoles = {}
    if linked:
        for line in lines:
            found = hub().links.find(
                actor(),
                issue.psa_connection_id,
                "line",
                line.vendor_id,
                line.agreement_vendor_id,
            )
            if found:
                consoles[line.vendor_id] = found
    return Sources(
        subscriptions=subscriptions,
        lines=lines,
        agreement=agreement,
        consoles=consoles,
        costs=costs,
    )


def _picked(
    session: Session,
    table: Any,  # noqa: ANN401 - a mapped class
    column: Any,  # noqa: ANN401 - its column
    ids: tuple[str, ...],
    *where: Any,  # noqa: ANN401 - SQL
) -> list[Any]:
    if not ids:
        return []
    query = select(table).where(column.in_(ids[:MOST]), *where).order_by(column)
    return list(session.scalars(query))
