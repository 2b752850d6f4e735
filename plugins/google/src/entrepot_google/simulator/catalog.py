"""Products, SKUs, offers and prices of the simulated vendor (§5)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

MARGIN: Final = Decimal("0.2")
COUNTRIES: Final = {
    "US": ("USD", Decimal(1)),
    "GB": ("GBP", Decimal("0.8")),
    "DE": ("EUR", Decimal("0.95")),
    "NL": ("EUR", Decimal("0.95")),
    "FR": ("EUR", Decimal("0.95")),
    "CA": ("CAD", Decimal("1.35")),
    "AU": ("AUD", Decimal("1.5")),
}
"""Currency and rate of a country's prices."""


def opaque(text: str) -> str:
    """An id that says nothing, always the same for the same text."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return f"S{digest[:13]}"


@dataclass(frozen=True, slots=True)
class Sku:
    """Something that can be bought.

    Attributes:
        product: Product id of the Reseller API.
        code: SKU id of the Reseller API.
        family: Product in the Cloud Channel API.
        price: US dollars per seat and month on a yearly commitment.
        plans: Plans it is sold in.
        addon: Needs a Workspace edition.
        weight: How often the generator takes it.
    """

    product: str
    code: str
    family: str
    name: str
    price: Decimal
    plans: tuple[str, ...]
    addon: bool = False
    weight: int = 0
    resource: str = "SEAT"
    most: int = 300

    @property
    def path(self) -> str:
        """Resource name: ids are opaque in the Cloud Channel API (§5.4)."""
        return f"products/{opaque(self.family)}/skus/{opaque(self.code)}"


_PAID: Final = ("commit_month", "commit_year", "flexible")
_TRIED: Final = (*_PAID, "trial")


def _edition(code: str, name: str, price: str, weight: int, **more: object) -> Sku:
    plans = more.get("plans", _PAID)
    most = more.get("most", 300)
    return Sku(
        "Google-Apps",
        code,
        "Google Workspace",
        f"Google Workspace {name}",
        Decimal(price),
        plans if isinstance(plans, tuple) else _PAID,
        weight=weight,
        most=most if isinstance(most, int) else 300,
    )


SKUS: Final = {
    sku.code: sku
    for sku in (
        _edition("1010020027", "Business Starter", "7", 30, plans=_TRIED),
        _edition("1010020028", "Business Standard", "14", 34, plans=_TRIED),
        _edition("1010020025", "Business Plus", "22", 14, plans=_TRIED),
        _edition("1010020026", "Enterprise Standard", "27", 7, most=100_000),
        _edition("1010020020", "Enterprise Plus", "35", 4, most=100_000),
        _edition("1010020030", "Frontline Starter", "5", 5, most=100_000),
        Sku(
            "Google-Vault",
            "Google-Vault",
            "Google Vault",
            "Google Vault",
            Decimal(4),
            _PAID,
            addon=True,
            weight=6,
        ),
        Sku(
            "101047",
            "1010470008",
            "Google AI",
            "AI Ultra",
            Decimal(30),
            ("commit_month", "flexible"),
            addon=True,
            weight=5,
        ),
        Sku(
            "101034",
            "1010340005",
            "Archived User",
            "Google Workspace Archived User Business Starter",
            Decimal(4),
            ("commit_month", "flexible"),
            addon=True,
            weight=3,
        ),
        Sku(
            "Google-Chrome-Device-Management",
            "Google-Chrome-Device-Management",
            "Chrome Enterprise",
            "Chrome Enterprise",
            Decimal("4.2"),
            ("commit_month",),
            weight=8,
            resource="LICENSED_USER",
        ),
        Sku(
            "101005",
            "1010050001",
            "Cloud Identity",
            "Cloud Identity Premium",
            Decimal("7.2"),
            ("flexible",),
            weight=6,
        ),
        Sku(
            "101001",
            "1010010001",
            "Cloud Identity",
            "Cloud Identity Free",
            Decimal(0),
            ("free",),
            weight=8,
            most=50,
        ),
        Sku(
            "101033",
            "1010330004",
            "Google Voice",
            "Google Voice Standard",
            Decimal(20),
            ("flexible", "commit_month"),
            addon=True,
            weight=5,
        ),
        Sku(
            "GCP",
            "6F81-5844-456A",
            "Google Cloud Platform",
            "Google Cloud Platform",
            Decimal(0),
            ("usage",),
            weight=8,
            resource="IAAS_USAGE",
        ),
    )
}
EDITIONS: Final = tuple(s for s in SKUS.values() if s.product == "Google-Apps")
PLANS: Final = {
    # plan: payment plan, payment type, months of the cycle, factor on the price
    "commit_month": ("COMMITMENT", "POSTPAY", 1, Decimal(1)),
    "commit_year": ("COMMITMENT", "PREPAY", 12, Decimal(12)),
    "flexible": ("FLEXIBLE", "POSTPAY", 1, Decimal("1.2")),
    "trial": ("TRIAL", "POSTPAY", 1, Decimal(0)),
    "free": ("FREE", "POSTPAY", 1, Decimal(0)),
    "usage": ("FLEXIBLE", "POSTPAY", 1, Decimal(0)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An offer; its price never changes, a new price is a new offer (§5.1)."""

    id: str
    sku: Sku
    plan: str
    currency: str
    base: Decimal
    since: datetime
    until: datetime | None = None

    @property
    def payment_plan(self) -> str:
        """The vendor's word for the plan."""
        return PLANS[self.plan][0]

    @property
    def is_commitment(self) -> bool:
        """Whether seats are promised for a term."""
        return self.payment_plan == "COMMITMENT"

    @property
    def effective(self) -> Decimal:
        """What the partner pays per seat and cycle."""
        return self.base * (1 - MARGIN)

    @property
    def cycle_months(self) -> int:
        """Months between two payments."""
        return PLANS[self.plan][2]

    @property
    def regions(self) -> list[str]:
        """Countries that pay in its currency."""
        return [
            c for c, (currency, _) in COUNTRIES.items() if currency == self.currency
        ]


