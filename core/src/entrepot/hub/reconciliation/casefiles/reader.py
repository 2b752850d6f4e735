"""Reading case files: YAML whose numbers stay exact, with errors that say where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

Plain = dict[str, Any]
"""A mapping as it stands in a case file."""

_CASE_KEYS = {
    "id",
    "title",
    "note",
    "tags",
    "level",
    "as_of",
    "zone",
    "vendor",
    "hub",
    "psa",
    "rules",
    "expect",
    "steps",
}


class CaseInvalid(ValueError):
    """A case file says something the format does not know; names file and key."""


class _Loader(yaml.SafeLoader):
    """SafeLoader whose fractions are `Decimal`: a float would lose cents."""


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(str(loader.construct_scalar(node)).replace("_", ""))


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)


@dataclass(frozen=True, slots=True)
class CaseFile:
    """One case as it was written, and where."""

    path: Path
    number: int
    body: Plain

    @property
    def id(self) -> str:
        """The case's id; its place in the file when it has none."""
        return str(self.body.get("id") or f"#{self.number}")

    @property
    def where(self) -> str:
        """File and case for error messages."""
        return f"{self.path.name}: case {self.id}"


def read_fixture(path: Path) -> Plain:
    """The base that every case of a directory is laid over.

    Raises:
        CaseInvalid: The file isn't a mapping.
    """
    body = _load(path)
    if len(body) != 1 or not isinstance(body[0], dict):
        raise CaseInvalid(f"{path.name}: a fixture is one mapping")
    return body[0]


def read_cases(path: Path) -> Iterator[CaseFile]:
    """Every case of a file.

    A file is one case, a list of cases, several YAML documents, or a mapping with
    the key ``cases``.

    Raises:
        CaseInvalid: A record isn't a case.
    """
    number = 0
    for document in _load(path):
        records = document
        if isinstance(document, dict) and "cases" in document:
            records = document["cases"]
        for record in records if isinstance(records, list) else [records]:
            number += 1
            if not isinstance(record, dict):
                raise CaseInvalid(f"{path.name}: record {number} is no mapping")
            case = CaseFile(path, number, _named(record))
            check_keys(case.body, _CASE_KEYS, case.where)
            yield case


def _load(path: Path) -> list[Any]:
    try:
        with path.open(encoding="utf-8") as stream:
            return [one for one in yaml.load_all(stream, _Loader) if one is not None]
    except yaml.YAMLError as error:
        raise CaseInvalid(f"{path.name}: {error}") from error


