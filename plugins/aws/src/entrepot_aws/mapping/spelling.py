"""Reading the vendor's moments, amounts and words."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation


def utc(moment: datetime | None) -> datetime | None:
    """A moment in UTC; boto3 gives them in the machine's zone."""
    return None if moment is None else moment.astimezone(UTC)


def amount(text: object) -> Decimal | None:
    """An exact amount; None for nothing and for a text that is no number.

    Amounts are texts (§7); a mark-up is a JSON number, whose shortest decimal
    notation is what the vendor wrote.
    """
    try:
        found = Decimal(str(text).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def domain_of(email: str) -> str:
    """The domain of an address in lower case; empty when there is none."""
    return email.rpartition("@")[2].strip().lower() if "@" in email else ""


def facts(**given: str | None) -> dict[str, str]:
    """Attributes without the empty ones."""
    return {name: value for name, value in given.items() if value}
