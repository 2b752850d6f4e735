"""What was listed to answer many questions for billing locks at once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from . import wire

IN_A_ROW = 8
"""So many questions in a short time are worth a listing."""


def _last_questions() -> deque[float]:
    return deque(maxlen=IN_A_ROW)


@dataclass(slots=True)
class LockBooks:
    """Agreements and invoices as they were listed a moment ago.

    Attributes:
        asked: When locks were asked for, seconds of the clock.
        taken: When both lists were read; None = not yet.
        agreements: By id.
        invoices: By agreement id, in id order.
        problem: Why invoices cannot be read; empty when they can.
    """

    asked: deque[float] = field(default_factory=_last_questions)
    taken: float | None = None
    agreements: dict[int, wire.Agreement] = field(default_factory=dict)
    invoices: dict[int, list[wire.Invoice]] = field(default_factory=dict)
    problem: str = ""
