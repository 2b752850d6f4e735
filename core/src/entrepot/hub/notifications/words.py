"""The sentences of notifications and of the mails that tell them, by language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

LINES = 100
"""A mail lists at most so many notifications."""

_SENTENCES: dict[str, dict[str, str]] = {
    "en": {
        "renewal": "{name} renews on {date}",
        "renewal_ends": "{name} ends on {date} and does not renew by itself",
        "suspended": "{name} was suspended at the vendor",
        "ended": "{name} has ended at the vendor",
        "quantity": "{name}: {before} → {after} units, changed at the vendor",
        "difference": "New difference to the PSA: {title}{money}",
        "unreadable": "An account can't be read: {reason}",
        "money": " ({amount} {currency})",
    },
    "de": {
        "renewal": "{name} verlängert sich am {date}",
        "renewal_ends": "{name} endet am {date} und verlängert sich nicht von selbst",
        "suspended": "{name} wurde beim Anbieter ausgesetzt",
        "ended": "{name} ist beim Anbieter beendet",
        "quantity": "{name}: {before} → {after} Einheiten, beim Anbieter geändert",
        "difference": "Neue Abweichung zum PSA: {title}{money}",
        "unreadable": "Ein Konto ist nicht lesbar: {reason}",
        "money": " ({amount} {currency})",
    },
}
TITLES: dict[str, dict[str, str]] = {
    "de": {
        "Lines stand on an agreement that no longer bills": (
            "Positionen stehen auf einem Vertrag, der nicht mehr berechnet"
        ),
        "The vendor no longer lists this subscription": (
            "Der Anbieter führt dieses Abonnement nicht mehr"
        ),
        "An order of ours is overdue": "Eine unserer Bestellungen ist überfällig",
        "Somebody changed it before our order": (
            "Jemand hat es vor unserer Bestellung geändert"
        ),
        "Bought, but no PSA line": "Gekauft, aber keine PSA-Position",
        "Bought, but the PSA line was ended": (
            "Gekauft, aber die PSA-Position wurde beendet"
        ),
        "The PSA line ends on another day than the subscription": (
            "Die PSA-Position endet an einem anderen Tag als das Abonnement"
        ),
        "PSA line without any subscription": "PSA-Position ohne Abonnement",
        "The same thing stands on two PSA lines": (
            "Dasselbe steht auf zwei PSA-Positionen"
        ),
        "Fewer units billed than bought": "Weniger Einheiten berechnet als gekauft",
        "More units billed than bought": "Mehr Einheiten berechnet als gekauft",
        "Fewer units billed than the agreed minimum": (
            "Weniger Einheiten berechnet als die vereinbarte Mindestmenge"
        ),
        "Unit price differs": "Stückpreis weicht ab",
        "The line's billable flag is wrong": (
            "Das Abrechnungskennzeichen der Position ist falsch"
        ),
        "A closed period was billed for other units": (
            "Ein abgeschlossener Zeitraum wurde mit anderen Einheiten berechnet"
        ),
        "Final usage isn't posted to the PSA": (
            "Endgültiger Verbrauch ist nicht im PSA gebucht"
        ),
        "Posted usage differs from the final amount": (
            "Gebuchter Verbrauch weicht vom endgültigen Betrag ab"
        ),
    },
}
"""Titles of the kinds of differences that are told, in other languages than English."""

_MAIL: dict[str, dict[str, str]] = {
    "en": {
        "day": "%Y-%m-%d",
        "many": "{count} notifications about {customers} customers",
        "some": "{count} notifications about {customer}",
        "hello": "Hello {name},",
        "more": "… and {count} more, in the console.",
        "why": "You get this mail because {reseller} chose you for notifications.",
    },
    "de": {
        "day": "%d.%m.%Y",
        "many": "{count} Benachrichtigungen zu {customers} Kunden",
        "some": "{count} Benachrichtigungen zu {customer}",
        "hello": "Guten Tag {name},",
        "more": "… und {count} weitere, in der Konsole.",
        "why": "Sie erhalten diese Mail, weil {reseller} Sie dafür ausgewählt hat.",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One notification of a mail."""

    customer_id: str
    customer: str
    kind: str
    facts: Mapping[str, Any]


def sentence(
    kind: str,
    facts: Mapping[str, Any],
    language: str = "en",
    told: Callable[[str], str] = str,
) -> str:
    """Return a notification as one sentence.

    Args:
        kind: Of `rules.KINDS`.
        facts: As the notification keeps them.
        language: Of `rules.LANGUAGES`; any other is read as English.
        told: Says in that language why an account can't be read.
    """
    words = _SENTENCES.get(language, _SENTENCES["en"])
    given = {**dict.fromkeys(_NAMES, ""), **facts}
    titles = TITLES.get(language, {})
    given["title"] = titles.get(given["title"], given["title"])
    given["reason"] = told(str(given["reason"]))
    if given["date"]:
        given["date"] = _day(str(given["date"]), language)
    given["money"] = words["money"].format(**given) if given["amount"] else ""
    ends = kind == "renewal" and facts.get("auto_renew") is False
    return words["renewal_ends" if ends else kind].format(**given)


_NAMES = ("name", "date", "before", "after", "title", "amount", "currency", "reason")


def _day(text: str, language: str) -> str:
    return f"{date.fromisoformat(text):{_words(language)['day']}}"


def subject(lines: Sequence[Line], count: int, language: str) -> str:
    """Return the subject of a mail; of a single notification it is its sentence.

    Args:
        lines: Its first notifications, at least one.
        count: How many it tells in all.
        language: Of `rules.LANGUAGES`.
    """
    words, customers = _words(language), {line.customer_id for line in lines}
    first = lines[0]
    if count == 1:
        return f"{first.customer}: {sentence(first.kind, first.facts, language)}"
    if len(customers) == 1 and len(lines) == count:
        return words["some"].format(count=count, customer=first.customer)
    told = f"{len(customers)}{'+' if len(lines) < count else ''}"
    return words["many"].format(count=count, customers=told)


def text(
    lines: Sequence[Line],
    count: int,
    *,
    name: str,
    reseller: str,
    language: str,
    base: str = "",
) -> str:
    """Return the body of a mail, its notifications under their customers' names.

    Args:
        lines: Its first notifications, those of one customer side by side.
        count: How many it tells in all.
        name: Of who gets it.
        reseller: Name of the reseller.
        language: Of `rules.LANGUAGES`.
        base: The hub's public address for links, or empty: then there are none.
    """
    words = _words(language)
    parts = [words["hello"].format(name=name) if name else "", ""]
    customer = ""
    for line in lines:
        if line.customer_id != customer:
            customer = line.customer_id
            parts += ["", line.customer]
            if base:
                parts.append(f"{base}/customers/{customer}/notifications")
        parts.append(f"- {sentence(line.kind, line.facts, language)}")
    if count > len(lines):
        parts += ["", words["more"].format(count=count - len(lines))]
    parts += ["", words["why"].format(reseller=reseller), ""]
    return "\n".join(parts).lstrip("\n")


def plain_day(moment: datetime) -> str:
    """Return a moment's day as facts keep it."""
    return moment.date().isoformat()


def _words(language: str) -> dict[str, str]:
    return _MAIL.get(language, _MAIL["en"])
