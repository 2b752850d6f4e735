"""The simulated catalogue: services, plans, prices, and how their brokers behave."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

# country as the vendor writes it: (currency, units of it per US dollar)
MARKETS: Final = {
    "USA": ("USD", Decimal(1)),
    "DEU": ("EUR", Decimal("0.92")),
    "GBR": ("GBP", Decimal("0.79")),
    "CAN": ("CAD", Decimal("1.36")),
    "AUS": ("AUD", Decimal("1.52")),
}
MARKET_OF: Final = {
    # ISO country of a customer: the market it pays in; elsewhere it is the USA
    "DE": "DEU",
    "GB": "GBR",
    "CA": "CAN",
    "AU": "AUS",
}
ODD_COUNTRY: Final = "ZZZ"  # price lists contain wrong codes (T22)
REGIONS: Final = ("us-south", "us-east", "eu-de", "eu-gb", "au-syd")


@dataclass(frozen=True, slots=True)
class Metric:
    """How one metric is priced in US dollars; several tiers (upper bound, price)."""

    id: str
    unit: str
    price: Decimal
    typical: int
    tiers: tuple[tuple[int, Decimal], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan and its broker.

    Attributes:
        kind: Pricing type; its letter case varies on the wire.
        seconds: Length of asynchronous work; 0 = at once.
        seats: Parameter that holds a bought quantity; empty for consumption.
    """

    name: str
    title: str
    kind: str = "paid"
    metrics: tuple[Metric, ...] = ()
    seconds: int = 0
    reclaimable: bool = False
    one_per_account: bool = False
    fails: bool = False
    cancelable: bool = False
    seats: str = ""
    part: str = ""
    active: bool = True
    disabled: bool = False
    weight: int = 0
    service: str = ""

    @property
    def id(self) -> str:
        """The plan's id: stable for ever."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"ibm:{self.service}:{self.name}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service of the catalogue."""

    name: str
    title: str
    plans: tuple[Plan, ...]
    updateable: bool = True
    provisionable: bool = True
    downgrades: bool = True
    regions: tuple[str, ...] = REGIONS
    tags: tuple[str, ...] = field(default=())

    @property
    def id(self) -> str:
        """The service's id: stable for ever."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"ibm:{self.name}"))


def _metric(
    name: str, unit: str, price: str, typical: int, *tiers: tuple[int, str]
) -> Metric:
    made = tuple((upper, Decimal(each)) for upper, each in tiers)
    return Metric(name, unit, Decimal(price), typical, made)


def _service(name: str, title: str, *plans: Plan, **more: object) -> Service:
    own = tuple(replace(plan, service=name) for plan in plans)
    return Service(name=name, title=title, plans=own, **more)  # type: ignore[arg-type]  # fields of Service


_LITE = Plan(name="lite", title="Lite", kind="free")

SERVICES: Final = (
    _service(
        "cloud-object-storage",
        "Cloud Object Storage",
        _LITE,
        Plan(
            name="standard",
            title="Standard",
            metrics=(
                _metric("STORAGE", "Gigabyte-month", "0.0230", 900),
                _metric("CLASS_A_CALLS", "1000 calls", "0.0054", 400),
                _metric("BANDWIDTH", "Gigabyte", "0.09", 120),
            ),
            reclaimable=True,
            weight=16,
        ),
    ),
    _service(
        "databases-for-postgresql",
        "Databases for PostgreSQL",
        Plan(
            name="standard",
            title="Standard",
            metrics=(
                _metric("GIGABYTE_MONTHS_RAM", "GB-month RAM", "5.34", 8),
                _metric("GIGABYTE_MONTHS_DISK", "GB-month disk", "0.616", 60),
            ),
            seconds=1200,
            reclaimable=True,
            cancelable=True,
            weight=12,
        ),
    ),
    _service(
        "cloudantnosqldb",
        "Cloudant",
        _LITE,
        Plan(
            name="standard",
            title="Standard",
            metrics=(
                _metric("READ_CAPACITY", "read unit-hour", "0.24962151999999999", 300),
            ),
            seconds=300,
            reclaimable=True,
            weight=9,
        ),
    ),
    _service(
        "event-streams",
        "Event Streams",
        _LITE,
        Plan(
            name="standard",
            title="Standard",
            kind="Paid",
            metrics=(
                _metric("PARTITION_HOURS", "Partition-hour", "0.0139", 3000),
                _metric("OUTBOUND", "Gigabyte", "0.063", 200),
            ),
            weight=8,
        ),
        Plan(
            name="enterprise",
            title="Enterprise",
            metrics=(
                _metric("CAPACITY_UNIT_HOURS", "capacity unit-hour", "6.85", 730),
            ),
            seconds=7200,
            weight=2,
        ),
        downgrades=False,
    ),
    _service(
        "pm-20",
        "watsonx.ai Runtime",
        _LITE,
        Plan(
            name="v2-professional",
            title="Essentials",
            metrics=(
                _metric("CAPACITY_UNIT_HOURS", "capacity unit-hour", "0.52", 90),
                _metric("MODEL_TOKENS", "1000 tokens", "0.0006", 90000),
            ),
            one_per_account=True,
            weight=8,
        ),
    ),
    _service(
        "appid",
        "App ID",
        _LITE,
        Plan(
            name="graduated-tier",
            title="Graduated tier",
            metrics=(
                _metric(
                    "AUTHENTICATION_EVENTS",
                    "event",
                    "0.003",
                    20000,
                    (100_000, "0.003"),
                    (1_000_000, "0.0025"),
                ),
            ),
            weight=6,
        ),
    ),
    _service(
        "continuous-delivery",
        "Continuous Delivery",
        _LITE,
        Plan(
            name="professional",
            title="Professional",
            metrics=(_metric("AUTHORIZED_USERS", "authorized user", "25.00", 12),),
            seats="users",
            part="D1WZNLL",
            weight=16,
        ),
        regions=("us-south", "eu-de"),
    ),
    _service(
        "maas360-devices",
        "MaaS360",
        Plan(
            name="essentials-device",
            title="Essentials device",
            kind="subscription",
            metrics=(_metric("DEVICES", "device", "4.00", 40),),
            seats="devices",
            part="D10GNLL",
            weight=20,
        ),
        Plan(
            name="deluxe-device",
            title="Deluxe device",
            kind="subscription",
            metrics=(_metric("DEVICES", "device", "5.00", 60),),
            seats="devices",
            part="D10GQLL",
            weight=10,
        ),
        Plan(
            name="enterprise-device",
            title="Enterprise device",
            kind="subscription",
            metrics=(_metric("DEVICES", "device", "9.00", 90),),
            seats="devices",
            part="D10GTLL",
            weight=6,
        ),
        regions=("global",),
    ),
    _service(
        "sysdig-monitor",
        "Cloud Monitoring",
        Plan(
            name="graduated-tier",
            title="Graduated tier",
            metrics=(_metric("TIME_SERIES", "time series-hour", "0.0001", 500000),),
            weight=7,
        ),
        Plan(name="retired", title="Retired tier", active=False, disabled=True),
        updateable=False,
    ),
    _service(
        "quantum-preview",
        "Quantum preview",
        Plan(name="open", title="Open", metrics=()),
        Plan(
            name="unstable",
            title="Unstable",
            metrics=(_metric("SECONDS", "second", "1.60", 30),),
            seconds=60,
            fails=True,
        ),
        provisionable=False,
    ),
)
PLANS: Final = {plan.id: plan for service in SERVICES for plan in service.plans}
SERVICE_OF: Final = {p.id: service for service in SERVICES for p in service.plans}
SOLD: Final = tuple(plan for plan in PLANS.values() if plan.weight)


@dataclass(frozen=True, slots=True)
class Part:
    """A part number that stands in no catalogue (tracks P and S)."""

    number: str
    name: str
    track: str
    category: str
    term: str
    months: int
    monthly: Decimal
    unit: str


PARTS: Final = (
    Part(
        "D025ILL",
        "IBM Cloud Platform (12 Months), 1-49K Annual Spend",
        "P",
        "PLATFORM",
        "P1Y",
        12,
        Decimal("2083.333333333334"),
        "commitment",
    ),
    Part(
        "D025JLL",
        "IBM Cloud Platform (36 Months), 50-99K Annual Spend",
        "P",
        "PLATFORM",
        "P3Y",
        36,
        Decimal("5416.666666666667"),
        "commitment",
    ),
    Part(
        "D026ALL",
        "IBM Cloud Advanced Support (12 Months)",
        "P",
        "SUPPORT",
        "P1Y",
        12,
        Decimal("200.00"),
        "commitment",
    ),
    Part(
        "D1K5XLL",
        "IBM MaaS360 with Watson Essentials per Client Device",
        "S",
        "SERVICE",
        "P1Y",
        12,
        Decimal("3.20"),
        "device",
    ),
)
PART: Final = {part.number: part for part in PARTS}
