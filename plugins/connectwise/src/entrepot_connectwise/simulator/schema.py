"""What a record of the emulated PSA looks like, and what it refuses.

A resource is written as a small table, one field a line:

    name*          str 100                          required, at most 100 characters
    identifier*    str 25@2022.1 30@2025.1 156@2026.4   limits by model version
    agreementStatus#  enum Active|Cancelled         computed: writes are ignored
    company*       ref companies                    stored as the id of the target
    types          refs companyTypes

`*` required, `#` computed, `^` a collection that `conditions` cannot filter.
References to tables the emulator has no rows for (`ref -`) refuse every value but null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Json = Any
"""Any JSON value, numbers with a fraction as Decimal."""

Row = dict[str, Any]
"""A stored record; references are ids, keys with `_` are the emulator's own."""

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LINE = re.compile(
    r"(?P<name>\w+)(?P<marks>[*#^]*)\s+(?P<kind>\w+)(?:\s+(?P<args>.+))?"
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a resource.

    `limits` are (model version, longest text) pairs, oldest first. `target` names the
    table of a reference, empty when the emulator has no rows for it.
    """

    name: str
    kind: str
    required: bool = False
    computed: bool = False
    unfilterable: bool = False
    limits: tuple[tuple[str, int], ...] = ()
    choices: tuple[str, ...] = ()
    target: str = ""

    def limit(self, version: str) -> int | None:
        """Longest text in this model version; None when there is no limit."""
        fitting = [size for since, size in self.limits if since <= version]
        return fitting[-1] if fitting else (self.limits[0][1] if self.limits else None)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One entry of the `errors` list of an `InvalidObject` answer."""

    code: str
    message: str
    field: str


Compute = Callable[[Row, Any], Any]


@dataclass(slots=True)
class Resource:
    """One kind of record.

    `label` is the word the vendor's error messages use; `key` the field references
    show beside `id`; `unique` fields refuse a second equal value; `parent` is the field
    that holds the id of the record in whose path this one lives (empty: top level);
    `compute` gives the values of computed fields; `defaults` fill what a POST omits.
    """

    table: str
    label: str
    fields: dict[str, Field]
    key: str = "name"
    unique: tuple[str, ...] = ()
    parent: str = ""
    compute: dict[str, Compute] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    checks: tuple[Callable[[Row], Iterable[FieldError]], ...] = ()
    callback_type: str = ""
    audit_type: str = ""
    href: str = ""
    lookup: dict[str, Field] = field(init=False)

    def __post_init__(self) -> None:
        self.lookup = {name.lower(): one for name, one in self.fields.items()}


def fields(table: str) -> dict[str, Field]:
    """Read a field table (form: module docstring).

    Raises:
        ValueError: A line has another form.
    """
    lines = (line.strip() for line in table.strip().splitlines())
    found = [_field(line) for line in lines if line]
    return {one.name: one for one in found}


def _field(line: str) -> Field:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"Not a field line: {line!r}")
    marks, kind, args = match["marks"], match["kind"], (match["args"] or "").strip()
    return Field(
        name=match["name"],
        kind=kind,
        required="*" in marks,
        computed="#" in marks,
        unfilterable="^" in marks,
        limits=_limits(args) if kind == "str" else (),
        choices=tuple(args.split("|")) if kind == "enum" else (),
        target=args if kind in {"ref", "refs"} and args != "-" else "",
    )


def _limits(args: str) -> tuple[tuple[str, int], ...]:
    pairs = (part.partition("@") for part in args.split())
    return tuple((since, int(size)) for size, _, since in pairs)


def coerce(one: Field, value: Json, find: Callable[[str, Any], int | None]) -> Json:
    """Turn a JSON value into the stored one.

    Args:
        one: The field.
        value: What the request holds, numbers as int or Decimal.
        find: Gives the id that a reference value points to in a table, or None.

    Raises:
        BadValue: The value does not fit; its `error` goes into the answer.
    """
    if value is None:
        return None
    if one.kind == "ref":
        return _reference(one, value, find)
    if one.kind == "custom":
        return [_custom_value(one, item, find) for item in _as_list(one, value)]
    if one.kind == "refs":
        return [_reference(one, item, find) for item in _as_list(one, value)]
    return _SCALARS[one.kind](one, value)


