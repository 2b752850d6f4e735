"""Prices over time: the catalogue's, and the changes somebody made to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from entrepot_microsoft.simulator import catalog

Key = tuple[str, str, str]
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class PriceChange:
    """From ``since`` on, one plan costs ``factor`` times the catalogue's price."""

    since: datetime
    factor: Decimal


class PriceBook:
    """Answers what a plan costs at a moment."""

    def __init__(self) -> None:
        self._changes: dict[Key, list[PriceChange]] = {}

    def change(self, key: Key, since: datetime, factor: Decimal) -> None:
        """Change a plan's price from a moment on, relative to the catalogue."""
        found = self._changes.setdefault(key, [])
        found.append(PriceChange(since, factor))
        found.sort(key=lambda c: c.since)

    def at(
        self, sku_key: str, term: str, cycle: str, market: str, moment: datetime
    ) -> tuple[Decimal, Decimal]:
        """Partner's price and recommended price of one cycle; zeros when unpriced."""
        sku = catalog.SKUS[sku_key]
        plan = sku.plan(term, cycle)
        if plan is None:
            return Decimal(0), Decimal(0)
        factor = self._factor((sku_key, term, cycle), moment)
        cost = (catalog.convert(plan.cost, market) * factor).quantize(
            _CENT, ROUND_HALF_UP
        )
        erp = (catalog.convert(plan.erp, market) * factor).quantize(
            _CENT, ROUND_HALF_UP
        )
        return cost, erp

    def since(self, key: Key, moment: datetime) -> datetime | None:
        """When the price that holds at ``moment`` began; ``None`` for the first."""
        past = [c.since for c in self._changes.get(key, ()) if c.since <= moment]
        return past[-1] if past else None

    def _factor(self, key: Key, moment: datetime) -> Decimal:
        factor = Decimal(1)
        for change in self._changes.get(key, ()):
            if change.since <= moment:
                factor = change.factor
        return factor
