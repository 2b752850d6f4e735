"""What the pages of one customer tell: figures, alerts, when it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from entrepot.hub.charges.tables import ChargeRow
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.hub.sync.tables import SyncScope
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a customer's books add up to."""

    active: int
    total: int
    bought: Decimal
    assigned: Decimal | None
    renewing: int
    suspended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """When a vendor was read to its end for one customer; None = never.

    Attributes:
        every: Seconds between two reads of changes; None when nothing is read by
            itself, or the person may not know.
    """

    connection_id: str
    read_at: datetime | None
    complete: bool
    every: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something a person should look at."""

    tone: str
    title: str
    text: str
    href: str


def figures(session: Session, customer_id: str, now: datetime) -> Figures:
    """Return a customer's figures, counted in the database."""
    row = SubscriptionRow
    live = row.status == "active"
    soon = and_(row.term_end >= now, row.term_end < now + SOON)
    renewing = and_(live, row.auto_renew.is_(True), soon)
    found = session.execute(
        select(
            func.count().filter(live),
            func.count(),
            func.sum(row.quantity).filter(live),
            func.sum(row.assigned).filter(live),
            func.count().filter(renewing),
            func.count().filter(row.status == "suspended"),
        )
        .join(CustomerAccount, CustomerAccount.id == row.account_id)
        .where(CustomerAccount.customer_id == customer_id, row.gone_at.is_(None))
    ).one()
    active, total, bought, assigned, renewed, suspended = found
    return Figures(
        active=active,
        total=total,
        bought=bought or Decimal(0),
        assigned=assigned,
        renewing=renewed,
        suspended=suspended,
    )


def alerts(session: Session, customer_id: str, now: datetime) -> list[Alert]:
    """Return what needs a look: what is missing, what ends, what stands still."""
    row = SubscriptionRow
    found = session.scalars(
        select(row)
        .join(CustomerAccount, CustomerAccount.id == row.account_id)
        .where(
            CustomerAccount.customer_id == customer_id,
            row.gone_at.is_(None),
            (row.missing_since.is_not(None))
            | (row.status == "suspended")
            | and_(
                row.status == "active",
                row.auto_renew.is_(False),
                row.term_end >= now,
                row.term_end < now + SOON,
            ),
        )
        .order_by(row.term_end, row.id)
        .limit(5)
    )
    return [_alert(item, now) for item in found]


def sources(
    session: Session, customer_id: str, every: Mapping[str, int]
) -> list[Source]:
    """Return when each vendor was last read for a customer, in order of accounts.

    Args:
        session: The reseller's.
        customer_id: Whose.
        every: Seconds between two reads, by connection.
    """
    scope = SyncScope
    found = session.execute(
        select(
            CustomerAccount.connection_id,
            func.min(scope.complete_at),
            func.count().filter(scope.complete.is_(False)),
        )
        .outerjoin(
            scope,
            and_(
                scope.connection_id == CustomerAccount.connection_id,
                scope.tenant_id == CustomerAccount.tenant_id,
                scope.stream == "subscriptions",
                scope.scope.in_(("", CustomerAccount.vendor_id)),
            ),
        )
        .where(CustomerAccount.customer_id == customer_id)
        .group_by(CustomerAccount.connection_id)
        .order_by(CustomerAccount.connection_id)
    )
    return [
        Source(
            connection_id=key,
            read_at=at,
            complete=at is not None and not missing,
            every=every.get(key),
        )
        for key, at, missing in found
    ]


def sums(session: Session, customer_id: str) -> list[Any]:
    """Return a customer's charges by month and currency, newest first; never netted."""
    row = ChargeRow
    credit = row.amount < Decimal(0)
    return list(
        session.execute(
            select(
                row.month,
                row.currency,
                func.sum(row.amount).filter(~credit).label("charged"),
                func.sum(row.amount).filter(credit).label("credited"),
                func.count().label("lines"),
            )
            .join(
                CustomerAccount,
                and_(
                    CustomerAccount.connection_id == row.connection_id,
                    CustomerAccount.vendor_id == row.customer_vendor_id,
                    CustomerAccount.tenant_id == row.tenant_id,
                ),
            )
            .where(CustomerAccount.customer_id == customer_id, row.gone_at.is_(None))
            .group_by(row.month, row.currency)
            .order_by(row.month.desc(), row.currency)
            .limit(12)
        )
    )


def _alert(row: SubscriptionRow, now: datetime) -> Alert:
    name, href = row.friendly_name or row.name, f"/subscriptions/{row.id}"
    if row.missing_since is not None:
        return Alert(
            tone="warn",
            title=f"{name} is missing at the vendor",
            text="The last complete read did not list it. A second one decides.",
            href=href,
        )
    if row.status == "suspended":
        return Alert(
            tone="info",
            title=f"{name} is suspended",
            text="Most vendors bill it all the same.",
            href=href,
        )
    days = (row.term_end - now).days if row.term_end else 0
    return Alert(
        tone="warn",
        title=f"{name} ends in {days} d",
        text="It does not renew by itself.",
        href=href,
    )
