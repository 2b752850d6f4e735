"""What price lists say of subscriptions whose vendor names no price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from entrepot.hub.catalog.tables import Offer
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.hub.sync.driver import among


class ListCost(NamedTuple):
    """What a unit costs per billing cycle by the price list of today.

    Attributes:
        since: From when on the list holds; None = untold.
    """

    amount: Decimal
    currency: str
    since: datetime | None


def is_offer_of() -> ColumnElement[bool]:
    """The condition that joins offers to subscriptions."""
    row = SubscriptionRow
    return (
        (Offer.tenant_id == row.tenant_id)
        & (Offer.connection_id == row.connection_id)
        & (Offer.vendor_id == row.offer_key)
    )


def unit_cost() -> ColumnElement[Decimal | None]:
    """A subscription's cost: the vendor's own word, else the price list's.

    Of a query that joins offers by `is_offer_of`. The list counts where it has the
    subscription's currency, or the subscription has none, and what it prices is
    bought, not used.
    """
    row = SubscriptionRow
    same = or_(row.currency == "", row.currency == Offer.currency)
    fits = and_(same, Offer.is_usage.is_(False))
    return func.coalesce(row.unit_cost, case((fits, Offer.unit_cost)))


def list_costs(
    session: Session, rows: Sequence[SubscriptionRow]
) -> dict[str, ListCost]:
    """What subscriptions cost whose vendor names no price, by their ids.

    Args:
        session: In the reseller's scope.
        rows: Subscriptions, or what has their `id` and `unit_cost`; those with a price
            of their own are passed over.

    Returns:
        Nothing for those whose list is unknown, metered or in another currency.
    """
    untold = [row.id for row in rows if row.unit_cost is None]
    if not untold:
        return {}
    own, cost = SubscriptionRow.id.expression, unit_cost()
    found = session.execute(
        select(own, cost.label("cost"), Offer.currency, Offer.price_from)
        .join(Offer, is_offer_of())
        .where(among(session.connection(), own, untold), cost.is_not(None))
    )
    return {one.id: ListCost(one.cost, one.currency, one.price_from) for one in found}
