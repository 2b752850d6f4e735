"""The simulated vendor's catalogue: products, SKUs, plans and prices.

Titles, product ids and the shape of plans follow vendors' public lists; prices
are invented but stand in realistic proportion (§3.2: monthly commitment about
20 % above annual, annual billed monthly about 5 % above upfront).
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

SEATS: Final = "OnlineServicesNCE"
SOFTWARE: Final = "Software"
AZURE: Final = "Azure"
MARGIN: Final = Decimal("0.80")  # partner pays 80 % of the recommended price
MARKETS: Final = {
    "US": ("USD", "$", Decimal("1.00")),
    "GB": ("GBP", "£", Decimal("0.82")),
    "DE": ("EUR", "€", Decimal("0.94")),
    "NL": ("EUR", "€", Decimal("0.94")),
    "FR": ("EUR", "€", Decimal("0.94")),
    "CA": ("CAD", "$", Decimal("1.36")),
    "AU": ("AUD", "$", Decimal("1.53")),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A term and a billing cycle, with the price of one cycle."""

    term: str
    cycle: str
    erp: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Sku:
    """One SKU of one product.

    Attributes:
        product_id: Twelve characters; ``CFQ7…`` for seats.
        sku_id: Four digits, unique within the product only.
        kind: ``OnlineServicesNCE``, ``Software`` or ``Azure``.
        plans: The ways to buy it; empty for what is priced by use.
        base: ``P:S`` of what must be owned first, for an add-on.
        weight: How often the generator takes it.
    """

    product_id: str
    sku_id: str
    title: str
    sku_title: str
    kind: str
    plans: tuple[Plan, ...]
    maximum: int = 300
    is_trial: bool = False
    base: str = ""
    weight: int = 0
    segment: str = "commercial"

    @property
    def key(self) -> str:
        """``P:S``, the stable name of the item."""
        return f"{self.product_id}:{self.sku_id}"

    @property
    def provisioning_id(self) -> str:
        """The GUID that joins to the directory's licences."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"provisioning:{self.key}"))

    def plan(self, term: str, cycle: str) -> Plan | None:
        """The plan of that term and cycle, or ``None``."""
        for plan in self.plans:
            if (plan.term, plan.cycle) == (term, cycle):
                return plan
        return None


@dataclass(frozen=True, slots=True)
class LegacyOffer:
    """An offer of the old commerce, known by a GUID."""

    offer_id: str
    title: str
    monthly: Decimal
    base: str = ""

    def cost(self, cycle: str) -> Decimal:
        """What the partner pays for one cycle."""
        months = 12 if cycle == "annual" else 1
        return _cents(self.monthly * months * MARGIN)

    def erp(self, cycle: str) -> Decimal:
        """The recommended price of one cycle."""
        return _cents(self.monthly * (12 if cycle == "annual" else 1))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _seat_plans(monthly: str, three_years: bool) -> tuple[Plan, ...]:
    upfront = Decimal(monthly)
    rates = [
        ("P1M", "monthly", upfront * Decimal("1.20")),
        ("P1Y", "monthly", upfront * Decimal("1.05")),
        ("P1Y", "annual", upfront * 12),
    ]
    if three_years:
        rates += [
            ("P3Y", "monthly", upfront * Decimal("1.05")),
            ("P3Y", "annual", upfront * 12),
            ("P3Y", "triennial", upfront * 36),
        ]
    return tuple(
        Plan(term, cycle, _cents(erp), _cents(_cents(erp) * MARGIN))
        for term, cycle, erp in rates
    )


def _seat(
    product: str,
    sku: str,
    title: str,
    monthly: str,
    weight: int,
    *,
    three_years: bool = False,
    base: str = "",
    maximum: int = 300,
) -> Sku:
    plans = _seat_plans(monthly, three_years)
    return Sku(
        product, sku, title, title, SEATS, plans, maximum, base=base, weight=weight
    )


_BIG: Final = 999_999_999
_BUSINESS_STANDARD: Final = "CFQ7TTC0LDPB:0001"
_E3: Final = "CFQ7TTC0LFLX:0001"

_SEATS: Final = (
    _seat("CFQ7TTC0LH18", "0001", "Microsoft 365 Business Basic", "6.00", 14),
    _seat("CFQ7TTC0LDPB", "0001", "Microsoft 365 Business Standard", "12.50", 16),
    _seat("CFQ7TTC0LCHC", "0002", "Microsoft 365 Business Premium", "22.00", 18),
    _seat("CFQ7TTC0LH1G", "0001", "Microsoft 365 Apps for business", "8.25", 6),
    _seat("CFQ7TTC0LH16", "0001", "Exchange Online (Plan 1)", "4.00", 12),
    _seat("CFQ7TTC0LH1P", "0001", "Exchange Online (Plan 2)", "8.00", 4),
    _seat("CFQ7TTC0LF8S", "0001", "Office 365 E1", "10.00", 3, maximum=_BIG),
    _seat(
        "CFQ7TTC0LF8R",
        "0001",
        "Office 365 E3",
        "23.00",
        5,
        three_years=True,
        maximum=_BIG,
    ),
    _seat(
        "CFQ7TTC0LFLX",
        "0001",
        "Microsoft 365 E3",
        "36.00",
        6,
        three_years=True,
        maximum=_BIG,
    ),
    _seat(
        "CFQ7TTC0LFLZ",
        "0002",
        "Microsoft 365 E5",
        "57.00",
        3,
        three_years=True,
        maximum=_BIG,
    ),
    _seat("CFQ7TTC0MBMD", "0002", "Microsoft 365 F3", "8.00", 3, maximum=_BIG),
    _seat("CFQ7TTC0LCH4", "0002", "Microsoft Intune Plan 1", "8.00", 4, maximum=_BIG),
    _seat("CFQ7TTC0LFLS", "0002", "Microsoft Entra ID P1", "6.00", 5, maximum=_BIG),
    _seat("CFQ7TTC0LFK5", "0001", "Microsoft Entra ID P2", "9.00", 2, maximum=_BIG),
    _seat("CFQ7TTC0HDB0", "0002", "Project Plan 3", "30.00", 3, maximum=_BIG),
    _seat("CFQ7TTC0HD32", "0002", "Visio Plan 2", "15.00", 4, maximum=_BIG),
    _seat("CFQ7TTC0HL8W", "0001", "Power BI Pro", "10.00", 5, maximum=_BIG),
    _seat("CFQ7TTC0JN4R", "0002", "Microsoft Defender for Business", "3.00", 6),
    _seat("CFQ7TTC0RM8K", "0001", "Windows 365 Business 2 vCPU 8 GB", "41.00", 2),
)
_ADDONS: Final = (
    _seat(
        "CFQ7TTC0LH0S",
        "0001",
        "Microsoft Defender for Office 365 (Plan 1)",
        "2.00",
        6,
        base=_BUSINESS_STANDARD,
        maximum=_BIG,
    ),
    _seat(
        "CFQ7TTC0MM8R",
        "0002",
        "Microsoft 365 Copilot",
        "30.00",
        5,
        base=_E3,
        maximum=_BIG,
    ),
    _seat(
        "CFQ7TTC0LHXH", "0001", "Microsoft Teams Phone Standard", "8.00", 4, base=_E3
    ),
    _seat("CFQ7TTC0LH0D", "0001", "Audio Conferencing", "4.00", 2, base=_E3),
)
_TRIALS: Final = (
    Sku(
        "CFQ7TTC0LCHC",
        "000T",
        "Microsoft 365 Business Premium",
        "Microsoft 365 Business Premium Trial",
        SEATS,
        (Plan("P1M", "none", Decimal(0), Decimal(0)),),
        maximum=25,
        is_trial=True,
    ),
    Sku(
        "CFQ7TTC0HL8W",
        "000T",
        "Power BI Pro",
        "Power BI Pro Trial",
        SEATS,
        (Plan("P1M", "none", Decimal(0), Decimal(0)),),
        maximum=25,
        is_trial=True,
    ),
)
_OTHERS: Final = (
    Sku(
        "DG7GMGF0D5RK",
        "0005",
        "Windows Server 2025 Standard - 16 Core License Pack",
        "Windows Server 2025 Standard - 16 Core License Pack - 1 year",
        SOFTWARE,
        (Plan("P1Y", "annual", Decimal("412.00"), Decimal("329.60")),),
        maximum=9999,
        weight=3,
    ),
    Sku(
        "DG7GMGF0D7FX",
        "0002",
        "SQL Server Standard Core - 2 Core License Pack",
        "SQL Server Standard Core - 2 Core License Pack - 1 year",
        SOFTWARE,
        (Plan("P1Y", "annual", Decimal("1418.00"), Decimal("1134.40")),),
        maximum=9999,
        weight=1,
    ),
    Sku("DZH318Z0BPS6", "0001", "Azure plan", "Azure plan", AZURE, (), weight=3),
)

SKUS: Final = {sku.key: sku for sku in (*_SEATS, *_ADDONS, *_TRIALS, *_OTHERS)}
BASES: Final = tuple(sku for sku in (*_SEATS, *_OTHERS))
ADDONS: Final = _ADDONS
TRIALS: Final = _TRIALS

LEGACY: Final = {
    offer.offer_id: offer
    for offer in (
        LegacyOffer(
            "031C9E47-4802-4248-838E-778FB1D2CC05",
            "Office 365 Business Premium (legacy)",
            Decimal("12.50"),
        ),
        LegacyOffer(
            "195416C1-3447-423A-B37B-EE59A99A19C4",
            "Exchange Online Plan 1 (legacy)",
            Decimal("4.00"),
        ),
        LegacyOffer(
            "796B6B5F-613C-4E24-A17C-EBA730D49C02",
            "Office 365 Enterprise E3 (legacy)",
            Decimal("20.00"),
        ),
        LegacyOffer(
            "A2706F86-868D-4048-989B-0C69E5C76B63",
            "Advanced Threat Protection add-on (legacy)",
            Decimal("2.00"),
            base="031C9E47-4802-4248-838E-778FB1D2CC05",
        ),
    )
}


def paid_sku(trial: Sku) -> Sku:
    """What a trial turns into."""
    for sku in SKUS.values():
        if sku.product_id == trial.product_id and not sku.is_trial:
            return sku
    raise LookupError(f"the trial {trial.key} has no paid SKU")


def availability_id(sku: Sku, rotation: int = 0) -> str:
    """The third part of a catalogue item id, which the vendor rotates (§3.2)."""
    digest = hashlib.blake2b(f"{sku.key}:{rotation}".encode(), digest_size=5)
    return "CFQ7TTC0" + digest.hexdigest().upper()[:4]


def convert(amount: Decimal, market: str) -> Decimal:
    """A dollar price in the market's currency, to the cent."""
    return _cents(amount * MARKETS[market][2])
