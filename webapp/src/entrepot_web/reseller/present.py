"""How values are shown to people: money, quantities, times, states."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from flask import Flask, g
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup

from entrepot_web.context import hub
from entrepot_web.core_words import told
from entrepot_web.numerals import day_text, moment_text, month_text, plain_number

MINUS = "\N{MINUS SIGN}"
_CENT = Decimal("0.01")
_HUES = 1760
"""Where the choice of hues begins: the plugins that come along all differ."""
NONE = Markup('<span aria-label="none">–</span>')
_CYCLES = {
    "monthly": lazy_gettext("billed monthly"),
    "quarterly": lazy_gettext("billed quarterly"),
    "annual": lazy_gettext("prepaid yearly"),
    "triennial": lazy_gettext("prepaid three years"),
    "one_time": lazy_gettext("once"),
    "none": lazy_gettext("not billed"),
    "usage": lazy_gettext("by usage"),
}
_TERMS = {
    "P1M": lazy_gettext("1 month"),
    "P1Y": lazy_gettext("1 year"),
    "P3Y": lazy_gettext("3 years"),
    "P2Y": lazy_gettext("2 years"),
}


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
    "active": ("ok", lazy_gettext("Active")),
    "pending": ("info", lazy_gettext("Being set up")),
    "suspended": ("mute", lazy_gettext("Suspended")),
    "ended": ("mute", lazy_gettext("Ended")),
}
CUSTOMER = {
    "active": ("ok", lazy_gettext("Active")),
    "merged": ("mute", lazy_gettext("Merged")),
    "deleted": ("mute", lazy_gettext("Deleted")),
}
RUN = {
    "queued": ("info", lazy_gettext("Queued")),
    "running": ("info", lazy_gettext("Running")),
    "complete": ("ok", lazy_gettext("Complete")),
    "succeeded": ("ok", lazy_gettext("Complete")),
    "incomplete": ("warn", lazy_gettext("Incomplete")),
    "failed": ("bad", lazy_gettext("Failed")),
    "cancelled": ("mute", lazy_gettext("Cancelled")),
    "waiting": ("hold", lazy_gettext("Waiting for vendor")),
    "superseded": ("mute", lazy_gettext("Superseded")),
}
CONNECTION = {
    "active": ("ok", lazy_gettext("Healthy")),
    "paused": ("hold", lazy_gettext("Paused")),
    "parked": ("bad", lazy_gettext("Needs attention")),
    "removed": ("mute", lazy_gettext("Removed")),
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
    found = TABLES[table].get(value)
    if found is None:
        return Word("mute", gettext("Unknown (%(word)s)", word=raw or value), raw)
    return Word(found[0], str(found[1]), raw)


def mark(connection_id: str, name: str, plugin: str, title: str, kind: str) -> Mark:
    """Return how a connection is recognised: first letter and a stable hue."""
    return Mark(
        connection_id,
        name,
        (title or name or "?")[0].upper(),
        zlib.crc32(plugin.encode(), _HUES) % 6 + 1,
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
    text = plain_number(abs(amount), decimals)
    if amount < 0:
        text = MINUS + text
    elif sign and amount > 0:
        text = "+" + text
    return f"{text} {currency}".strip()


def cents(amount: Decimal | None) -> str:
    """Return a sum rounded to cents: its parts may be finer than money is paid."""
    return money(None if amount is None else amount.quantize(_CENT))


def amount(text: str, currency: str = "", *, sign: bool = False) -> str:
    """Return an amount that comes as text; words such as "not known" stay words."""
    try:
        return money(Decimal(text), currency, sign=sign)
    except InvalidOperation:
        return str(told(text))


def month(text: str) -> str:
    """Return a month such as 2026-11 in words; another text as it is."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return text
    return month_text(first)


def quantity(value: Decimal | int | None) -> str:
    """Return a quantity without needless decimals; None gives a dash."""
    if value is None:
        return NONE
    plain = Decimal(value).normalize()
    text = plain_number(abs(plain))
    return MINUS + text if plain < 0 else text


def number(value: int) -> str:
    """Return a count with separators."""
    return plain_number(Decimal(value))


def percent(value: Decimal) -> str:
    """Return a percentage with one decimal and its sign."""
    return f"{plain_number(value, 1)} %"


def when(moment: datetime | None) -> str:
    """Return a moment in the person's zone, with the zone's name."""
    if moment is None:
        return NONE
    return _time(moment, moment_text(moment.astimezone(_zone())), "")


def ago(moment: datetime | None) -> str:
    """Return how long ago a moment was, if within a day; else the moment."""
    if moment is None:
        return Markup("{}").format(gettext("never"))
    seconds = (hub().clock.now() - moment).total_seconds()
    if not 0 <= seconds < 86400:
        return when(moment)
    local = moment.astimezone(_zone())
    text = gettext("%(span)s ago", span=_span(seconds))
    return _time(moment, text, moment_text(local, seconds=True))


def day(value: date | datetime | str | None) -> str:
    """Return a date; a moment as text is taken as ISO 8601."""
    if not value:
        return NONE
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        value = value.astimezone(_zone()).date()
    return Markup('<time datetime="{}">{}</time>').format(
        value.isoformat(), day_text(value)
    )


def short_day(value: date | datetime) -> str:
    """Return a date without its year, for the axis of a chart."""
    if isinstance(value, datetime):
        value = value.astimezone(_zone()).date()
    return day_text(value, year=False)


def lasted(start: datetime | None, end: datetime | None) -> str:
    """Return how long something took; a dash while it hasn't ended."""
    if start is None or end is None:
        return NONE
    return _span((end - start).total_seconds())


def offer_words(term: str, cycle: str) -> str:
    """Return term and billing cycle in words."""
    parts = [_TERMS.get(term, term), _CYCLES.get(cycle, cycle.replace("_", " "))]
    return ", ".join(str(part) for part in parts if part and part != "unknown")


def initials(name: str) -> str:
    """Return one or two letters that stand for a name."""
    words = [part for part in name.replace("@", " ").split() if part[0].isalnum()]
    picked = words[:1] + words[1:][-1:]
    return "".join(part[0] for part in picked).upper() or "?"


def _span(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole < 1:
        return gettext("under 1 s")
    if whole < 60:
        return gettext("%(seconds)s s", seconds=whole)
    if whole < 600:
        return gettext(
            "%(minutes)s min %(seconds)s s", minutes=whole // 60, seconds=whole % 60
        )
    if whole < 3600:
        return gettext("%(minutes)s min", minutes=whole // 60)
    if whole < 86400 and not whole % 3600 // 60:
        return gettext("%(hours)s h", hours=whole // 3600)
    if whole < 86400:
        return gettext(
            "%(hours)s h %(minutes)s min",
            hours=whole // 3600,
            minutes=whole % 3600 // 60,
        )
    return gettext("%(days)s d", days=whole // 86400)


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
        "number": number,
        "percent": percent,
        "cents": cents,
        "amount": amount,
        "month": month,
        "when": when,
        "ago": ago,
        "day": day,
        "shortday": short_day,
        "span": _span,
    }
    app.jinja_env.filters.update(named)
    app.jinja_env.globals.update(
        word=word, lasted=lasted, offer_words=offer_words, initials=initials
    )
