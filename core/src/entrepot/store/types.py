"""Column types that keep money, time and documents exact in both databases."""

# ruff: noqa: ANN401 - column types take and give whatever SQLAlchemy hands them

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache
from typing import Any, ClassVar, NoReturn

from sqlalchemy import BigInteger, ColumnElement, DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

from entrepot.store.ids import new_id, new_ids

__all__ = [
    "JsonText",
    "MoneyTotal",
    "Quantity",
    "UnitPrice",
    "UtcDateTime",
    "new_id",
    "new_ids",
]

_EXACT = Context(prec=80, traps=[Inexact, InvalidOperation])
_LARGEST = 2**63 - 1


class _Scaled(TypeDecorator[Decimal]):
    """A decimal kept as a whole number of its smallest step.

    SQLite stores ``NUMERIC`` as a binary float, so a scaled integer is the only
    form in which both databases add, compare and index amounts exactly.
    """

    impl = BigInteger
    cache_ok = True
    scale: ClassVar[int]
    kept_decimals: ClassVar[int] = 0
    accepts_int: ClassVar[bool] = False

    class comparator_factory(TypeDecorator.Comparator[Decimal]):
        """Sums and comparisons only: a product would be scaled twice."""

        def _refuse(self, _other: Any) -> NoReturn:
            raise TypeError(
                "Amounts can't be multiplied or divided in SQL: the result would "
                "be scaled twice. Do it in Python with Decimal."
            )

        __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
        __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _refuse

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Return the whole number to store.

        Raises:
            TypeError: The value is not a Decimal.
            ValueError: It has too many decimals or is out of range.
        """
        return None if value is None else self.to_stored(value)

    def process_result_value(
        self, value: Any | None, dialect: Dialect
    ) -> Decimal | None:
        """Return the exact decimal."""
        if value is None:
            return None
        return _decimal(type(self), value)  # type: ignore[arg-type]  # a class is hashable

    @classmethod
    def to_stored(cls, value: object) -> int:
        """Return ``value`` as stored; for bulk paths that use the driver.

        Raises:
            TypeError: The value is not a Decimal.
            ValueError: It has too many decimals or is out of range.
        """
        if not isinstance(value, Decimal | int) or not cls._accepts(value):
            raise TypeError(f"{cls.__name__} takes a Decimal, not {value!r}.")
        try:
            stored = int(
                _EXACT.scaleb(Decimal(value), cls.scale).to_integral_exact(
                    context=_EXACT
                )
            )
        except (Inexact, InvalidOperation, ValueError, OverflowError) as error:
            raise ValueError(
                f"{value} can't be kept exactly: {cls.__name__} has {cls.scale} "
                "decimals. Round it where the rule for rounding is known."
            ) from error
        if abs(stored) > _LARGEST:
            raise ValueError(f"{value} is out of range for {cls.__name__}.")
        return stored

    @classmethod
    def from_stored(cls, stored: int | Decimal) -> Decimal:
        """Return what `to_stored` was given, without needless zeros.

        Raises:
            TypeError: The database calculated with floats.
        """
        if isinstance(stored, float):
            raise TypeError(f"{cls.__name__} was calculated as a float: {stored!r}.")
        step = 10 ** (cls.scale - cls.kept_decimals)
        whole, rest = divmod(int(stored), step)
        if rest == 0:
            return Decimal(whole).scaleb(-cls.kept_decimals)
        return Decimal(int(stored)).scaleb(-cls.scale).normalize()

    @classmethod
    def _accepts(cls, value: Decimal | int) -> bool:
        whole = isinstance(value, int)
        return not whole or (cls.accepts_int and not isinstance(value, bool))

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """Compare amounts with amounts: the other side is scaled as well."""
        return self


@lru_cache(maxsize=8192)
def _decimal(kind: type[_Scaled], stored: int | Decimal) -> Decimal:
    """Return a stored amount; prices and quantities repeat from row to row."""
    return kind.from_stored(stored)


class MoneyTotal(_Scaled):
    """An amount of money with four decimals, up to about 922 trillion."""

    cache_ok = True
    scale = 4
    kept_decimals = 2


class UnitPrice(_Scaled):
    """A price per unit with ten decimals, up to about 922 million."""

    cache_ok = True
    scale = 10


class Quantity(_Scaled):
    """A quantity (seats, usage) with ten decimals, up to about 922 million."""

    cache_ok = True
    scale = 10
    accepts_int = True


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC with microseconds.

    SQLite keeps it as fixed-width text, PostgreSQL as ``timestamptz``; both sort
    in time order.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Return the moment as the driver wants it.

        Raises:
            TypeError: The value is not a datetime.
            ValueError: It has no time zone.
        """
        return None if value is None else self.to_utc(value)

    def process_result_value(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Return the moment, aware, in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], Any] | None:
        """Return what reads a driver's value; SQLite's text in one step."""
        if dialect.name == "sqlite":
            return _moment
        return super().result_processor(dialect, coltype)

    @staticmethod
    def to_utc(value: datetime) -> datetime:
        """Return ``value`` in UTC.

        Raises:
            TypeError: The value is not a datetime.
            ValueError: It has no time zone.
        """
        if not isinstance(value, datetime):
            raise TypeError(f"A moment must be a datetime, not {value!r}.")
        if value.utcoffset() is None:
            raise ValueError(
                f"{value.isoformat()} has no time zone. Say which moment is meant: "
                "datetime.now(UTC) or .replace(tzinfo=...)."
            )
        return value.astimezone(UTC)

    @staticmethod
    def to_stored(value: datetime, dialect_name: str) -> datetime | str:
        """Return the driver's form; for bulk paths past SQLAlchemy.

        Args:
            value: An aware moment.
            dialect_name: ``sqlite`` or ``postgresql``.
        """
        moment = UtcDateTime.to_utc(value)
        if dialect_name == "sqlite":
            return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
        return moment


def _moment(text: str | None) -> datetime | None:
    """Return a moment as SQLite keeps it."""
    return None if text is None else datetime.fromisoformat(text + "+00:00")


class JsonText(TypeDecorator[Any]):
    """A JSON document as text with sorted keys: equal documents, equal text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:
        """Return the text; ``None`` becomes NULL.

        Raises:
            TypeError: The document holds what JSON can't (Decimal, datetime).
        """
        return None if value is None else self.dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any | None:
        """Return the document; NULL becomes ``None``."""
        if value == "[]":
            return []
        return None if value is None else json.loads(value)

    @staticmethod
    def dumps(value: Any) -> str:
        """Return the one canonical text of a document.

        Raises:
            TypeError: The document holds what JSON can't (Decimal, datetime).
        """
        return json.dumps(
            value,
            ensure_ascii=False,
            allow_nan=False,
            sort_keys=True,
            separators=(",", ":"),
        )


def driver_form(
    column: ColumnElement[Any], dialect: Dialect
) -> Callable[[Any], Any] | None:
    """Return the function that turns a value of ``column`` into the driver's form.

    Args:
        column: A column of one of our tables.
        dialect: The dialect of the connection the bulk path uses.

    Returns:
        The function, or ``None`` when the driver takes the value as it is.
    """
    return column.type.dialect_impl(dialect).bind_processor(dialect)
