"""Arithmetic of §money: Decimal, half-up, rounded once at the end of a line."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
TEN_THOUSANDTH = Decimal("0.0001")


def money(amount: Decimal) -> Decimal:
    """`amount` rounded half-up to two places, never as minus zero."""
    rounded = amount.quantize(CENT, ROUND_HALF_UP)
    return abs(rounded) if rounded == 0 else rounded


def unit(amount: Decimal) -> Decimal:
    """A unit amount rounded half-up to four places."""
    return amount.quantize(TEN_THOUSANDTH, ROUND_HALF_UP)


def ceil(quantity: Decimal) -> Decimal:
    """The next whole quantity."""
    return quantity.to_integral_value(ROUND_CEILING)


def floor(quantity: Decimal) -> Decimal:
    """The whole quantity below."""
    return quantity.to_integral_value(ROUND_FLOOR)


def plain(value: Decimal) -> str:
    """`value` as text without trailing zeros or exponent: equal values, equal texts."""
    text = format(value.normalize(), "f")
    return "0" if text in ("-0", "") else text


def amount_text(value: Decimal | None) -> str:
    """`value` with two places for people; empty when it is not known."""
    return "" if value is None else format(money(value), "f")
