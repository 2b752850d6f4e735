"""What removing a connection means for customers, subscriptions and their mapping."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping.tables import CustomerMap, ProductMap
from entrepot.hub.subscriptions.tables import SubscriptionRow


def consequences(session: Session, connection_id: str) -> Iterator[str]:
    """Sentences with figures, for the person who decides."""
    accounts = _count(
        session, CustomerAccount, CustomerAccount.connection_id == connection_id
    )
    bought = _count(
        session,
        SubscriptionRow,
        SubscriptionRow.connection_id == connection_id,
        SubscriptionRow.status != "ended",
    )
    if accounts or bought:
        yield (
            f"{accounts:,} customers with {bought:,} subscriptions were read through "
            "it. They stay, marked as no longer kept up to date."
        )
    customers, products = _mapped(session, connection_id)
    if customers or products:
        yield (
            f"The mapping of {customers:,} customers and {products:,} products goes "
            "unused; nothing of it is compared with the PSA any more."
        )


def _mapped(session: Session, connection_id: str) -> tuple[int, int]:
    counts = [
        _count(
            session,
            table,
            or_(
                table.psa_connection_id == connection_id,
                table.vendor_connection_id == connection_id,
            ),
            table.status == "confirmed",
        )
        for table in (CustomerMap, ProductMap)
    ]
    return counts[0], counts[1]


def _count(session: Session, table: Any, *where: Any) -> int:  # noqa: ANN401 - SQL
    query = select(func.count()).select_from(table).where(*where)
    return int(session.scalar(query) or 0)
