"""What became of one line of a file, and how it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class RowResult:
    """What became of one line of the file.

    Attributes:
        row: Number of the line; the head is 1.
        outcome: ``created``, ``updated``, ``unchanged`` or ``rejected``; of a dry run
            what it would be.
        customer_id: The customer, or None.
        errors: Column and what is wrong with it.
        warnings: The same, of what was taken in nevertheless.
    """

    row: int
    outcome: str = "created"
    customer_id: str | None = None
    errors: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)


def document_of(result: RowResult) -> dict[str, Any]:
    """Return a result as it is kept."""
    said = asdict(result)
    for name in ("errors", "warnings"):
        said[name] = [list(pair) for pair in said[name]]
    return said


def result_of(said: Mapping[str, Any]) -> RowResult:
    """Return a result from what `document_of` gave."""
    pairs = {
        name: [(column, text) for column, text in said[name]]
        for name in ("errors", "warnings")
    }
    return RowResult(**{**said, **pairs})
