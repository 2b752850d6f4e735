"""Values of a column in the form that a bulk load writes, a whole column at a time.

The forms are those of the column types: what a bulk load stores is what an ordinary
write of the same value stores, and it refuses the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

import msgspec
from sqlalchemy import Boolean, Date, Dialect, Integer, String
from sqlalchemy import Column as TableColumn

from entrepot.store.types import (
    JsonText,
    MoneyTotal,
    Quantity,
    UnitPrice,
    UtcDateTime,
    driver_form,
)

NULL = "\\N"
_SPECIAL = "\\\t\n\r"
_EXACT = Context(prec=80, traps=[Inexact, InvalidOperation])
_LARGEST = 2**63 - 1


class Ready(list[Any]):
    """A column whose values are in the driver's form already."""


@dataclass(frozen=True, slots=True)
class Same:
    """One value for a whole column."""

    value: Any


Values = Sequence[Any] | Same
Form = Callable[[Any], Any]


def form_of(column: TableColumn[Any], dialect: Dialect) -> Form | None:
    """How one value (not None) of a column looks to the driver; None = as it is."""
    kind = column.type
    if isinstance(kind, _SCALED):
        return _scaled(type(kind))
    if isinstance(kind, JsonText):
        return _json
    if isinstance(kind, UtcDateTime):
        return _sqlite_moment if dialect.name == "sqlite" else _moment
    if isinstance(kind, Boolean | Integer | String):
        return None
    return driver_form(column, dialect)


def converted(
    column: TableColumn[Any], dialect: Dialect, values: Sequence[Any]
) -> Sequence[Any]:
    """A column in the driver's form."""
    if type(values) is Ready:
        return values
    if isinstance(column.type, UtcDateTime) and dialect.name == "sqlite":
        return _sqlite_moments(values)
    form = form_of(column, dialect)
    if form is None:
        return values
    return [None if value is None else form(value) for value in values]


def folded(values: Values) -> Values:
    """A column, as one value where it holds the same one in every row."""
    if isinstance(values, Same) or type(values) is Ready:
        return values
    first = values[0]
    if first is not values[-1] and first != values[-1]:
        return values
    if values.count(first) < len(values) or len(set(map(type, values))) > 1:
        return values
    return Same(first)


def copy_texts(
    column: TableColumn[Any], dialect: Dialect, values: Sequence[Any]
) -> list[str]:
    r"""A column as fields of COPY's text format: escaped, ``\N`` for None."""
    kind = column.type
    if isinstance(kind, UtcDateTime):
        return _moments(values)
    if isinstance(kind, Boolean):
        return [NULL if one is None else "t" if one else "f" for one in values]
    ready = converted(column, dialect, values)
    if isinstance(kind, JsonText) or (
        isinstance(kind, String) and not isinstance(kind, _OWN)
    ):
        return _escaped(ready)
    if isinstance(kind, Date):
        return [NULL if one is None else one.isoformat() for one in ready]
    return [NULL if one is None else str(one) for one in ready]


_SCALED = (MoneyTotal, UnitPrice, Quantity)
_OWN = (*_SCALED, UtcDateTime)


def _moments(values: Sequence[datetime | None]) -> list[str]:
    for value in values:
        if value is not None and value.tzinfo is None:
            UtcDateTime.to_utc(value)  # says what is wrong with it
    return _moments_text(values).replace("null", NULL).split(",")


def _sqlite_moments(values: Sequence[datetime | None]) -> list[str | None]:
    """Moments as SQLite keeps them: in UTC, always with six decimals."""
    text = _moments_text(values)
    if text.count("Z") != len(values) - values.count(None):  # not all of them in UTC
        return [None if value is None else _sqlite_moment(value) for value in values]
    return [
        one[:-1] if len(one) == _LONG else _without_fraction(one)
        for one in text.replace("T", " ").split(",")
    ]


_LONG = len("2026-01-01 00:00:00.123456Z")


def _without_fraction(text: str) -> str | None:
    return None if text == "null" else f"{text[:19]}.000000"


def _moments_text(values: Sequence[datetime | None]) -> str:
    # One call for the whole column: a moment's text holds neither comma nor quote.
    return _moments_json(values).decode()[1:-1].replace('"', "")


_moments_json = msgspec.json.Encoder().encode


def _escaped(texts: Sequence[str | None]) -> list[str]:
    whole = "".join([text for text in texts if text])
    if any(mark in whole for mark in _SPECIAL):
        return [NULL if text is None else _escape(text) for text in texts]
    if None in texts:
        return [NULL if text is None else text for text in texts]
    return texts  # type: ignore[return-value]  # none of them is None


def _escape(text: str) -> str:
    if not any(mark in text for mark in _SPECIAL):
        return text
    text = text.replace("\\", "\\\\").replace("\t", "\\t")
    return text.replace("\n", "\\n").replace("\r", "\\r")


def _scaled(kind: type[MoneyTotal | UnitPrice | Quantity]) -> Form:
    scale, scaleb = kind.scale, _EXACT.scaleb

    def form(value: Any) -> int:  # noqa: ANN401 - checked here
        if type(value) is not Decimal:
            return kind.to_stored(value)
        try:
            stored = int(scaled := scaleb(value, scale))
        except (Inexact, InvalidOperation, ValueError, OverflowError):
            return kind.to_stored(value)  # says what is wrong with it
        if stored != scaled or not -_LARGEST <= stored <= _LARGEST:
            return kind.to_stored(value)
        return stored

    return form


def _moment(value: datetime) -> datetime:
    return value if value.tzinfo is UTC else UtcDateTime.to_utc(value)


def _sqlite_moment(value: datetime) -> str:
    return _moment(value).isoformat(" ", "microseconds")[:26]


def _json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if not value:
        if type(value) is dict:
            return "{}"
        if type(value) is list:
            return "[]"
    return JsonText.dumps(value)
