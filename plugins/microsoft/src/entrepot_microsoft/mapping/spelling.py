"""Reading the vendor's drifting spellings: enums and moments (§1.4)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from entrepot.sdk.model import BillingCycle, Term

_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?)?\s*(Z|[+-]\d\d:?\d\d)?"
)
_CYCLES = {
    "monthly": BillingCycle.MONTHLY,
    "annual": BillingCycle.ANNUAL,
    "biennial": BillingCycle.BIENNIAL,
    "triennial": BillingCycle.TRIENNIAL,
    "onetime": BillingCycle.ONE_TIME,
    "none": BillingCycle.NONE,
}


def word(text: str | None) -> str:
    """An enum's text without case, underscores, blanks: ``One_Time `` = ``onetime``."""
    return re.sub(r"[_\s-]", "", text or "").lower()


def moment(text: str | None) -> datetime | None:
    """A moment in UTC; None for nothing, for year 1 and for the open end (§1.4).

    No zone means UTC; fractions are cut at microseconds. A text that is no moment
    gives None, since dates are never worth losing a record for.
    """
    match = _MOMENT.fullmatch((text or "").strip())
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    if day.startswith(("0001", "9999")):
        return None
    offset = "+00:00" if zone in (None, "Z") else zone
    micro = (fraction or "0")[:6].ljust(6, "0")
    try:
        found = datetime.fromisoformat(f"{day}T{clock or '00:00:00'}.{micro}{offset}")
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def after_last_day(*texts: str | None) -> datetime | None:
    """First moment after the day that the first readable text names.

    Terms end at 23:59:59 UTC of their last day, however that day is written (T22).
    """
    for text in texts:
        found = moment(text)
        if found is not None:
            day = found.replace(hour=0, minute=0, second=0, microsecond=0)
            return day + timedelta(days=1)
    return None


def cycle(text: str | None) -> BillingCycle:
    """The billing cycle; `UNKNOWN` for a word nobody knows."""
    return _CYCLES.get(word(text), BillingCycle.UNKNOWN)


def term(text: str | None) -> Term | None:
    """The term; None for nothing or for a text that is no duration."""
    if not text:
        return None
    try:
        return Term(text.strip().upper())
    except ValueError:
        return None


def catalogue_key(offer_id: str) -> str:
    """The stable part of an offer id: ``P:S`` of ``P:S:A``, a GUID in capitals.

    The third part rotates and changes at renewal (§3.2, T15).
    """
    parts = offer_id.split(":")
    return ":".join(parts[:2]) if len(parts) > 1 else offer_id.upper()
