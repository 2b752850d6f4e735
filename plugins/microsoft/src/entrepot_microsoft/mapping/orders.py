"""Orders as the vendor reports them (reference §4.3, §8.2; pure)."""

from __future__ import annotations

from decimal import Decimal

from entrepot.sdk.model import OrderStatus, VendorOrder, VendorOrderLine

import entrepot_microsoft.wire as wire
from entrepot_microsoft.mapping.spelling import (
    catalogue_key,
    cycle,
    moment,
    term,
    word,
)

_ORDER_STATUS = {
    "pending": OrderStatus.PENDING,
    "pendingreview": OrderStatus.PENDING,
    "pendingpoupload": OrderStatus.PENDING,
    "pouploadcomplete": OrderStatus.PENDING,
    "suspended": OrderStatus.PENDING,
    "completed": OrderStatus.COMPLETED,
    "partialsuccess": OrderStatus.COMPLETED,
    "cancelled": OrderStatus.CANCELLED,
    "poreviewrejected": OrderStatus.REJECTED,
    "error": OrderStatus.REJECTED,
}


def order(found: wire.OrderWire, customer_id: str) -> VendorOrder:
    """An order as the vendor reports it (§8.2)."""
    lines = found.line_items or []
    return VendorOrder(
        vendor_id=found.id,
        customer_id=customer_id.lower(),
        status=_ORDER_STATUS.get(word(found.status), OrderStatus.UNKNOWN),
        vendor_status=found.status or "",
        created_at=moment(found.creation_date),
        lines=tuple(_order_line(line, found) for line in lines),
        attributes={"transaction_type": found.transaction_type or ""},
    )


def _line_status(line: wire.OrderLineWire, found: wire.OrderWire) -> OrderStatus | None:
    """The line's own state: it has a subscription once it is provisioned (§4.3, §8.2).

    Of an order that only partly succeeded the lines without one failed.
    """
    told = word(found.status)
    if told not in ("completed", "partialsuccess", "pending"):
        return _ORDER_STATUS.get(told)
    if line.subscription_id:
        return OrderStatus.COMPLETED
    return OrderStatus.REJECTED if told == "partialsuccess" else OrderStatus.PENDING


def _order_line(line: wire.OrderLineWire, found: wire.OrderWire) -> VendorOrderLine:
    price: Decimal | None = line.pricing.price if line.pricing else None
    return VendorOrderLine(
        sku=catalogue_key(line.offer_id),
        name=line.friendly_name or "",
        quantity=line.quantity,
        term=term(line.term_duration),
        billing_cycle=cycle(found.billing_cycle),
        unit_price=price,
        currency=found.currency_code or "",
        subscription_id=(line.subscription_id or "").lower(),
        status=_line_status(line, found),
    )
