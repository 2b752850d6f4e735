"""Companies and their people, made from a number and a seed.

``company(i, seed)`` gives the same company to every simulator that asks, so
that a vendor's customer and a PSA's company can be the same firm without the
two simulators talking to each other. Names and domains are unique for the
first 250 000 numbers; domains end in ``.example`` and telephone numbers are
fictitious, so that nothing sent by mistake reaches anybody.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from math import gcd
from typing import Final

from entrepot.sdk.simulator.words import (
    FIRST_NAMES,
    LAST_NAMES,
    MIDDLES,
    STEMS,
    STREETS,
    TRADES,
)

_SPACE: Final = len(STEMS) * len(MIDDLES) * len(TRADES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who works there; ``role`` is owner, billing or technical."""

    first_name: str
    last_name: str
    email: str
    phone: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyFacts:
    """A company that does not exist.

    Attributes:
        index: The number it was made from.
        name: With legal form, such as ``Cedar Bay Foods GmbH``.
        short_name: Without it.
        domain: Ends in ``.example``.
        country: ISO 3166 alpha-2.
        state: Province or state code; empty where the country has none.
        currency: ISO 4217.
        size: Number of employees.
    """

    index: int
    name: str
    short_name: str
    domain: str
    country: str
    state: str
    city: str
    postal_code: str
    street: str
    phone: str
    tax_id: str
    currency: str
    language: str
    size: int
    contacts: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class _Country:
    code: str
    currency: str
    language: str
    prefix: str
    tax: str
    forms: tuple[str, ...]
    # (city, state, postal code pattern; # is a digit, ? a letter)
    places: tuple[tuple[str, str, str], ...]


_COUNTRIES: Final = (
    _Country(
        "US",
        "USD",
        "en-US",
        "+1 ### 555 01##",
        "##-#######",
        ("Inc.", "LLC", "Corp.", "Co."),
        (
            ("Seattle", "WA", "981##"),
            ("Austin", "TX", "787##"),
            ("Denver", "CO", "802##"),
            ("Boston", "MA", "021##"),
            ("Portland", "OR", "972##"),
        ),
    ),
    _Country(
        "GB",
        "GBP",
        "en-GB",
        "+44 20 7946 0###",
        "GB#########",
        ("Ltd", "Limited", "LLP", "plc"),
        (
            ("London", "", "EC#A #??"),
            ("Leeds", "", "LS# #??"),
            ("Bristol", "", "BS# #??"),
        ),
    ),
    _Country(
        "DE",
        "EUR",
        "de-DE",
        "+49 30 23125 ###",
        "DE#########",
        ("GmbH", "AG", "KG", "GmbH & Co. KG"),
        (
            ("Berlin", "", "10###"),
            ("Hamburg", "", "20###"),
            ("München", "", "80###"),
            ("Köln", "", "50###"),
        ),
    ),
    _Country(
        "NL",
        "EUR",
        "nl-NL",
        "+31 20 0## ####",
        "NL#########B01",
        ("B.V.", "N.V."),
        (("Amsterdam", "", "10## ??"), ("Utrecht", "", "35## ??")),
    ),
    _Country(
        "FR",
        "EUR",
        "fr-FR",
        "+33 1 99 00 ## ##",
        "FR###########",
        ("SARL", "SAS", "SA"),
        (("Lyon", "", "690##"), ("Paris", "", "750##"), ("Nantes", "", "440##")),
    ),
    _Country(
        "CA",
        "CAD",
        "en-CA",
        "+1 ### 555 01##",
        "#########RT0001",
        ("Inc.", "Ltd."),
        (("Toronto", "ON", "M#? #?#"), ("Vancouver", "BC", "V#? #?#")),
    ),
    _Country(
        "AU",
        "AUD",
        "en-AU",
        "+61 2 5550 ####",
        "## ### ### ###",
        ("Pty Ltd", "Ltd"),
        (("Sydney", "NSW", "20##"), ("Melbourne", "VIC", "30##")),
    ),
)
_WEIGHTS: Final = (46, 16, 12, 8, 6, 7, 5)


def company(index: int, seed: int = 1, country: str | None = None) -> CompanyFacts:
    """The company of that number.

    Args:
        index: 0-based number of the company.
        seed: Same seed, same companies.
        country: Put it into this country instead of the one drawn for it.

    Raises:
        ValueError: If ``index`` is negative or the country is not known.
    """
    if index < 0:
        raise ValueError("index must not be negative")
    rng = _random(seed, index)
    land = rng.choices(_COUNTRIES, _WEIGHTS)[0]
    if country is not None:
        land = _country(country)
    short = _short_name(index, seed)
    domain = _domain(short, index)
    city, state, pattern = rng.choice(land.places)
    return CompanyFacts(
        index=index,
        name=f"{short} {rng.choice(land.forms)}",
        short_name=short,
        domain=domain,
        country=land.code,
        state=state,
        city=city,
        postal_code=_fill(pattern, rng),
        street=f"{rng.randint(1, 240)} {rng.choice(STREETS)}",
        phone=_fill(land.prefix, rng),
        tax_id=_fill(land.tax, rng),
        currency=land.currency,
        language=land.language,
        size=max(3, min(2000, int(rng.lognormvariate(3.2, 1.0)))),
        contacts=_people(domain, land, rng),
    )


def countries() -> tuple[str, ...]:
    """Country codes that companies are put into."""
    return tuple(land.code for land in _COUNTRIES)


def _country(code: str) -> _Country:
    for land in _COUNTRIES:
        if land.code == code:
            return land
    raise ValueError(f"country: no companies in {code!r}; known: {countries()}")


def _random(seed: int, index: int) -> random.Random:
    # A plain Random(seed + index) gives neighbours that look alike.
    digest = hashlib.blake2b(f"company:{seed}:{index}".encode(), digest_size=8)
    return random.Random(int.from_bytes(digest.digest(), "big"))  # noqa: S311 - not for secrets


def _short_name(index: int, seed: int) -> str:
    step = 104_729 + 2 * (seed % 1000)
    while gcd(step, _SPACE) != 1:
        step += 1
    place = (index * step + seed * 7919) % _SPACE
    place, stem = divmod(place, len(STEMS))
    trade, middle = divmod(place, len(MIDDLES))
    return f"{STEMS[stem]} {MIDDLES[middle]} {TRADES[trade]}"


def _domain(short: str, index: int) -> str:
    slug = short.lower().replace(" ", "")
    lap = index // _SPACE
    return f"{slug}{lap if lap else ''}.example"


def _people(domain: str, land: _Country, rng: random.Random) -> tuple[Person, ...]:
    roles = ("owner", "billing", "technical")[: rng.randint(1, 3)]
    people, taken = [], set[str]()
    for role in roles:
        first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        local = f"{first}.{last}".lower()
        if local in taken:
            local = f"{local}{len(taken) + 1}"
        taken.add(local)
        people.append(
            Person(
                first_name=first,
                last_name=last,
                email=f"{local}@{domain}",
                phone=_fill(land.prefix, rng),
                role=role,
            )
        )
    return tuple(people)


def _fill(pattern: str, rng: random.Random) -> str:
    letters = "ABDEFGHJLNPRSTUWXY"
    out = []
    for char in pattern:
        if char == "#":
            out.append(str(rng.randint(0, 9)))
        elif char == "?":
            out.append(rng.choice(letters))
        else:
            out.append(char)
    return "".join(out)
