"""What Azure plans use, day by day (reference §6.1)."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Final

from entrepot.sdk.model import Period

from entrepot_microsoft.simulator import catalog, render
from entrepot_microsoft.simulator.book import Book
from entrepot_microsoft.simulator.model import Customer, Sub, Wire

_CENT: Final = Decimal("0.01")
_CREDIT: Final = Decimal(15)  # partner earned credit in percent
_LAG: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Meter:
    """Something metered: price of a unit, and usual quantity of a day."""

    name: str
    category: str
    service: str
    unit: str
    price: Decimal
    daily: int

    @property
    def id(self) -> str:
        """Stable for ever."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"meter:{self.name}"))


METERS: Final = (
    Meter(
        "D4s v5",
        "Virtual Machines",
        "Microsoft.Compute",
        "1 Hour",
        Decimal("0.192"),
        24,
    ),
    Meter(
        "Hot LRS Data Stored",
        "Storage",
        "Microsoft.Storage",
        "1 GB/Month",
        Decimal("0.0184"),
        12,
    ),
)


def lines(
    book: Book, partner: str, month: Period, number: str, now: datetime
) -> Iterator[Wire]:
    """Usage of all Azure plans in a month, as far as it is known."""
    end = min(month.end, (now - _LAG).date())
    for customer_id in book.every_customer_id():
        customer = book.known(customer_id, now)
        for sub in customer.subs.values():
            if sub.kind != catalog.AZURE:
                continue
            day = max(month.start, sub.created.date())
            while day < end and not _over(sub, day):
                for meter in METERS:
                    yield _line(customer, sub, partner, number, meter, day)
                day += timedelta(days=1)


def _over(sub: Sub, day: date) -> bool:
    since = sub.status_since
    return sub.status != "active" and since is not None and since.date() <= day


def _line(
    customer: Customer, sub: Sub, partner: str, number: str, meter: Meter, day: date
) -> Wire:
    seed = hashlib.sha256(f"{sub.id}{meter.name}{day}".encode()).digest()[0]
    quantity = Decimal(meter.daily) * (64 + seed) / 128
    price = meter.price * (100 - _CREDIT) / 100
    cost = (price * quantity).quantize(_CENT, ROUND_DOWN)
    currency = catalog.MARKETS[customer.market][0]
    entitlement = str(uuid.uuid5(uuid.NAMESPACE_URL, f"azure:{sub.id}"))
    product, _, sku = sub.item.partition(":")
    moment = render.moment(datetime(day.year, day.month, day.day, tzinfo=UTC), 0)
    return {
        "PartnerId": partner,
        "PartnerName": "Reseller",
        "CustomerId": customer.id,
        "CustomerName": customer.facts.name,
        "InvoiceNumber": number,
        "ProductId": product,
        "SkuId": sku,
        "SkuName": sub.name,
        "ProductName": sub.name,
        "SubscriptionId": sub.id.upper() if sub.spelling else sub.id,
        "SubscriptionDescription": sub.friendly_name,
        "ChargeType": "new",
        "UsageDate": moment,
        "ChargeStartDate": moment,
        "ChargeEndDate": moment,
        "MeterId": meter.id,
        "MeterName": meter.name,
        "MeterType": f"1 {meter.unit}",
        "MeterCategory": meter.category,
        "MeterSubCategory": "",
        "MeterRegion": "EU West",
        "Unit": meter.unit,
        "UnitType": meter.unit,
        "ResourceLocation": "EUWEST",
        "ResourceGroup": "PRODUCTION",
        "ResourceURI": f"/subscriptions/{entitlement}/resourceGroups/production/"
        f"providers/{meter.service}/{meter.name.replace(' ', '-').lower()}",
        "ConsumedService": meter.service,
        "EntitlementId": entitlement,
        "EntitlementDescription": sub.friendly_name,
        "Quantity": quantity,
        "UnitPrice": meter.price,
        "EffectiveUnitPrice": price,
        "BillingCurrency": currency,
        "BillingPreTaxTotal": cost,
        "PricingCurrency": currency,
        "PricingPreTaxTotal": cost,
        "PCToBCExchangeRate": Decimal(1),
        "CreditType": "Partner Earned Credit",
        "CreditPercentage": _CREDIT,
        "Tags": "",
        "AdditionalInfo": "",
        "ServiceInfo1": "",
        "ServiceInfo2": "",
    }
