"""What agreements ask of their buyers, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from entrepot_aws.simulator.catalog import BY_ID
from entrepot_aws.simulator.state import Agreement

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Instalment:
    """One amount of a payment schedule."""

    id: str
    agreement: str
    amount: Decimal
    at: datetime


def value_of(found: Agreement) -> Decimal:
    """What the whole term costs."""
    product = BY_ID[found.product]
    total = sum(
        (
            product.dimension(key).price(found.selector) * count
            for key, count in found.quantities.items()
        ),
        Decimal(0),
    )
    return total * found.price


def instalments(found: Agreement) -> list[Instalment]:
    """Equal amounts over the term, the first at its start; rounding is in the first."""
    total = value_of(found)
    share = (total / found.parts).quantize(_CENT, ROUND_DOWN)
    first = total - share * (found.parts - 1)
    # An agreement that ended early keeps the schedule of its whole term.
    length = timedelta(days=30 if found.selector == "P1M" else 364)
    return [
        Instalment(
            f"ch-{found.id.removeprefix('agmt-')}-{number + 1}",
            found.id,
            share if number else first,
            found.start + length / found.parts * number,
        )
        for number in range(found.parts)
    ]
