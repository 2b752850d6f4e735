"""Cursors: where a list was left, signed and bound to its filter and order."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

_KINDS: dict[str, type] = {
    "text": str,
    "number": int,
    "decimal": Decimal,
    "moment": datetime,
    "date": date,
    "bool": bool,
}
_SIGNATURE = 12


class CursorInvalid(ValueError):
    """A cursor is forged, damaged, or belongs to another list."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two rows.

    Attributes:
        values: The sort values of the row beside it.
        backward: Whether the page before it is meant.
    """

    values: tuple[Any, ...]
    backward: bool


def encode(position: Position, secret: bytes, binding: str) -> str:
    """Return a cursor.

    Args:
        position: Where to go on.
        secret: Key of the signature.
        binding: What the cursor belongs to: reseller, list, filter and order.
    """
    body = msgspec.json.encode([position.backward, *position.values])
    return _text(_sign(body, secret, binding) + body)


def decode(
    cursor: str, secret: bytes, binding: str, kinds: tuple[str, ...]
) -> Position:
    """Return the place a cursor stands for.

    Args:
        cursor: What the caller sent.
        secret: Key of the signature.
        binding: As in `encode`.
        kinds: The kinds of the sort values, in order.

    Raises:
        CursorInvalid: It is damaged, or was made for another filter or order.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError) as error:
        raise CursorInvalid("The cursor is damaged.") from error
    signature, body = raw[:_SIGNATURE], raw[_SIGNATURE:]
    if not hmac.compare_digest(signature, _sign(body, secret, binding)):
        raise CursorInvalid(
            "The cursor belongs to another filter or order. Begin without a cursor."
        )
    backward, *values = msgspec.json.decode(body)
    typed: Iterator[Any] = (
        msgspec.convert(value, _KINDS[kind], strict=False)
        for value, kind in zip(values, kinds, strict=True)
    )
    return Position(tuple(typed), bool(backward))


def _sign(body: bytes, secret: bytes, binding: str) -> bytes:
    message = binding.encode() + b"\0" + body
    return hmac.new(secret, message, hashlib.sha256).digest()[:_SIGNATURE]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
