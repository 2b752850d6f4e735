"""Reading the vendor's moments, months, numbers and currencies."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from entrepot.sdk.model import Period, Term
from entrepot.sdk.model.time import add_months

_CURRENCY = re.compile(r"[A-Z]{3}")
_MONTH = re.compile(r"(\d{4})-(\d\d)")


def moment(text: str | None) -> datetime | None:
    """A moment in UTC; None for nothing and for what is no moment.

    No zone means UTC; a date alone is its first moment.
    """
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return aware.astimezone(UTC)


def end_moment(text: str | None) -> datetime | None:
    """First moment after an end that names its last day or last second."""
    found = moment(text)
    if found is None:
        return None
    day = found.replace(hour=0, minute=0, second=0, microsecond=0)
    is_whole = found == day and "T" in (text or "")
    return found if is_whole else day + timedelta(days=1)


def number(value: object) -> Decimal | None:
    """An exact number; None for what is none.

    Parameters of a broker arrive as JSON of any kind, floats included; the shortest
    text of a float loses nothing (§1.4).
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        found = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def tidy(value: Decimal) -> Decimal:
    """A number with ten places at most, as finely as unit prices are kept (§1.4).

    The vendor's prices carry the noise of binary floats beyond that (§4.5).
    """
    found = value.quantize(Decimal("1e-10")).normalize()
    return found.quantize(Decimal(1)) if found == found.to_integral() else found


def currency(*texts: str) -> str:
    """The first text that is a currency; empty when none is."""
    return next((t.upper() for t in texts if _CURRENCY.fullmatch(t.upper())), "")


def month_of(text: str) -> Period | None:
    """The days of ``yyyy-mm``; None for what is no month."""
    match = _MONTH.match(text)
    if match is None or not 1 <= int(match[2]) <= 12:
        return None
    first = date(int(match[1]), int(match[2]), 1)
    return Period(first, add_months(first, 1))


def months(period: Period) -> list[str]:
    """The months that a period touches, as ``yyyy-mm``, in order."""
    found, first = [], period.start.replace(day=1)
    while first < period.end:
        found.append(f"{first:%Y-%m}")
        first = add_months(first, 1)
    return found


def term(duration: int | None) -> Term | None:
    """A term of so many months; None without any."""
    if not duration or duration < 0:
        return None
    return Term(f"P{duration // 12}Y" if duration % 12 == 0 else f"P{duration}M")
