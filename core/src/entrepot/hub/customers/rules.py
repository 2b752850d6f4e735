"""What a customer's own fields may hold: decisions without a database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from entrepot.hub.customers.places import (
    COUNTRIES,
    LANGUAGES,
    POSTAL_CODES,
    WITH_REGIONS,
    WITHOUT_POSTAL_CODES,
)
from entrepot.sdk.errors import Rejected

KINDS = ("business", "personal")
DETAILS = (
    "kind", "company", "login", "given_name", "family_name", "email", "phone",
    "street", "postal_code", "city", "region", "country", "tax_id", "locale",
)  # fmt: skip
"""The fields of `CustomerDetail` that people fill."""

FIELD_KINDS = ("text", "number", "date", "choice", "bool")
LONGEST = {
    "name": 500, "custom_id": 100, "company": 500, "login": 320, "given_name": 200,
    "family_name": 200, "email": 320, "phone": 40, "street": 500, "postal_code": 40,
    "city": 200, "region": 200, "country": 2, "tax_id": 100, "locale": 35, "kind": 10,
}  # fmt: skip
MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]{2,}")
PHONE = re.compile(r"\+[1-9][0-9 ()./-]{5,30}")
LOCALE = re.compile(r"([a-z]{2})-([A-Z]{2})")
KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field, and what to enter instead."""

    field: str
    text: str


class CustomerInvalid(Rejected):
    """Fields of a customer are wrong; `problems` has all of them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        super().__init__(
            "customer_invalid", f"{first.field}: {first.text}", field=first.field
        )
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """What a custom field demands; see `CustomerField`."""

    id: str
    key: str
    label: str
    kind: str
    options: tuple[str, ...] = ()
    required: bool = False


def plain(text: str) -> str:
    """A text without what no database keeps, and without space around it."""
    return text.replace("\0", "").strip()


def tidy(fields: Mapping[str, str]) -> dict[str, str]:
    """Values without surrounding space, country in capitals, locale with a hyphen."""
    found = {name: str(value).strip() for name, value in fields.items()}
    if "country" in found:
        found["country"] = found["country"].upper()
    if "locale" in found:
        found["locale"] = found["locale"].replace("_", "-")
    if "email" in found:
        found["email"] = found["email"].lower()
    return found


def problems(fields: Mapping[str, str]) -> Iterator[Problem]:
    """What is wrong with fields that were given, after `tidy`; empty ones pass."""
    for name, value in fields.items():
        if len(value) > LONGEST.get(name, 500):
            yield Problem(name, f"Use at most {LONGEST.get(name, 500)} characters.")
        if any(ord(one) < 32 for one in value):
            yield Problem(name, "Use one line without control characters.")
    if (value := fields.get("kind", "")) and value not in KINDS:
        yield Problem("kind", "Choose business or personal.")
    for name in ("email", "login"):
        if (value := fields.get(name, "")) and not MAIL.fullmatch(value):
            yield Problem(name, "Enter an address such as ana@example.com.")
    if (value := fields.get("phone", "")) and not PHONE.fullmatch(value):
        yield Problem("phone", "Enter it with + and the country, such as +47 22 00 00.")
    country = fields.get("country", "")
    if country and country not in COUNTRIES:
        yield Problem("country", "Enter a two-letter country code such as NO.")
    if (value := fields.get("postal_code", "")) and country in POSTAL_CODES:
        pattern, sample = POSTAL_CODES[country]
        if not re.fullmatch(pattern, value, re.IGNORECASE):
            yield Problem("postal_code", f"In {country} it looks like {sample}.")
    if value := fields.get("locale", ""):
        match = LOCALE.fullmatch(value)
        known = match and match[1] in LANGUAGES and match[2] in COUNTRIES
        if not known:
            yield Problem("locale", "Enter language and country such as en-US.")


def missing_name(fields: Mapping[str, str]) -> Iterator[Problem]:
    """What a customer of its kind must have at least."""
    if fields.get("kind") == "personal":
        for name in ("given_name", "family_name"):
            if not fields.get(name):
                yield Problem(name, "A person needs a given and a family name.")
    elif not fields.get("name"):
        yield Problem("name", "A customer needs a name.")


def wants_region(country: str) -> bool:
    """Whether an address there needs a region."""
    return country in WITH_REGIONS


def wants_postal_code(country: str) -> bool:
    """Whether an address there has a postal code."""
    return country not in WITHOUT_POSTAL_CODES


def custom_problem(rule: FieldRule, value: str) -> str:
    """What is wrong with the value of a custom field; empty when nothing is."""
    if not value:
        return f"{rule.label} is required." if rule.required else ""
    if len(value) > 500 or any(ord(one) < 32 for one in value):
        return "Use at most 500 characters in one line."
    match rule.kind:
        case "number":
            try:
                right = Decimal(value).is_finite()
            except InvalidOperation:
                right = False
            return "" if right else "Enter a number such as 12.5."
        case "date":
            try:
                date.fromisoformat(value)
            except ValueError:
                return "Enter a date such as 2026-11-21."
            return ""
        case "choice":
            told = ", ".join(rule.options)
            return "" if value in rule.options else f"Choose one of {told}."
        case "bool":
            return "" if value in ("yes", "no") else "Enter yes or no."
        case _:
            return ""