class Catalog:
    """What is sold now and what was.

    Args:
        countries: Countries whose currencies are sold in.
        since: When the first prices began.
    """

    def __init__(self, countries: tuple[str, ...], since: datetime) -> None:
        self.current: dict[tuple[str, str, str], Offer] = {}
        self.every: dict[str, Offer] = {}
        self._factors: dict[str, Decimal] = {}
        self._generation = 0
        self._rates = dict(COUNTRIES[country] for country in countries)
        for sku in SKUS.values():
            self._publish(sku, since)

    def offer(self, code: str, plan: str, country: str) -> Offer:
        """The present offer; `KeyError` when the SKU is not sold that way."""
        currency = COUNTRIES[country][0]
        if currency not in self._rates:
            currency = next(iter(self._rates))
        return self.current[(code, plan, currency)]

    def listed(self) -> list[Offer]:
        """What is sold now, in a fixed order."""
        return sorted(self.current.values(), key=lambda offer: offer.id)

    def reprice(self, code: str, factor: Decimal, now: datetime) -> list[Offer]:
        """All plans of a SKU cost `factor` times the first price; old offers retire."""
        sku = SKUS[code]
        for key, old in self.current.items():
            if key[0] == code:
                self.every[old.id] = replace(old, until=now)
        self._factors[code] = factor
        self._generation += 1
        return self._publish(sku, now)

    def _publish(self, sku: Sku, since: datetime) -> list[Offer]:
        factor = self._factors.get(sku.code, Decimal(1))
        made = []
        for currency, rate in self._rates.items():
            for plan in sku.plans:
                price = sku.price * PLANS[plan][3] * rate * factor
                name = f"{sku.code}|{plan}|{currency}|{self._generation}"
                offer = Offer(
                    id=opaque(name),
                    sku=sku,
                    plan=plan,
                    currency=currency,
                    base=price.quantize(Decimal("0.01")),
                    since=since,
                )
                self.current[(sku.code, plan, currency)] = offer
                self.every[offer.id] = offer
                made.append(offer)
        return made