class BadValue(ValueError):
    """A request value that does not fit its field."""

    def __init__(self, code: str, message: str, one: Field) -> None:
        super().__init__(message)
        self.error = FieldError(code, message, one.name)


def _reference(one: Field, value: Json, find: Callable[[str, Any], int | None]) -> int:
    found = find(one.target, value) if one.target else None
    if found is None:
        raise BadValue("InvalidReference", f"{one.name} could not be found.", one)
    return found


def _custom_value(
    one: Field, item: Json, find: Callable[[str, Any], int | None]
) -> dict[str, Any]:
    """One element of `customFields`; the whole array is sent, elements are not."""
    wanted = item.get("id") if isinstance(item, dict) else None
    found = find("userDefinedFields", {"id": wanted}) if wanted else None
    if found is None:
        raise BadValue("InvalidReference", "The custom field does not exist.", one)
    return {"id": found, "value": item.get("value")}


def _as_list(one: Field, value: Json) -> list[Any]:
    if not isinstance(value, list):
        raise BadValue("InvalidType", f"{one.name} must be a list.", one)
    return value


def _text(one: Field, value: Json) -> str:
    if not isinstance(value, str):
        raise BadValue("InvalidType", f"{one.name} must be a string.", one)
    return value


def _integer(one: Field, value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue("InvalidType", f"{one.name} must be an integer.", one)
    return value


def _decimal(one: Field, value: Json) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise BadValue("InvalidType", f"{one.name} must be a number.", one)
    return Decimal(value)


def _boolean(one: Field, value: Json) -> bool:
    if not isinstance(value, bool):
        raise BadValue("InvalidType", f"{one.name} must be true or false.", one)
    return value


def _moment(one: Field, value: Json) -> str:
    text = _text(one, value)
    if _DAY.fullmatch(text):
        return f"{text}T00:00:00Z"
    if not _MOMENT.fullmatch(text):
        # Milliseconds are refused (connectwise.md §4, data formats).
        raise BadValue("InvalidType", f"{one.name} is not a valid date.", one)
    return text


def _choice(one: Field, value: Json) -> str:
    for choice in one.choices:
        if isinstance(value, str) and value.lower() == choice.lower():
            return choice
    raise BadValue("InvalidEnum", "Enum value supplied was invalid", one)


def _as_is(one: Field, value: Json) -> Json:
    return value


_SCALARS: Mapping[str, Callable[[Field, Any], Any]] = {
    "str": _text,
    "int": _integer,
    "dec": _decimal,
    "bool": _boolean,
    "dt": _moment,
    "enum": _choice,
    "obj": _as_is,
    "objs": _as_list,
}


def problems(resource: Resource, row: Row, version: str) -> list[FieldError]:
    """Everything that is wrong with a whole record, as a PATCH checks it too.

    The vendor validates the stored record, not the changed fields
    (connectwise.md §7): an old bad value makes every later change fail.
    """
    found: list[FieldError] = []
    for one in resource.fields.values():
        value = row.get(one.name)
        if one.required and value in (None, ""):
            found.append(_missing(one))
        elif one.kind == "str" and isinstance(value, str):
            found.extend(_too_long(one, value, version))
    for check in resource.checks:
        found.extend(check(row))
    return found


def _missing(one: Field) -> FieldError:
    return FieldError("MissingRequiredField", f"{one.name} is required.", one.name)


def _too_long(one: Field, value: str, version: str) -> Iterable[FieldError]:
    limit = one.limit(version)
    if limit is not None and len(value) > limit:
        message = f"The field {one.name} must have a length of at most {limit}."
        yield FieldError("OutOfRange", message, one.name)
