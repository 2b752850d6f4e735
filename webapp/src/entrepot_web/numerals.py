"""Numbers and dates as the reader's language writes them; no digit is lost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_decimal

from entrepot_web.i18n import locale

_DAYS: Mapping[str, tuple[str, str]] = {
    "en": ("d MMM y", "d MMM"),
    "de": ("d. MMM y", "d. MMM"),
}


def plain_number(value: Decimal, decimals: int | None = None) -> str:
    """Return a number with separators.

    Args:
        value: The number; its sign is a hyphen.
        decimals: How many to show; those that are there when None.
    """
    if decimals is None:
        exponent = value.normalize().as_tuple().exponent
        decimals = max(0, -exponent) if isinstance(exponent, int) else 0
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return format_decimal(value, format=pattern, locale=locale())


def day_text(day: date, *, year: bool = True) -> str:
    """Return a date in words, with or without its year."""
    own = locale()
    patterns = _DAYS.get(own.language)
    if patterns is None:
        return format_date(day, format="medium", locale=own)
    return format_date(day, format=patterns[0 if year else 1], locale=own)


def month_text(first: date) -> str:
    """Return the month of a day in words, with its year."""
    return format_skeleton("yMMM", first, locale=locale())


def clock_text(local: datetime, *, seconds: bool = False) -> str:
    """Return a time of day with the name of its zone.

    Args:
        local: A moment in the zone of who reads it.
        seconds: Whether seconds count.
    """
    pattern = "HH:mm:ss" if seconds else "HH:mm"
    zone = local.strftime("%Z")  # its short name, the same in every language
    shown = format_datetime(local, format=pattern, tzinfo=local.tzinfo, locale=locale())
    return f"{shown} {zone}"


def moment_text(local: datetime, *, seconds: bool = False, year: bool = True) -> str:
    """Return date and time of a moment in the zone of who reads it."""
    shown = clock_text(local, seconds=seconds)
    return f"{day_text(local.date(), year=year)}, {shown}"
