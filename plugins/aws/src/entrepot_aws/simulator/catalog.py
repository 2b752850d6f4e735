"""What the simulated vendor sells: Marketplace products, Savings Plans, services."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

SELLER = {"sellerProfileId": "seller-simulated", "displayName": "Simulated Software"}
YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something a product is counted in; monthly price of one."""

    key: str
    title: str
    monthly: Decimal

    def price(self, selector: str) -> Decimal:
        """Price of one for a duration; a year costs ten months."""
        return self.monthly if selector == "P1M" else self.monthly * 10


@dataclass(frozen=True, slots=True)
class Product:
    """A Marketplace product with one public offer."""

    id: str
    title: str
    dimensions: tuple[Dimension, ...]

    @property
    def offer(self) -> str:
        """Id of its offer."""
        return self.id.replace("prod-", "offer-")

    def dimension(self, key: str) -> Dimension:
        """One of its dimensions."""
        return next(each for each in self.dimensions if each.key == key)


SELECTORS = ("P1M", "P12M")
PRODUCTS = (
    Product(
        "prod-sim000backup1",
        "Backup for everything",
        (Dimension("workload", "Protected workload", Decimal("4.80")),),
    ),
    Product(
        "prod-sim0security2",
        "Endpoint security",
        (
            Dimension("server", "Server", Decimal("9.25")),
            Dimension("desktop", "Desktop", Decimal("3.10")),
        ),
    ),
    Product(
        "prod-sim00monitor3",
        "Monitoring",
        (Dimension("host", "Host", Decimal("15.375")),),
    ),
)
BY_ID = {product.id: product for product in PRODUCTS}
BY_OFFER = {product.offer: product for product in PRODUCTS}


@dataclass(frozen=True, slots=True)
class Offering:
    """A Savings Plan that can be bought."""

    id: str
    kind: str
    payment: str
    years: int


OFFERINGS = tuple(
    Offering(f"00000000-0000-4000-8000-{number:012d}", kind, payment, years)
    for number, (kind, payment, years) in enumerate(
        (kind, payment, years)
        for kind in ("Compute", "SageMaker", "Database")
        for payment in ("No Upfront", "Partial Upfront", "All Upfront")
        for years in (1, 3)
    )
)


@dataclass(frozen=True, slots=True)
class Service:
    """Something metered: unit price and usual monthly quantity."""

    code: str
    title: str
    usage: str
    operation: str
    unit: str
    rate: Decimal
    monthly: Decimal


SERVICES = (
    Service(
        "AmazonEC2",
        "Amazon Elastic Compute Cloud - Compute",
        "BoxUsage:m6i.large",
        "RunInstances",
        "Hrs",
        Decimal("0.096"),
        Decimal(1460),
    ),
    Service(
        "AmazonS3",
        "Amazon Simple Storage Service",
        "TimedStorage-ByteHrs",
        "StandardStorage",
        "GB-Mo",
        Decimal("0.023"),
        Decimal("812.4375"),
    ),
    Service(
        "AmazonRDS",
        "Amazon Relational Database Service",
        "InstanceUsage:db.t4g.medium",
        "CreateDBInstance:0014",
        "Hrs",
        Decimal("0.065"),
        Decimal(730),
    ),
)
TAX_RATE = Decimal("0.07")
