"""Offers of all vendor connections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from entrepot.hub.catalog.tables import Offer
from entrepot.hub.paging import Slice, after, cut, limited
from entrepot.sdk.errors import NotFound
from entrepot.store.actor import Actor
from entrepot.store.scope import TenantScope
from entrepot.store.search import contains
from entrepot.store.unit import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView:
    """An offer as it is known now; prices per unit and billing cycle."""

    id: str
    connection_id: str
    vendor_id: str
    product_id: str
    sku: str
    name: str
    description: str
    term: str
    billing_cycle: str
    segment: str
    market: str
    currency: str
    unit_cost: Decimal | None
    list_price: Decimal | None
    min_quantity: Decimal
    max_quantity: Decimal | None
    unit: str
    is_trial: bool
    is_addon: bool
    is_usage: bool
    purchasable: bool
    publisher: str
    price_from: datetime | None
    price_to: datetime | None
    known_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferQuery:
    """What a list of offers shall hold; None or empty = any."""

    connection_id: str | None = None
    sku: str | None = None
    text: str = ""
    last: tuple[Any, ...] | None = None
    limit: int = 50


class CatalogService:
    """Use cases of offers.

    Args:
        store: The hub's database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self, actor: Actor, query: OfferQuery) -> Slice[OfferView]:
        """Offers in the order of connection and key.

        Raises:
            PermissionDenied: Without ``offers:read``.
        """
        actor.require("offers:read")
        wanted = select(Offer).where(
            Offer.tenant_id == actor.tenant_id, Offer.gone_at.is_(None)
        )
        if query.connection_id is not None:
            wanted = wanted.where(Offer.connection_id == query.connection_id)
        if query.sku is not None:
            wanted = wanted.where(Offer.sku == query.sku)
        if query.text:
            pattern = contains(query.text.casefold())
            wanted = wanted.where(func.lower(Offer.name).like(pattern, escape="\\"))
        wanted = after(wanted, (Offer.connection_id, Offer.vendor_id), query.last)
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            rows = session.scalars(wanted.limit(limited(query.limit))).all()
        return cut(
            [_view(row) for row in rows],
            query.limit,
            lambda item: (item.connection_id, item.vendor_id),
        )

    def get(self, actor: Actor, offer_id: str) -> OfferView:
        """One offer.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require("offers:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            row = session.scalars(select(Offer).where(Offer.id == offer_id)).first()
        if row is None:
            raise NotFound("no_such_offer", "There is no such offer.")
        return _view(row)


def _view(row: Offer) -> OfferView:
    return OfferView(**{name: getattr(row, name) for name in OfferView.__slots__})
