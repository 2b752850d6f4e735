"""Money: an exact amount in one currency."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one ISO 4217 currency.

    Args:
        amount: A finite `Decimal`; anything else raises `TypeError`/`ValueError`.
        currency: Three capital letters.
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            msg = f"amount must be Decimal, not {type(self.amount).__name__}"
            raise TypeError(msg)
        if not self.amount.is_finite():
            msg = "amount must be a finite number"
            raise ValueError(msg)
        if not _CURRENCY.fullmatch(self.currency):
            msg = f"currency must be three capital letters, not {self.currency!r}"
            raise ValueError(msg)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            msg = f"cannot combine {self.currency} and {other.currency}"
            raise ValueError(msg)

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        return Money(self.amount * factor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def rounded(self, places: int = 2) -> Money:
        """The amount rounded half-up (away from zero at the half) to `places`."""
        quantum = Decimal(1).scaleb(-places)
        return Money(self.amount.quantize(quantum, ROUND_HALF_UP), self.currency)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
