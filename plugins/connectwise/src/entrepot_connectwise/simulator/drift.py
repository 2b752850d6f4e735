"""Differences between what the vendor sold and what the PSA bills, planted on purpose.

Each one is written down as ground truth, so that a test can ask whether a
reconciliation found exactly these.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from entrepot_connectwise.periods import ONE_DAY

from .invoicing import day_of, moment_of
from .schema import Json, Row
from .setup import OWNER
from .world import World

CENT = Decimal("0.01")
WATCHED = (
    "quantity", "unitPrice", "unitCost", "billCustomer", "taxableFlag",
    "effectiveDate", "cancelledDate",
)  # fmt: skip


VISIBLE_WHEN = {
    "price_wrong": "prices are managed",
    "date_wrong": "closed periods are compared",
}
"""Differences that a comparison of the current state alone does not show."""


@dataclass(frozen=True, slots=True)
class PlantedLine:
    """A line that fits the vendor, before anything is spoilt.

    Attributes:
        cost_told: Whether the vendor's lists tell what its product costs.
    """

    row: Row
    agreement: Row
    vendor_customer_id: str
    subscription_ids: tuple[str, ...]
    sku: str
    cost_told: bool = True


class Drift:
    """Spoils a share of the planted lines.

    Args:
        world: The tenant.
        rng: Source of chance.
    """

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world, self._rng = world, rng
        self._held = _held(world)
        self._sold = frozenset().union(*self._held.values())
        self._kinds: tuple[
            tuple[str, int, Callable[[PlantedLine], Row | None]], ...
        ] = (
            ("quantity_too_low", 24, self._lower),
            ("quantity_too_high", 14, self._raise),
            ("line_missing", 16, self._remove),
            ("price_wrong", 10, self._price),
            ("cost_wrong", 8, self._cost),
            ("not_billed", 6, self._free),
            ("tax_flag_wrong", 4, self._tax),
            ("line_ended", 8, self._end),
            ("line_duplicated", 5, self._duplicate),
            ("date_wrong", 3, self._date),
            ("orphan_line", 6, self._orphan),
        )

    def spread(self, lines: list[PlantedLine], share: float) -> list[dict[str, Any]]:
        """Spoil `share` of the lines; gives one record of ground truth for each."""
        count = min(len(lines), round(len(lines) * share))
        chosen = self._rng.sample(lines, count)
        weights = [weight for _, weight, _ in self._kinds]
        truth = []
        for line in chosen:
            name, _, spoil = self._rng.choices(self._kinds, weights)[0]
            before = dict(line.row)
            after = spoil(line)
            truth.append(
                self._record(_really(name, before, after), line, before, after)
            )
        return truth

    def _record(
        self, name: str, line: PlantedLine, before: Row, after: Row | None
    ) -> dict[str, Any]:
        company = self._world.row("companies", line.agreement["company"]) or {}
        return {
            "kind": name,
            "visible_when": _visible_when(name, line),
            "company_id": line.agreement["company"],
            "company": company.get("name", ""),
            "vendor_customer_id": line.vendor_customer_id,
            "subscription_ids": list(line.subscription_ids),
            "sku": line.sku,
            "agreement_id": line.agreement["id"],
            "line_id": None if after is None else after["id"],
            "product_id": before["product"] if after is None else after["product"],
            "in_arrears": line.agreement.get("periodType") == "Current",
            "expected": {name: before.get(name) for name in WATCHED},
            "actual": None if after is None else {n: after.get(n) for n in WATCHED},
        }

    def _set(self, line: PlantedLine, **values: Json) -> Row:
        self._world.mark("additions", line.row, **values)
        return line.row

    def _lower(self, line: PlantedLine) -> Row | None:
        quantity = int(line.row["quantity"])
        if quantity == 1:
            return self._raise(line)
        fewer = self._rng.randint(1, max(1, min(quantity - 1, quantity // 3 + 1)))
        return self._set(line, quantity=Decimal(quantity - fewer))

    def _raise(self, line: PlantedLine) -> Row | None:
        more = self._rng.randint(1, 5)
        return self._set(line, quantity=line.row["quantity"] + more)

    def _remove(self, line: PlantedLine) -> Row | None:
        self._world.tables["additions"].remove(line.row)
        return None

    def _price(self, line: PlantedLine) -> Row | None:
        factor = Decimal(self._rng.choice(("0.90", "0.95", "1.05", "1.10")))
        old: Decimal = line.row["unitPrice"]
        new = (old * factor).quantize(CENT)
        return self._set(line, unitPrice=new if new != old else old + 1)

    def _cost(self, line: PlantedLine) -> Row | None:
        old: Decimal = line.row["unitCost"]
        new = (old * Decimal("0.92")).quantize(CENT)
        return self._set(line, unitCost=new if new != old else old + 1)

    def _free(self, line: PlantedLine) -> Row | None:
        choice = self._rng.choice(("DoNotBill", "NoCharge"))
        return self._set(line, billCustomer=choice)

    def _tax(self, line: PlantedLine) -> Row | None:
        return self._set(line, taxableFlag=False)

    def _end(self, line: PlantedLine) -> Row | None:
        start = day_of(line.row["effectiveDate"])
        end = max(start or self._world.today(), line.agreement["_next"] - ONE_DAY)
        return self._set(line, cancelledDate=moment_of(end))

    def _duplicate(self, line: PlantedLine) -> Row | None:
        return self._copy(line)

    def _date(self, line: PlantedLine) -> Row | None:
        start = day_of(line.row["effectiveDate"])
        shifted = (start or self._world.today()) + timedelta(
            days=self._rng.randint(3, 12)
        )
        return self._set(line, effectiveDate=moment_of(shifted))

    def _orphan(self, line: PlantedLine) -> Row | None:
        own = self._held[line.agreement["company"]]
        free = sorted(self._sold - own)
        if not free:
            return self._raise(line)
        product = self._rng.choice(free)
        own.add(product)
        # One that ends by itself would be gone before anybody compares.
        return self._copy(line, product=product, cancelledDate=None)

    def _copy(self, line: PlantedLine, **changed: Json) -> Row:
        values = {k: v for k, v in line.row.items() if k != "id"} | changed
        return self._world.insert("additions", values, OWNER, quiet=True)


def _held(world: World) -> dict[int, set[int]]:
    """The products that each company has lines of, before anything is spoilt.

    An orphan stands for another company's product: one that its own company bought,
    on whichever agreement, would be a second line of that purchase.
    """
    owner = {row["id"]: row["company"] for row in world.rows("agreements")}
    support = world.named("catalog", "MS-SUPPORT")["id"]
    held: dict[int, set[int]] = defaultdict(set)
    for row in world.rows("additions"):
        if row["product"] != support:
            held[owner[row["agreementId"]]].add(row["product"])
    return held


def _visible_when(name: str, line: PlantedLine) -> str:
    if name == "cost_wrong" and not line.cost_told:
        return "the vendor tells the cost"
    return VISIBLE_WHEN.get(name, "always")


def _really(name: str, before: Row, after: Row | None) -> str:
    """What was done, where the wanted difference was impossible on this line."""
    if name not in {"quantity_too_low", "orphan_line"} or after is None:
        return name
    if after["id"] != before["id"]:
        return name
    lower = after["quantity"] < before["quantity"]
    return "quantity_too_low" if lower else "quantity_too_high"
