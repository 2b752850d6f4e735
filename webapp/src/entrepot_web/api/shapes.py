"""The parts that API answers are made of. One struct is both answer and schema."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

import msgspec

Item = TypeVar("Item")
Amount = Annotated[
    Decimal,
    msgspec.Meta(
        extra_json_schema={"pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["12.50"]}
    ),
]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all answers."""


class MoneyShape(Shape, frozen=True, kw_only=True):
    """An amount with its currency; the amount is text, never a number."""

    amount: Amount
    currency: str


class ExternalId(Shape, frozen=True, kw_only=True):
    """An identifier that another system gave."""

    system: str
    type: str
    value: str


class PageLinks(Shape, frozen=True, kw_only=True):
    """Where a list goes on."""

    next_cursor: str | None
    prev_cursor: str | None
    has_more: bool


class Source(Shape, frozen=True, kw_only=True):
    """How fresh what one connection contributes is."""

    connection_id: str
    stream: str
    complete: bool
    complete_at: Moment | None
    reason: str


class Meta(Shape, frozen=True, kw_only=True):
    """What a list is worth: whether it is complete, and since when.

    Attributes:
        total: Number of matching rows, only with ``include=total``.
        total_is_exact: False when counting stopped at its cap.
    """

    complete: bool
    as_of: Moment | None
    freshness: list[Source]
    total: int | None = None
    total_is_exact: bool | None = None


class Page(Shape, Generic[Item], frozen=True, kw_only=True):
    """One page of a list."""

    data: list[Item]
    page: PageLinks
    meta: Meta


class Collection(Shape, Generic[Item], frozen=True, kw_only=True):
    """A list that is short by nature and comes whole."""

    data: list[Item]


def money(amount: Decimal | None, currency: str) -> MoneyShape | None:
    """Return an amount for an answer; None when the amount is unknown."""
    return None if amount is None else MoneyShape(amount=amount, currency=currency)


def external_ids(system: str, pairs: list[list[str]]) -> list[ExternalId]:
    """Return stored (type, value) pairs as identifiers of ``system``."""
    return [
        ExternalId(system=system, type=pair[0], value=pair[-1])
        for pair in pairs
        if pair
    ]
