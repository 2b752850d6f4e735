"""Small charts drawn on the server: only geometry, no colours and no words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

WIDTH = 100
HEIGHT = 40


@dataclass(frozen=True, slots=True)
class Line:
    """A line through the points of one series, in a box of WIDTH by HEIGHT."""

    name: str
    path: str


def lines(series: Sequence[tuple[str, Sequence[Decimal]]]) -> list[Line]:
    """Return lines on one scale that begins at zero; equal steps from left to right.

    Args:
        series: Names and values; all of one length and one unit.
    """
    top = max((value for _, values in series for value in values), default=Decimal(0))
    return [Line(name, _path(values, top)) for name, values in series]


def stairs(
    series: Sequence[tuple[str, Sequence[tuple[float, Decimal]]]],
) -> list[Line]:
    """Return lines of values that hold until the next one, on a scale from zero.

    Args:
        series: Names, and values with where they begin, from 0 to 1, ascending; the
            last one holds to the end.
    """
    top = max((value for _, steps in series for _, value in steps), default=Decimal(0))
    return [Line(name, _stairs(steps, top)) for name, steps in series]


def _stairs(steps: Sequence[tuple[float, Decimal]], top: Decimal) -> str:
    if not steps:
        return ""
    first, value = steps[0]
    path = [f"M{WIDTH * first:.2f} {_height(value, top):.2f}"]
    for at, value in steps[1:]:
        path.append(f"H{WIDTH * at:.2f} V{_height(value, top):.2f}")
    return " ".join([*path, f"H{WIDTH}"])


def _path(values: Sequence[Decimal], top: Decimal) -> str:
    steps = max(1, len(values) - 1)
    points = [
        f"{WIDTH * at / steps:.2f} {_height(value, top):.2f}"
        for at, value in enumerate(values)
    ]
    if len(points) == 1:
        points.append(f"{WIDTH:.2f} {_height(values[0], top):.2f}")
    return "M" + " L".join(points) if points else ""


def _height(value: Decimal, top: Decimal) -> float:
    if not top:
        return float(HEIGHT)
    return HEIGHT * (1 - float(value / top))


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a stacked bar: where it begins and how high it is, of 100."""

    y: float
    height: float


def stack(values: Sequence[int], top: int) -> list[Part]:
    """Return the parts of one bar from the bottom up.

    Args:
        values: The parts.
        top: Sum of the highest bar; zero gives parts without height.
    """
    found, used = [], 0.0
    for value in values:
        height = 100 * value / top if top else 0.0
        used += height
        found.append(Part(round(100 - used, 2), round(height, 2)))
    return found
