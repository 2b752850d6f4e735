"""Slices of lists, cut by keys and not by numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, literal, tuple_

T = TypeVar("T")
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """A part of a list.

    Attributes:
        items: In the list's order.
        has_more: Whether more follows.
        last: Sort key of the last item, to ask for what follows; None when empty.
    """

    items: tuple[T, ...]
    has_more: bool
    last: tuple[Any, ...] | None = None


def after(
    query: Select[Any], keys: Sequence[Any], last: Sequence[Any] | None
) -> Select[Any]:
    """The query in the order of `keys` (columns), continued behind `last`.

    A row-value comparison, so that both databases use the index of the keys.
    """
    ordered = query.order_by(*keys)
    if last is None:
        return ordered
    values = [literal(value, key.type) for key, value in zip(keys, last, strict=True)]
    return ordered.where(tuple_(*keys) > tuple_(*values))


def limited(limit: int) -> int:
    """`limit` within what a list may be asked for, plus one to see if more follows."""
    return max(1, min(limit, MAX_LIMIT)) + 1


def cut(rows: Sequence[T], limit: int, key: Any) -> Slice[T]:  # noqa: ANN401 - a function of an item
    """A slice of rows that were fetched with `limited`.

    Args:
        rows: At most `limited(limit)` rows.
        limit: As asked for.
        key: Gives an item's sort key.
    """
    size = limited(limit) - 1
    kept = tuple(rows[:size])
    return Slice(kept, len(rows) > size, key(kept[-1]) if kept else None)
