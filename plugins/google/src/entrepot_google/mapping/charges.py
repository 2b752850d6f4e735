"""Lines of the reseller billing export as charges and usage (reference §8)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from entrepot.sdk.model import Charge, ChargeKind, Money, Period, UsageLine, add_months

from entrepot_google.mapping.spelling import customer_of, last_part, subscription_id

Row = Mapping[str, str]
_YYYYMM = 6
CLOSED_AFTER_DAYS = 5
"""Days after a month until its rows are taken as settled; late ones still come."""

_KINDS = {
    "tax": ChargeKind.TAX,
    "adjustment": ChargeKind.ADJUSTMENT,
    "rounding error": ChargeKind.ADJUSTMENT,
    "rounding_error": ChargeKind.ADJUSTMENT,
}
_ITEMS = {
    "COMMITMENT_TERM_START_ITEM": ChargeKind.RECURRING,
    "COMMITMENT_TERM_END_ITEM": ChargeKind.RECURRING,
    "COMMITMENT_TERM_RENEWAL_ITEM": ChargeKind.RECURRING,
    "COMMITMENT_MONTHLY_ITEM": ChargeKind.RECURRING,
    "COMMITMENT_PREPAY_BILLING_PERIOD_ITEM": ChargeKind.RECURRING,
    "COMMITMENT_SEATS_CHANGE_ITEM": ChargeKind.PRORATED,
    "COMMITMENT_CANCEL_ITEM": ChargeKind.REFUND,
    "FLEXIBLE_SEATS_ITEM": ChargeKind.RECURRING,
    "COUPON_DISCOUNT_ITEM": ChargeKind.DISCOUNT,
    "MIGRATED_CREDIT_ITEM": ChargeKind.CREDIT,
}


def months_of(period: Period) -> list[str]:
    """Invoice months a period touches, as the export writes them (``YYYYMM``)."""
    found, day = [], period.start.replace(day=1)
    while day < period.end:
        found.append(day.strftime("%Y%m"))
        day = add_months(day, 1)
    return found


def is_open(month: str, today: date) -> bool:
    """Whether rows of an invoice month may still come in the ordinary way."""
    following = add_months(first_day(month), 1)
    return today < following + timedelta(days=CLOSED_AFTER_DAYS)


def first_day(month: str) -> date:
    """First day of an invoice month.

    Raises:
        ValueError: It is none, such as ``2026-9``.
    """
    if len(month) != _YYYYMM:
        raise ValueError(f"{month!r} is no invoice month")
    return date(int(month[:4]), int(month[4:6]), 1)


def kind_of(cost_type: str, item: str) -> ChargeKind:
    """Our reading of a row's cost type and Workspace item."""
    if cost_type in _KINDS:
        return _KINDS[cost_type]
    if cost_type != "regular":
        return ChargeKind.UNKNOWN
    if not item:
        return ChargeKind.USAGE  # Google Cloud rows name no item
    return _ITEMS.get(item, ChargeKind.UNKNOWN)


def charge(row: Row, *, table: str, today: date) -> Charge:
    """One aggregated line of a month.

    The export has no row ids; what it is grouped by names a line for ever, so a late
    row restates it (T19).
    """
    currency, month = row["currency"], row["invoice_month"]
    cost, credit = _number(row["cost"]), _number(row["credits"])
    item = row["usage_type"]
    # The sum over the pairs of rows of a flexible plan is no number of seats (§8.2).
    told = row["quantity"] and item != "FLEXIBLE_SEATS_ITEM"
    quantity = _number(row["quantity"]) if told else None
    cost_type = row["cost_type"]
    return Charge(
        vendor_id=_id(row, _CHARGE_KEY),
        customer_id=_customer(row),
        kind=kind_of(cost_type, item),
        period=_period(row, month),
        amount=Money(cost + credit, currency),
        subscription_id=_subscription(row),
        vendor_kind=item or cost_type,
        sku=row["sku_id"],
        name=row["sku_description"] or row["service_description"] or cost_type,
        quantity=quantity,
        unit=row["unit"],
        list_amount=Money(_number(row["cost_at_list"]), currency)
        if row["cost_at_list"]
        else None,
        estimated=is_open(month, today),
        source=f"{table} invoice.month={month}",
        attributes=_facts(row),
    )


_CHARGE_KEY = (
    "invoice_month",
    "entitlement_name",
    "customer_name",
    "billing_account_id",
    "cost_type",
    "service_id",
    "sku_id",
    "usage_type",
    "order_id",
    "currency",
)
_USAGE_KEY = (
    "entitlement_name",
    "customer_name",
    "sku_id",
    "project_id",
    "day",
    "currency",
)


def usage(row: Row, *, table: str, today: date) -> UsageLine:
    """What one SKU used on one day of the vendor's calendar."""
    day = date.fromisoformat(row["day"])
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    cost = _number(row["cost"]) + _number(row["credits"])
    return UsageLine(
        vendor_id=_id(row, _USAGE_KEY),
        customer_id=_customer(row),
        starts_at=start,
        ends_at=start + timedelta(days=1),
        quantity=_number(row["quantity"]),
        unit=row["unit"],
        subscription_id=_subscription(row),
        resource_id=row["project_id"],
        sku=row["sku_id"],
        name=row["sku_description"],
        cost=Money(cost, row["currency"]) if row["currency"] else None,
        estimated=is_open(day.strftime("%Y%m"), today),
        source=f"{table} day={row['day']}",
    )


def _id(row: Row, key: tuple[str, ...]) -> str:
    text = "\n".join(row[name] for name in key)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _customer(row: Row) -> str:
    name = row["customer_name"] or row["entitlement_name"]
    return customer_of(name)


def _subscription(row: Row) -> str:
    name = row["entitlement_name"]
    return subscription_id(name) if name else ""


def _period(row: Row, month: str) -> Period:
    """Days of the line; the whole invoice month where it names none (tax)."""
    start, end = row["starts_on"], row["ends_on"]
    first = first_day(month)
    if not start or not end or end <= start:
        return Period(first, add_months(first, 1))
    return Period(date.fromisoformat(start), date.fromisoformat(end))


def _number(text: str) -> Decimal:
    return Decimal(text) if text else Decimal(0)


def _facts(row: Row) -> dict[str, str]:
    given = {
        "invoice_month": row["invoice_month"],
        "cost_type": row["cost_type"],
        "order_id": row["order_id"],
        "domain": row["domain_name"],
        "payer_billing_account": row["payer_billing_account_id"],
        "customer_cost": row["customer_cost"],
        "credits": row["credits"] if _number(row["credits"]) else "",
        "correlation_id": row["customer_correlation_id"],
        "partner": last_part(row["channel_partner_name"]),
    }
    return {name: value for name, value in given.items() if value}
