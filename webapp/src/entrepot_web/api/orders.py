"""Orders as vendors report them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from entrepot_web.api import lists
from entrepot_web.api.frame import Answer, Operation, Resource
from entrepot_web.api.shapes import ExternalId, Moment, Page, Shape
from entrepot_web.lists.orders import ORDERS

orders = Resource("orders", "Orders as vendors report them.")


class OrderShape(Shape, frozen=True, kw_only=True):
    """An order with its items.

    Attributes:
        ordered_by: Who placed it, where the vendor tells; else empty.
        lines: Its items; amounts are text.
    """

    id: str
    connection_id: str
    customer_id: str | None
    customer_name: str | None
    external_ids: list[ExternalId]
    status: str
    vendor_status: str
    reference: str
    ordered_by: str
    ordered_at: Moment | None
    lines: list[dict[str, Any]]
    known_at: Moment


@orders.operation(
    "GET",
    "/orders",
    Operation(
        permission="subscriptions:read", returns=Page[OrderShape], listing=ORDERS
    ),
)
def list_orders() -> Answer:
    """List orders, newest first."""
    return lists.page(ORDERS, _views)


def _views(_session: Session, rows: Sequence[Any]) -> list[OrderShape]:
    return [
        OrderShape(
            id=row.id,
            connection_id=row.connection_id,
            customer_id=row.customer_id,
            customer_name=row.customer_name,
            external_ids=[
                ExternalId(system=row.connection_id, type="order", value=row.vendor_id)
            ],
            status=row.status,
            vendor_status=row.vendor_status,
            reference=row.reference,
            ordered_by=row.attributes.get("operator", ""),
            ordered_at=row.ordered_at,
            lines=row.lines,
            known_at=row.known_at,
        )
        for row in rows
    ]
