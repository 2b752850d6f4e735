"""Months to read, and what a line becomes in the books. Pure."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import msgspec
import xxhash

from entrepot.hub.sync.memory import signed
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import Charge, Money, Period, UsageLine
from entrepot.sdk.model.time import add_months
from entrepot.store.types import UnitPrice

CHARGES = "charges"
USAGE = "usage"
KINDS = (CHARGES, USAGE)
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_STEP = Decimal(1).scaleb(-UnitPrice.scale)
_EXACT = Context(prec=80)
_VERSION = 1
"""Changes whenever a line is hashed or stored in another way."""


def month_of(day: date) -> str:
    """The month of a day, such as ``2026-03``."""
    return f"{day.year:04}-{day.month:02}"


def checked_month(text: str) -> str:
    """A month as people write it.

    Raises:
        Rejected: It is none.
    """
    if not _MONTH.fullmatch(text):
        raise Rejected(
            "period_invalid",
            f"{text!r} is not a billing month.",
            field="period",
            remedy="Write year and month, such as 2026-03.",
        )
    return text


def period_of(month: str) -> Period:
    """The days of a month."""
    start = date.fromisoformat(f"{month}-01")
    return Period(start, add_months(start, 1))


def months_to_read(today: date, count: int) -> tuple[str, ...]:
    """The open month and those before it that vendors still restate, oldest first."""
    first = today.replace(day=1)
    return tuple(
        month_of(add_months(first, -back)) for back in range(count - 1, -1, -1)
    )


def id_hash(vendor_id: str) -> int:
    """A line's identity in the set of lines met, 64 bits."""
    return xxhash.xxh3_64_intdigest(vendor_id.encode())


def content_hash(record: Charge | UsageLine) -> int:
    """A line's content as the signed number that databases keep.

    Equal numbers count as equal however many zeros they end with: vendors write them
    now so, now so, and that restates nothing.
    """
    content = [_canonical(getattr(record, item.name)) for item in fields(record)]
    return signed(xxhash.xxh3_64_intdigest(_encode(content), _VERSION))


def _canonical(value: object) -> object:
    if isinstance(value, Money):
        return [_canonical(value.amount), value.currency]
    if isinstance(value, Decimal):
        return format(value.normalize(_EXACT), "f")
    return value


_encode = msgspec.json.Encoder(order="deterministic").encode


def unfit(record: Charge | UsageLine) -> str:
    """Why a line cannot be kept; empty when it can."""
    if not record.vendor_id:
        return "a line without an id"
    amounts = (
        (record.amount, record.tax) if isinstance(record, Charge) else (record.cost,)
    )
    try:
        for amount in amounts:
            UnitPrice.to_stored(kept(amount) or Decimal(0))
    except ValueError as error:
        return f"line {record.vendor_id}: {error}"
    return ""


def kept(amount: Money | None) -> Decimal | None:
    """An amount with at most ten decimals, rounded half-even."""
    if amount is None:
        return None
    value = amount.amount
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -UnitPrice.scale:
        return value
    return value.quantize(_STEP, ROUND_HALF_EVEN, _EXACT)


def _columns(names: str) -> tuple[str, ...]:
    return tuple(names.split())


CHARGE_COLUMNS = _columns(
    "customer_vendor_id subscription_vendor_id sku name quantity unit currency "
    "estimated source attributes kind vendor_kind period_start period_end amount "
    "unit_price list_amount tax invoice_id invoiced_on"
)


def charge_values(record: Charge) -> tuple[Any, ...]:
    """Values of `CHARGE_COLUMNS`."""
    return (
        record.customer_id,
        record.subscription_id,
        record.sku,
        record.name,
        record.quantity,
        record.unit,
        record.amount.currency,
        record.estimated,
        record.source,
        dict(record.attributes),
        record.kind.value,
        record.vendor_kind,
        record.period.start,
        record.period.end,
        kept(record.amount),
        _same_currency(record.unit_price, record.amount),
        _same_currency(record.list_amount, record.amount),
        kept(record.tax) if _is_same(record.tax, record.amount) else None,
        record.invoice_id,
        record.invoiced_on,
    )


def _is_same(value: Money | None, amount: Money) -> bool:
    return value is not None and value.currency == amount.currency


def _same_currency(value: Money | None, amount: Money) -> Decimal | None:
    """A side amount where the line's currency holds for it; else only in the fact."""
    if value is None or value.currency != amount.currency:
        return None
    return value.amount


USAGE_COLUMNS = _columns(
    "customer_vendor_id subscription_vendor_id sku name quantity unit currency "
    "estimated source attributes resource_id starts_at ends_at cost"
)


def usage_values(record: UsageLine) -> tuple[Any, ...]:
    """Values of `USAGE_COLUMNS`."""
    return (
        record.customer_id,
        record.subscription_id,
        record.sku,
        record.name,
        record.quantity,
        record.unit,
        record.cost.currency if record.cost else "",
        record.estimated,
        record.source,
        dict(record.attributes),
        record.resource_id,
        record.starts_at,
        record.ends_at,
        kept(record.cost),
    )


def charge_since(record: Charge) -> datetime:
    """Since when a charge's version holds: its period's first moment."""
    return datetime.combine(record.period.start, time(), UTC)
