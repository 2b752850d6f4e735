"""Fields of request bodies that marshmallow has no exact counterpart for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import fields, validate

_PATTERN = r"^-?[0-9]{1,8}(\.[0-9]{1,10})?$"


class DecimalText(fields.String):
    """A decimal given as text; a JSON number is refused, it may have lost digits."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the library's
        super().__init__(
            validate=validate.Regexp(_PATTERN, error="Write a number as text: “12.5”."),
            **options,
        )


def decimal(text: str) -> Decimal:
    """Return the decimal that a checked text stands for."""
    return Decimal(text)
