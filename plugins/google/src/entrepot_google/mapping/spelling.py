"""Moments, money, periods and resource names as Google writes them (§2.2)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

from entrepot.sdk.model import BillingCycle, Term

from entrepot_google.wire.base import Number
from entrepot_google.wire.catalogue import MoneyWire, PeriodWire

_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)"
)
_NANO = Decimal(1_000_000_000)
_CYCLES = {
    1: BillingCycle.MONTHLY,
    2: BillingCycle.BIMONTHLY,
    3: BillingCycle.QUARTERLY,
    6: BillingCycle.SEMIANNUAL,
    12: BillingCycle.ANNUAL,
    24: BillingCycle.BIENNIAL,
    36: BillingCycle.TRIENNIAL,
}


def moment(text: str) -> datetime | None:
    """A moment in UTC, cut at microseconds; None for nothing or for no moment."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        return None
    clock, fraction, zone = match.groups()
    micro = (fraction or "0")[:6].ljust(6, "0")
    offset = "+00:00" if zone == "Z" else zone
    try:
        return datetime.fromisoformat(f"{clock}.{micro}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def number(value: Number | None) -> Decimal | None:
    """A 64-bit number, written as text or as number; None for nothing."""
    return None if value is None else Decimal(int(str(value)))


def amount(found: MoneyWire) -> Decimal:
    """Units and nanos together; both carry the sign (T6)."""
    return Decimal(int(str(found.units))) + Decimal(found.nanos) / _NANO


def months(period: PeriodWire | None) -> int | None:
    """Whole months of a period; None for days and for nothing."""
    if period is None or period.duration <= 0:
        return None
    factor = {"MONTH": 1, "YEAR": 12}.get(period.period_type)
    return None if factor is None else period.duration * factor


def cycle(period: PeriodWire | None) -> BillingCycle:
    """The billing cycle of a payment cycle; `UNKNOWN` for what nobody knows."""
    if period is not None and (period.period_type, period.duration) == ("DAY", 7):
        return BillingCycle.WEEKLY
    length = months(period)
    return _CYCLES.get(length or 0, BillingCycle.UNKNOWN)


def term_of(length: int) -> Term:
    """A commitment of so many months."""
    return Term(f"P{length // 12}Y" if length % 12 == 0 else f"P{length}M")


def term_between(start: datetime | None, end: datetime | None) -> Term | None:
    """The commitment from one moment to another; None when they tell no length.

    Terms need not be a year long, so the dates decide (§5.2). A day of difference is
    the leap day, or the vendor's midnight in another time zone.
    """
    if start is None or end is None or end <= start:
        return None
    length = (end.year - start.year) * 12 + end.month - start.month
    days = end.day - start.day
    if abs(days) > 1 and end.day < 28:
        return Term(f"P{(end - start).days}D")
    return term_of(length) if length > 0 else Term(f"P{(end - start).days}D")


def last_part(name: str) -> str:
    """The id at the end of a resource name."""
    return name.rpartition("/")[2]


def subscription_id(entitlement: str) -> str:
    """Our id of an entitlement: customer and entitlement, without the account.

    An entitlement's id is promised to be unique within its customer only.
    """
    parts = entitlement.split("/")
    if len(parts) == 6 and parts[2] == "customers" and parts[4] == "entitlements":
        return f"{parts[3]}/{parts[5]}"
    return entitlement


def customer_of(entitlement: str) -> str:
    """The customer's id in the resource name of an entitlement or customer."""
    parts = entitlement.split("/")
    return parts[3] if len(parts) >= 4 and parts[2] == "customers" else ""
