"""Offers: what can be bought where, and at what price."""

from __future__ import annotations

from typing import Any

from entrepot.hub.catalog.tables import Offer

from entrepot_web.api import lists
from entrepot_web.api.frame import Answer, Operation, Resource
from entrepot_web.api.problem import not_found
from entrepot_web.api.shapes import Amount, Moment, MoneyShape, Page, Shape, money
from entrepot_web.context import hub, scope
from entrepot_web.lists.subscriptions import OFFERS

offers = Resource("offers", "What the vendors offer.")


class OfferView(Shape, frozen=True, kw_only=True):
    """One way to buy one product at one connection."""

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
    unit: str
    unit_cost: MoneyShape | None
    list_price: MoneyShape | None
    min_quantity: Amount
    max_quantity: Amount | None
    is_trial: bool
    is_addon: bool
    is_usage: bool
    purchasable: bool
    publisher: str
    part_numbers: list[str]
    known_at: Moment
    gone_at: Moment | None


@offers.operation(
    "GET",
    "/offers",
    Operation(permission="offers:read", returns=Page[OfferView], listing=OFFERS),
)
def list_offers() -> Answer:
    """List offers."""
    return lists.page(OFFERS, lambda _, rows: [_view(row) for row in rows])


@offers.operation(
    "GET",
    "/offers/<string:offer_id>",
    Operation(permission="offers:read", returns=OfferView, errors=(404,)),
)
def get_offer(offer_id: str) -> OfferView:
    """Read one offer."""
    with hub().store.read(scope()) as session:
        row = session.execute(OFFERS.base.where(Offer.id == offer_id)).one_or_none()
    if row is None:
        raise not_found("offer", offer_id)
    return _view(row)


def _view(row: Any) -> OfferView:  # noqa: ANN401 - a row of the list
    return OfferView(
        id=row.id,
        connection_id=row.connection_id,
        vendor_id=row.vendor_id,
        product_id=row.product_id,
        sku=row.sku,
        name=row.name,
        description=row.description,
        term=row.term,
        billing_cycle=row.billing_cycle,
        segment=row.segment,
        market=row.market,
        unit=row.unit,
        unit_cost=money(row.unit_cost, row.currency),
        list_price=money(row.list_price, row.currency),
        min_quantity=row.min_quantity,
        max_quantity=row.max_quantity,
        is_trial=row.is_trial,
        is_addon=row.is_addon,
        is_usage=row.is_usage,
        purchasable=row.purchasable,
        publisher=row.publisher,
        part_numbers=row.part_numbers,
        known_at=row.known_at,
        gone_at=row.gone_at,
    )
