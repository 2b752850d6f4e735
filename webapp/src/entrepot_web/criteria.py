"""Filters of a list: their grammar and their meaning in SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import ColumnElement, and_

_PARAMETER = re.compile(r"filter\[([a-z][a-z0-9_]*)\](?:\[([a-z_]+)\])?")
OPERATORS: dict[str, tuple[str, ...]] = {
    "text": ("eq", "ne", "in", "nin", "contains", "starts"),
    "enum": ("eq", "ne", "in", "nin"),
    "id": ("eq", "ne", "in", "nin"),
    "related": ("eq", "in"),
    "decimal": ("eq", "ne", "gt", "gte", "lt", "lte"),
    "number": ("eq", "ne", "gt", "gte", "lt", "lte"),
    "moment": ("gt", "gte", "lt", "lte", "is_null"),
    "date": ("eq", "gt", "gte", "lt", "lte", "is_null"),
    "bool": ("eq",),
}
_LISTS = ("in", "nin")


class FilterInvalid(ValueError):
    """A filter names an unknown field or operator, or its value can't be read.

    Args:
        parameter: The query parameter at fault.
        problem: What is wrong and what is allowed.
    """

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"{parameter}: {problem}")
        self.parameter = parameter
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Field:
    """A column that may be filtered or sorted.

    Attributes:
        column: The column.
        kind: One of `OPERATORS`.
        values: For an enum, what it may be.
        related: For the kind ``related``: the condition that a row has one of the
            given values elsewhere, of a reseller's id and those values.
        facet: Name under which an index has the keys of rows, see `listing.Finder`;
            empty if none has.
        rare: The condition of an index that has all rows with some values, of those
            values; None where no index has. Databases look for it word by word.
    """

    column: Any
    kind: str = "text"
    values: tuple[str, ...] = ()
    related: Callable[[str, tuple[Any, ...]], ColumnElement[bool]] | None = None
    facet: str = ""
    rare: Callable[[tuple[Any, ...]], ColumnElement[bool] | None] | None = None

    @property
    def operators(self) -> tuple[str, ...]:
        """What may be asked of it."""
        return OPERATORS[self.kind]

    @property
    def cursor_kind(self) -> str:
        """How its values travel in a cursor."""
        return "text" if self.kind in ("enum", "id") else self.kind


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition, with its values read already."""

    field: str
    operator: str
    values: tuple[Any, ...]

    def condition(self, field: Field, tenant_id: str) -> ColumnElement[bool]:
        """Return the condition in SQL."""
        if field.related is not None:
            return field.related(tenant_id, self.values)
        found: ColumnElement[bool] = self._condition(field.column, self.values[0])
        index = self.index(field)
        return found if index is None else and_(found, index)

    def index(self, field: Field) -> ColumnElement[bool] | None:
        """Return the condition of an index that has all rows of this, or None."""
        if field.rare is None or self.operator not in ("eq", "in"):
            return None
        return field.rare(self.values)

    def _condition(self, column: Any, value: Any) -> Any:  # noqa: ANN401 - any column
        match self.operator:
            case "eq":
                return column == value
            case "ne":
                return column != value
            case "in":
                return column.in_(self.values)
            case "nin":
                return column.not_in(self.values)
            case "gt":
                return column > value
            case "gte":
                return column >= value
            case "lt":
                return column < value
            case "lte":
                return column <= value
            case "contains":
                return column.icontains(value, autoescape=True)
            case "starts":
                return column.istartswith(value, autoescape=True)
            case _:
                return column.is_(None) if value else column.is_not(None)


def parse(
    query: Iterable[tuple[str, str]], fields: Mapping[str, Field]
) -> tuple[Criterion, ...]:
    """Return the criteria of a query string.

    Args:
        query: Its (name, value) pairs; those that are no filters are passed over.
        fields: What may be filtered.

    Raises:
        FilterInvalid: A field, operator or value is wrong.
    """
    found = []
    for name, text in query:
        if name.startswith("filter"):
            found.append(_criterion(name, text, fields))
    return tuple(found)


def _criterion(name: str, text: str, fields: Mapping[str, Field]) -> Criterion:
    match = _PARAMETER.fullmatch(name)
    if match is None:
        raise FilterInvalid(
            name, "Write filter[field]=value or filter[field][op]=value."
        )
    known = fields.get(match.group(1))
    if known is None:
        raise FilterInvalid(name, f"Filter by one of {', '.join(sorted(fields))}.")
    operator = match.group(2)
    parts = tuple(part for part in text.split(",") if part)
    if operator is None:
        operator = "in" if "in" in known.operators and len(parts) > 1 else "eq"
    if operator not in known.operators:
        allowed = ", ".join(known.operators)
        raise FilterInvalid(name, f"Here one of these operators works: {allowed}.")
    raw = (parts or ("",)) if operator in _LISTS else (text,)
    kind = "bool" if operator == "is_null" else known.kind
    return Criterion(
        match.group(1), operator, tuple(_value(name, item, kind, known) for item in raw)
    )


def _value(name: str, text: str, kind: str, known: Field) -> Any:  # noqa: ANN401 - any type
    if "\0" in text or len(text) > 500:
        raise FilterInvalid(name, "Use at most 500 characters, none of them NUL.")
    if kind == "enum" and text not in known.values:
        raise FilterInvalid(name, f"Use one of {', '.join(known.values)}.")
    reader = _READERS.get(kind)
    if reader is None:
        return text
    try:
        return reader(text)
    except (ValueError, InvalidOperation, KeyError, OverflowError) as error:
        raise FilterInvalid(name, f"{text[:60]!r} isn't {_WANTED[kind]}.") from error


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite() or abs(value) >= 10**8:
        raise ValueError(text)
    return value.quantize(Decimal("1e-10")).normalize()


def _moment(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None or not 1 < value.year < 9999:
        raise ValueError(text)
    return value.astimezone(UTC)


def _number(text: str) -> int:
    value = int(text)
    if abs(value) >= 2**63:
        raise ValueError(text)
    return value


_READERS: dict[str, Any] = {
    "decimal": _decimal,
    "number": _number,
    "moment": _moment,
    "date": date.fromisoformat,
    "bool": {"true": True, "false": False}.__getitem__,
}
_WANTED = {
    "decimal": "a number such as 12.50",
    "number": "a whole number",
    "moment": "a moment with a zone such as 2026-11-21T14:31:00Z",
    "date": "a date such as 2026-11-21",
    "bool": "true or false",
}
