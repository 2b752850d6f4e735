"""What happened to entitlements, as orders the vendor reports (§2.8, §3.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from entrepot.sdk.model import OrderStatus, VendorOrder, VendorOrderLine

from entrepot_google.mapping import offers
from entrepot_google.mapping.entitlements import Seats
from entrepot_google.mapping.spelling import (
    customer_of,
    last_part,
    moment,
    subscription_id,
)
from entrepot_google.wire import catalogue, channel

_CANCELLED = 1  # canonical code of an operation that was cancelled (§2.6)


def order_of_change(
    found: channel.EntitlementChangeWire,
    known: Mapping[str, catalogue.OfferWire],
) -> VendorOrder:
    """One entry of the history; the vendor numbers them not at all.

    What makes an entry unique is its entitlement, moment and kind.
    """
    parts = (found.entitlement, found.create_time, found.change_type)
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
    reason = (
        found.suspension_reason
        or found.cancellation_reason
        or found.activation_reason
        or found.other_change_reason
    )
    facts = {
        "operator": found.operator,
        "operator_type": found.operator_type,
        "reason": reason,
    }
    return VendorOrder(
        vendor_id=f"change-{digest}",
        customer_id=customer_of(found.entitlement),
        status=OrderStatus.COMPLETED,
        vendor_status=found.change_type,
        created_at=moment(found.create_time),
        lines=(_line(found, known.get(found.offer)),),
        attributes={name: value for name, value in facts.items() if value},
    )


def _line(
    found: channel.EntitlementChangeWire, bought: catalogue.OfferWire | None
) -> VendorOrderLine:
    service = found.provisioned_service or channel.ProvisionedService()
    seats = Seats.of(
        channel.EntitlementWire(name=found.entitlement, parameters=found.parameters)
    )
    plan = offers.plan_of(bought) if bought else ""
    given = f"{service.product_id}/{service.sku_id}"
    return VendorOrderLine(
        sku=offers.sku_of(bought) if bought else given,
        name=(offers.name_of(bought) if bought else "") or service.sku_id,
        quantity=seats.billed(plan),
        subscription_id=subscription_id(found.entitlement),
        status=OrderStatus.COMPLETED,
    )


def order_of_operation(found: channel.OperationWire) -> VendorOrder | None:
    """A long-running operation; None when it does not tell whose it is.

    It is placed only once it is done without an error: a first answer of 200 says
    nothing (T1). Its error code is canonical, not HTTP.
    """
    made = _result(found)
    customer = customer_of(made.name)
    metadata = found.metadata or channel.OperationMetadata()
    if not customer:
        return None
    facts = {"error": found.error.message if found.error else ""}
    return VendorOrder(
        vendor_id=last_part(found.name),
        customer_id=customer,
        status=_status(found),
        vendor_status=metadata.operation_type,
        created_at=moment(made.create_time),
        attributes={name: value for name, value in facts.items() if value},
    )


def _status(found: channel.OperationWire) -> OrderStatus:
    if not found.done:
        return OrderStatus.PENDING
    if found.error is None:
        return OrderStatus.COMPLETED
    cancelled = found.error.code == _CANCELLED
    return OrderStatus.CANCELLED if cancelled else OrderStatus.REJECTED


def _result(found: channel.OperationWire) -> channel.EntitlementWire:
    try:
        return channel.ENTITLEMENT.decode(bytes(found.response) or b'{"name":""}')
    except msgspec.MsgspecError:
        return channel.EntitlementWire(name="")
