"""How values are shown to people: money, quantities, times, states."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask import Flask, g
from markupsafe import Markup

from entrepot_web.context import hub

MINUS = "\N{MINUS SIGN}"
NONE = Markup('<span aria-label="none">–</span>')
_CYCLES = {
    "monthly": "billed monthly",
    "quarterly": "billed quarterly",
    "annual": "prepaid yearly",
    "triennial": "prepaid three years",
    "one_time": "once",
    "none": "not billed",
    "usage": "by usage",
}
_TERMS = {"P1M": "1 month", "P1Y": "1 year", "P3Y": "3 years", "P2Y": "2 years"}


@dataclass(frozen=True, slots=True)
class Word:
    """A state in words: kind decides colour and icon, raw is the other side's word."""

    kind: str
    text: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A connection as people recognise it."""

    id: str
    name: str
    letter: str
    hue: int
    kind: str


SUBSCRIPTION = {
    "active": ("ok", "Active"),
    "pending": ("info", "Being set up"),
    "suspended": ("mute", "Suspended"),
    "ended": ("mute", "Ended"),
}
CUSTOMER = {
    "active": ("ok", "Active"),
    "merged": ("mute", "Merged"),
    "archived": ("mute", "Archived"),
}
RUN = {
    "queued": ("info", "Queued"),
    "running": ("info", "Running"),
    "complete": ("ok", "Complete"),
    "succeeded": ("ok", "Complete"),
    "incomplete": ("warn", "Incomplete"),
    "failed": ("bad", "Failed"),
    "cancelled": ("mute", "Cancelled"),
    "waiting": ("hold", "Waiting for vendor"),
    "superseded": ("mute", "Superseded"),
}
CONNECTION = {
    "active": ("ok", "Healthy"),
    "paused": ("hold", "Paused"),
    "parked": ("bad", "Needs attention"),
    "removed": ("mute", "Removed"),
}
TABLES = {
    "subscription": SUBSCRIPTION,
    "customer": CUSTOMER,
    "run": RUN,
    "connection": CONNECTION,
}


def word(table: str, value: str, raw: str = "") -> Word:
    """Return a state in words; an unknown one keeps its raw word.

    Args:
        table: Which vocabulary.
        value: Our value.
        raw: The other side's word, for the title.
    """
    kind, text = TABLES[table].get(value, ("mute", f"Unknown ({raw or value})"))
    return Word(kind, text, raw)


def mark(connection_id: str, name: str, plugin: str, title: str, kind: str) -> Mark:
    """Return how a connection is recognised: first letter and a stable hue."""
    return Mark(
        connection_id,
        name,
        (title or name or "?")[0].upper(),
        zlib.crc32(plugin.encode()) % 6 + 1,
        kind,
    )


def money(amount: Decimal | None, currency: str = "", *, sign: bool = False) -> str:
    """Return an amount with separators and at least two decimals, then its currency.

    Args:
        amount: The amount; None gives a dash.
        currency: ISO code; empty when the column's head carries it.
        sign: Whether a plus sign is shown too.
    """
    if amount is None:
        return NONE
    exponent = amount.normalize().as_tuple().exponent
    decimals = max(2, -exponent if isinstance(exponent, int) else 2)
    text = f"{abs(amount):,.{decimals}f}"
    if amount < 0:
        text = MINUS + text
    elif sign and amount > 0:
        text = "+" + text
    return f"{text} {currency}".strip()


def quantity(value: Decimal | int | None) -> str:
    """Return a quantity without needless decimals; None gives a dash."""
    if value is None:
        return NONE
    plain = Decimal(value).normalize()
    text = f"{abs(plain):,f}"
    return MINUS + text if plain < 0 else text


def when(moment: datetime | None) -> str:
    """Return a moment in the person's zone, with the zone's name."""
    if moment is None:
        return NONE
    local = moment.astimezone(_zone())
    text = f"{local.day} {local:%b %Y, %H:%M %Z}"
    return _time(moment, text, "")


def ago(moment: datetime | None) -> str:
    """Return how long ago a moment was, if within a day; else the moment."""
    if moment is None:
        return Markup("never")
    seconds = (hub().clock.now() - moment).total_seconds()
    if not 0 <= seconds < 86400:
        return when(moment)
    local = moment.astimezone(_zone())
    return _time(moment, f"{_span(seconds)} ago", f"{local:%d %b %Y, %H:%M:%S %Z}")


def day(value: date | datetime | None) -> str:
    """Return a date."""
    if value is None:
        return NONE
    if isinstance(value, datetime):
        value = value.astimezone(_zone()).date()
    return Markup('<time datetime="{}">{}</time>').format(
        value.isoformat(), f"{value.day} {value:%b %Y}"
    )


def lasted(start: datetime | None, end: datetime | None) -> str:
    """Return how long something took; a dash while it hasn't ended."""
    if start is None or end is None:
        return NONE
    return _span((end - start).total_seconds())


def offer_words(term: str, cycle: str) -> str:
    """Return term and billing cycle in words."""
    parts = [_TERMS.get(term, term), _CYCLES.get(cycle, cycle.replace("_", " "))]
    return ", ".join(part for part in parts if part and part != "unknown")


def initials(name: str) -> str:
    """Return one or two letters that stand for a name."""
    words = [part for part in name.replace("@", " ").split() if part[0].isalnum()]
    picked = words[:1] + words[1:][-1:]
    return "".join(part[0] for part in picked).upper() or "?"


def _span(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole < 1:
        return "under 1 s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole < 600 else "")
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d"


def _time(moment: datetime, text: str, title: str) -> Markup:
    if not title:
        return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), text)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(), title, text
    )


def _zone() -> ZoneInfo:
    user = g.get("user")
    return ZoneInfo(user.zone if user is not None else "UTC")


def install_filters(app: Flask) -> None:
    """Offer these functions to templates."""
    named: dict[str, Callable[..., object]] = {
        "money": money,
        "qty": quantity,
        "when": when,
        "ago": ago,
        "day": day,
        "span": _span,
    }
    app.jinja_env.filters.update(named)
    app.jinja_env.globals.update(
        word=word, lasted=lasted, offer_words=offer_words, initials=initials
    )
