"""What price lists say of offers, for subscriptions whose vendor names no price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from entrepot.hub.catalog.tables import Offer
from entrepot.hub.subscriptions.tables import SubscriptionRow

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Listed:
    """What an offer's price list says, per unit and billing cycle.

    Attributes:
        since: From when on the list holds; None = untold.
        metered: The price is one of what is used, not of what is bought.
    """

    unit_cost: Decimal | None = None
    list_price: Decimal | None = None
    currency: str = ""
    since: datetime | None = None
    metered: bool = False

    def cost_in(self, currency: str) -> Decimal | None:
        """Cost of a unit bought in a currency; None = none, metered, or another one."""
        fits = currency in ("", self.currency) and not self.metered
        return self.unit_cost if fits else None


PriceLists = dict[tuple[str, str], Listed]
"""Price lists by connection and offer key."""

NOT_LISTED = Listed()


def price_lists(
    session: Session, tenant_id: str, offers: Iterable[tuple[str, str]]
) -> PriceLists:
    """What the price lists of today say of offers.

    Args:
        session: In the reseller's scope.
        tenant_id: Whose.
        offers: Connection and key; an empty key stands for none.

    Returns:
        The lists of those that are known; nothing for the others.
    """
    wanted: dict[str, list[str]] = defaultdict(list)
    for connection, key in sorted(set(offers)):
        if key:
            wanted[connection].append(key)
    found: PriceLists = {}
    for connection, keys in wanted.items():
        for start in range(0, len(keys), _CHUNK):
            rows = session.execute(
                select(
                    Offer.vendor_id,
                    Offer.unit_cost,
                    Offer.list_price,
                    Offer.currency,
                    Offer.price_from,
                    Offer.is_usage,
                ).where(
                    Offer.tenant_id == tenant_id,
                    Offer.connection_id == connection,
                    Offer.vendor_id.in_(keys[start : start + _CHUNK]),
                )
            )
            for key, cost, price, currency, since, metered in rows:
                listed = Listed(cost, price, currency, since, metered)
                found[connection, key] = listed
    return found


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

    Of a query that joins offers outer by `is_offer_of`. The list counts where it has
    the subscription's currency, or the subscription has none, and what it prices is
    bought, not used.
    """
    row = SubscriptionRow
    same = or_(row.currency == "", row.currency == Offer.currency)
    fits = and_(same, Offer.is_usage.is_(False))
    return func.coalesce(row.unit_cost, case((fits, Offer.unit_cost)))


def listed_costs(
    session: Session, subscription_ids: Collection[str]
) -> dict[str, tuple[Decimal, str]]:
    """What units of subscriptions cost by their price lists.

    Args:
        session: In the reseller's scope.
        subscription_ids: Of subscriptions whose vendor names no price.

    Returns:
        Amount per unit and billing cycle with its currency, by subscription; nothing
        for those whose list is unknown or in another currency.
    """
    row, cost = SubscriptionRow, unit_cost()
    if not subscription_ids:
        return {}
    found = session.execute(
        select(row.id, cost, Offer.currency)
        .join(Offer, is_offer_of())
        .where(row.id.in_(subscription_ids))
    )
    return {
        key: (amount, currency) for key, amount, currency in found if amount is not None
    }
