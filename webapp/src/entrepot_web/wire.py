"""Values of the database on their way into JSON, without a stop as Python's own.

An amount that is only passed on needn't become a number, nor a moment a moment: the
stored form becomes the text at once, and what repeats from row to row is remembered.
The texts are those that the encoder writes for the values themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

import msgspec
from entrepot.store.types import JsonText, MoneyTotal, Quantity, UnitPrice, UtcDateTime
from sqlalchemy import Boolean, Dialect

Reader = Callable[[Any], Any]
_AMOUNTS = (MoneyTotal, UnitPrice, Quantity)


def readers(dialect: Dialect, columns: Sequence[Any]) -> Iterator[tuple[int, Reader]]:
    """Yield (position, reader) for columns whose values JSON shows in another form.

    Args:
        dialect: The database's.
        columns: The columns of a row, in order; null is never handed to a reader.
    """
    for at, column in enumerate(columns):
        found = _reader(dialect, column.type)
        if found is not None:
            yield at, found


def _reader(dialect: Dialect, kind: Any) -> Reader | None:  # noqa: ANN401 - a column type
    if isinstance(kind, _AMOUNTS):
        amount: Reader = partial(_amount, type(kind))  # type: ignore[arg-type]  # a class is hashable
        return amount
    if isinstance(kind, JsonText):
        return _document
    if isinstance(kind, UtcDateTime):
        # PostgreSQL's driver gives moments in UTC; the encoder writes those itself.
        return _moment if dialect.name == "sqlite" else None
    if isinstance(kind, Boolean):
        return bool if dialect.name == "sqlite" else None
    found: Reader | None = kind.dialect_impl(dialect).result_processor(dialect, None)
    return found


@lru_cache(maxsize=8192)
def _amount(kind: Any, stored: int) -> str:  # noqa: ANN401 - one of `_AMOUNTS`
    return str(kind.from_stored(stored))


@lru_cache(maxsize=8192)
def _moment(stored: str) -> str:
    """Return SQLite's fixed-width text as the encoder writes a moment."""
    whole, _, fraction = stored.partition(".")
    rest = f".{fraction}" if fraction.strip("0") else ""
    return f"{whole[:10]}T{whole[11:]}{rest}Z"


@lru_cache(maxsize=1024)
def _document(stored: str) -> msgspec.Raw:
    return msgspec.Raw(stored.encode())
