"""Daily rated usage of the billing export (reference §6.1, §6.2; pure)."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal

import msgspec
from entrepot.sdk.model import Money, UsageLine

from entrepot_microsoft.mapping.charges import digits, guid
from entrepot_microsoft.mapping.spelling import moment
from entrepot_microsoft.wire_export import USAGE, UsageWire

# What tells lines apart and stays from the first estimate to the invoice: amounts,
# rates and the invoice's number change by nature.
_IDENTITY = (
    "usage_date",
    "customer_id",
    "subscription_id",
    "entitlement_id",
    "product_id",
    "sku_id",
    "meter_id",
    "meter_region",
    "resource_group",
    "resource_uri",
    "charge_type",
    "unit",
    "benefit_type",
    "tags",
    "service_info1",
    "service_info2",
    "additional_info",
)
_SHOWN = (
    "entitlement_id",
    "entitlement_description",
    "meter_id",
    "meter_type",
    "meter_category",
    "meter_sub_category",
    "meter_region",
    "consumed_service",
    "resource_group",
    "resource_location",
    "charge_type",
    "credit_type",
    "benefit_type",
    "tags",
)
_DAY = timedelta(days=1)


def read(line: bytes) -> UsageWire | None:
    """A line of the export; None when it is no usage."""
    try:
        return USAGE.decode(line)
    except msgspec.MsgspecError:
        return None


def digest(line: bytes) -> bytes:
    """What identifies a line, 12 bytes; of the whole line when it is no usage."""
    found = read(line)
    named = line
    if found is not None:
        parts = (str(getattr(found, name)).strip().lower() for name in _IDENTITY)
        named = "\x1f".join(parts).encode()
    return hashlib.sha256(named).digest()[:12]


def usage(
    found: UsageWire, mark: bytes, occurrence: int, source: str, *, estimated: bool
) -> UsageLine | None:
    """A line as usage; None when its day cannot be read.

    Args:
        found: The line.
        mark: What `digest` makes of it.
        occurrence: Which of its like it is, from 1.
        source: Where it was read.
        estimated: Whether it is not invoiced yet.
    """
    start = moment(found.usage_date)
    if start is None:
        return None
    tail = f"-{occurrence}" if occurrence > 1 else ""
    cost = found.billing_pre_tax_total
    return UsageLine(
        vendor_id=f"usage:{start:%Y-%m-%d}:{mark.hex()}{tail}",
        customer_id=guid(found.customer_id),
        subscription_id=guid(found.subscription_id),
        resource_id=found.resource_uri,
        sku=f"{found.product_id}:{found.sku_id}".strip(":"),
        name=found.meter_name or found.sku_name or found.product_name,
        starts_at=start,
        ends_at=start + _DAY,
        quantity=found.quantity,
        unit=found.unit or found.unit_type,
        cost=None if cost is None else Money(cost, found.billing_currency or "USD"),
        estimated=estimated,
        source=source,
        attributes=_facts(found),
    )


def _facts(found: UsageWire) -> dict[str, str]:
    made = {name: str(getattr(found, name)) for name in _SHOWN}
    numbers: dict[str, Decimal | None] = {
        "credit_percentage": found.credit_percentage,
        "unit_price": found.effective_unit_price,
        "list_price": found.unit_price,
    }
    for name, value in numbers.items():
        if value is not None:
            made[name] = digits(value)
    if found.pricing_currency and found.pricing_currency != found.billing_currency:
        made["pricing_currency"] = found.pricing_currency
    return {name: value for name, value in made.items() if value}