def _named(value: Any) -> Any:  # noqa: ANN401 - any YAML value
    """Mapping keys as texts: ``901`` and ``"901"`` name the same agreement."""
    if isinstance(value, Mapping):
        return {_key(key): _named(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_named(inner) for inner in value]
    return value


def _key(key: object) -> str:
    # YAML 1.1 reads a bare `on`, `off`, `yes`, `no` as true and false.
    return (
        {True: "on", False: "off"}.get(key, str(key))
        if isinstance(key, bool)
        else str(key)
    )


def laid_over(base: Plain, change: Plain) -> Plain:
    """`base` with `change` over it: mappings merge, everything else replaces.

    A value of None takes the entry away.
    """
    merged = dict(base)
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = laid_over(merged[key], dict(value))
        else:
            merged[key] = value
    return merged


def check_keys(body: Mapping[str, Any], known: set[str], where: str) -> None:
    """Refuse keys the format doesn't know, with what was probably meant.

    Raises:
        CaseInvalid: Names the case, the keys and the known ones.
    """
    unknown = sorted(set(body) - known)
    if unknown:
        names = ", ".join(sorted(known))
        raise CaseInvalid(f"{where}: unknown key {', '.join(unknown)}; known: {names}")


class Reader:
    """Typed access to one mapping of a case; every key must be read or known.

    Args:
        body: The mapping.
        where: File, case and section, for error messages.
        known: All keys the section may have.
    """

    def __init__(self, body: object, where: str, known: set[str]) -> None:
        if not isinstance(body, Mapping):
            raise CaseInvalid(f"{where}: expected a mapping, not {body!r}")
        check_keys(body, known, where)
        self.body = body
        self.where = where

    def has(self, key: str) -> bool:
        """Whether the key was given a value."""
        return self.body.get(key) is not None

    def text(self, key: str, default: str = "") -> str:
        """A text; numbers and dates are taken as they were written."""
        value = self.body.get(key)
        if value is None:
            return default
        return value.isoformat() if isinstance(value, date) else str(value)

    def decimal(self, key: str, default: str | None = None) -> Decimal:
        """An exact number.

        Raises:
            CaseInvalid: It is missing without a default, or no number.
        """
        found = self.maybe_decimal(key)
        if found is None:
            if default is None:
                raise CaseInvalid(f"{self.where}: {key} is missing")
            return Decimal(default)
        return found

    def maybe_decimal(self, key: str) -> Decimal | None:
        """An exact number, or None when it isn't given."""
        value = self.body.get(key)
        return None if value is None else to_decimal(value, f"{self.where}: {key}")

    def flag(self, key: str, default: bool) -> bool:
        """True or false.

        Raises:
            CaseInvalid: It is neither.
        """
        value = self.body.get(key)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        raise CaseInvalid(f"{self.where}: {key} must be true or false, not {value!r}")

    def number(self, key: str, default: int) -> int:
        """A whole number."""
        value = self.maybe_decimal(key)
        return default if value is None else int(value)

    def day(self, key: str) -> date | None:
        """A date, or None when it isn't given."""
        value = self.body.get(key)
        return None if value is None else to_day(value, f"{self.where}: {key}")

    def moment(self, key: str) -> datetime | None:
        """A moment, UTC unless it names its zone; a bare date means its noon."""
        value = self.body.get(key)
        return None if value is None else to_moment(value, f"{self.where}: {key}")

    def word(self, key: str, kind: type[Any], default: Any) -> Any:  # noqa: ANN401 - any enum
        """A member of an enum, by its value or name, in any case.

        Raises:
            CaseInvalid: It isn't one; the known words are listed.
        """
        value = self.body.get(key)
        if value is None:
            return default
        wanted = _flat(str(value))
        for member in kind:
            if wanted in (_flat(str(member.value)), _flat(member.name)):
                return member
        known = ", ".join(str(member.value) for member in kind)
        raise CaseInvalid(f"{self.where}: {key} {value!r} is unknown; known: {known}")

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; a single one may stand alone."""
        value = self.body.get(key)
        if value is None or value is False:
            return ()
        return tuple(
            str(one) for one in (value if isinstance(value, list) else [value])
        )

    def mappings(self, key: str) -> list[Plain]:
        """A list of mappings; a single one may stand alone."""
        value = self.body.get(key)
        if value is None:
            return []
        found = value if isinstance(value, list) else [value]
        for one in found:
            if not isinstance(one, Mapping):
                raise CaseInvalid(f"{self.where}: {key} holds {one!r}, not a mapping")
        return [dict(one) for one in found]

    def named(self, key: str) -> dict[str, Plain]:
        """Mappings by id; a list of mappings with ``id`` is taken as well."""
        value = self.body.get(key)
        if value is None:
            return {}
        if isinstance(value, list):
            return {str(one.get("id")): dict(one) for one in self.mappings(key)}
        if not isinstance(value, Mapping):
            raise CaseInvalid(f"{self.where}: {key} must map ids to records")
        return {str(id_): dict(one or {}) for id_, one in value.items()}


def _flat(word: str) -> str:
    return word.replace("_", "").replace("-", "").replace(" ", "").casefold()


def to_decimal(value: object, where: str) -> Decimal:
    """`value` as an exact number.

    Raises:
        CaseInvalid: It is none.
    """
    try:
        number = Decimal(str(value).replace("+", "", 1))
    except InvalidOperation as error:
        raise CaseInvalid(f"{where}: {value!r} is no number") from error
    if isinstance(value, bool | float) or not number.is_finite():
        raise CaseInvalid(f"{where}: {value!r} is no exact number")
    return number


def to_day(value: object, where: str) -> date:
    """`value` as a date.

    Raises:
        CaseInvalid: It is none.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise CaseInvalid(f"{where}: {value!r} is no date (YYYY-MM-DD)") from error


def to_moment(value: object, where: str) -> datetime:
    """`value` as an aware moment; a bare date means its noon in UTC.

    Raises:
        CaseInvalid: It is none.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, 12, tzinfo=UTC)
    try:
        text = str(value).strip()
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(text)
    except ValueError as error:
        raise CaseInvalid(f"{where}: {value!r} is no moment") from error
    if len(str(value)) == len("YYYY-MM-DD"):
        moment = moment.replace(hour=12)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
