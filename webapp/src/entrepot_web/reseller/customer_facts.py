"""What the pages of one customer tell: figures, alerts, when it was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from entrepot.hub.catalog.price_lists import is_offer_of, unit_cost
from entrepot.hub.catalog.tables import Offer
from entrepot.hub.charges.tables import ChargeRow
from entrepot.hub.connections.views import ConnectionName
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping.tables import CustomerMap
from entrepot.hub.psa.tables import PsaCompany
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.hub.sync.tables import SyncScope
from flask_babel import gettext
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

SOON = timedelta(days=30)
_CENT = Decimal("0.01")
MONTHS = {"monthly": 1, "quarterly": 3, "annual": 12, "triennial": 36}
"""Months of a billing cycle; what is billed otherwise has no cost a month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a customer's books add up to.

    Attributes:
        assigned: Units in use, or None where no vendor tells it.
        told: Of those bought, units of which the vendor tells how many are in use.
    """

    active: int
    total: int
    bought: Decimal
    told: Decimal
    assigned: Decimal | None
    renewing: int
    suspended: int


@dataclass(frozen=True, slots=True)
class Costs:
    """What subscriptions cost a month.

    Attributes:
        amounts: (currency, amount), the largest first; empty when no price is known.
        unpriced: Subscriptions that have no fixed price: by usage, or untold.
    """

    amounts: tuple[tuple[str, Decimal], ...]
    unpriced: int


@dataclass(frozen=True, slots=True)
class Company:
    """A company of a PSA that a customer is billed as."""

    connection_id: str
    name: str


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
            func.sum(row.quantity).filter(live, row.assigned.is_not(None)),
            func.count().filter(renewing),
            func.count().filter(row.status == "suspended"),
        )
        .join(CustomerAccount, CustomerAccount.id == row.account_id)
        .where(CustomerAccount.customer_id == customer_id, row.gone_at.is_(None))
    ).one()
    active, total, bought, assigned, told, renewed, suspended = found
    return Figures(
        active=active,
        total=total,
        bought=bought or Decimal(0),
        told=told or Decimal(0),
        assigned=assigned,
        renewing=renewed,
        suspended=suspended,
    )


def costs(session: Session, customer_id: str) -> Costs:
    """Return what a customer's active subscriptions that are billed cost a month.

    What a vendor names no price for costs what its price list says. Currencies are
    never added up; the largest amount comes first.
    """
    row = SubscriptionRow
    paid_in = func.coalesce(func.nullif(row.currency, ""), Offer.currency, "")
    found = session.execute(
        select(
            paid_in.label("paid_in"),
            row.billing_cycle,
            unit_cost().label("each_costs"),
            func.sum(row.quantity),
            func.count(),
        )
        .join(CustomerAccount, CustomerAccount.id == row.account_id)
        .outerjoin(Offer, is_offer_of())
        .where(
            CustomerAccount.customer_id == customer_id,
            row.gone_at.is_(None),
            row.status == "active",
            row.billed.is_(True),
        )
        .group_by("paid_in", row.billing_cycle, "each_costs")
    )
    # Here, not in the database: a price times a quantity outgrows its integers.
    summed: dict[str, Decimal] = {}
    unpriced = 0
    for currency, cycle, each, quantity, count in found:
        if each is None or cycle not in MONTHS:
            unpriced += count
            continue
        cost = each * quantity / MONTHS[cycle]
        summed[currency] = summed.get(currency, Decimal(0)) + cost
    amounts = [(key, cost.quantize(_CENT)) for key, cost in summed.items()]
    return Costs(tuple(sorted(amounts, key=lambda one: (-one[1], one[0]))), unpriced)


def next_renewal(
    session: Session, customer_id: str, now: datetime
) -> SubscriptionRow | None:
    """Return the active subscription whose term ends next, or None."""
    row = SubscriptionRow
    return session.scalars(
        select(row)
        .join(CustomerAccount, CustomerAccount.id == row.account_id)
        .where(
            CustomerAccount.customer_id == customer_id,
            row.gone_at.is_(None),
            row.status == "active",
            row.term_end >= now,
        )
        .order_by(row.term_end, row.id)
        .limit(1)
    ).first()


def companies(session: Session, account_ids: Sequence[str]) -> list[Company]:
    """Return the PSA's companies that accounts are billed as, by name."""
    found = session.execute(
        select(PsaCompany.connection_id, PsaCompany.name)
        .join(
            CustomerMap,
            and_(
                CustomerMap.tenant_id == PsaCompany.tenant_id,
                CustomerMap.psa_connection_id == PsaCompany.connection_id,
                CustomerMap.psa_company_id == PsaCompany.vendor_id,
            ),
        )
        .where(
            CustomerMap.account_id.in_(account_ids),
            CustomerMap.status == "confirmed",
        )
        .distinct()
        .order_by(PsaCompany.name)
        .limit(3)
    )
    return [Company(*one) for one in found]


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


def standing(connections: Iterable[ConnectionName]) -> list[Alert]:
    """Return an alert for each of a customer's connections that is not read now."""
    texts = {
        "parked": (
            gettext("%(name)s stands still"),
            gettext("Nothing is read from it until somebody puts it right."),
        ),
        "paused": (
            gettext("%(name)s is paused"),
            gettext("Nothing is read from it meanwhile."),
        ),
    }
    return [
        Alert(
            tone="warn",
            title=texts[one.state][0] % {"name": one.name},
            text=texts[one.state][1],
            href=f"/connections/{one.id}",
        )
        for one in connections
        if one.state in texts
    ]


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
            title=gettext("%(name)s is missing at the vendor", name=name),
            text=gettext(
                "The last complete read did not list it. A second one decides."
            ),
            href=href,
        )
    if row.status == "suspended":
        return Alert(
            tone="info",
            title=gettext("%(name)s is suspended", name=name),
            text=gettext("Most vendors bill it all the same."),
            href=href,
        )
    days = (row.term_end - now).days if row.term_end else 0
    return Alert(
        tone="warn",
        title=gettext("%(name)s ends in %(days)s d", name=name, days=days),
        text=gettext("It does not renew by itself."),
        href=href,
    )
