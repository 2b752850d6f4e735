"""The reseller billing export: rows as Google writes them, appended daily (§8.2)."""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from entrepot.sdk.model.time import add_months

from entrepot_google.simulator.book import Book
from entrepot_google.simulator.model import Customer, Entitlement

PACIFIC = ZoneInfo("America/Los_Angeles")
_CENT = Decimal("0.01")
_TAX = Decimal("0.08")
_CLOUD = (
    # service, SKU, name, unit, dollars a unit
    ("6F81-5844-456A", "D2F1-4A51-9A1B", "N2 Instance Core", "hour", "0.0316"),
    ("95FF-2EF5-5EA1", "E5F0-6A5D-7BAD", "Standard Storage", "gibibyte", "0.0008"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row, its nested members flattened.

    Attributes:
        first: First day, in Pacific time.
        after: Day after the last.
    """

    invoice_month: str
    customer_name: str
    entitlement_name: str
    billing_account_id: str
    cost_type: str
    cost: Decimal
    currency: str
    first: date
    after: date
    service_id: str = ""
    service_description: str = ""
    sku_id: str = ""
    sku_description: str = ""
    usage_type: str = ""
    order_id: str = ""
    domain_name: str = ""
    project_id: str = ""
    unit: str = ""
    quantity: Decimal = Decimal(0)
    credits: Decimal = Decimal(0)
    cost_at_list: Decimal | None = None
    customer_correlation_id: str = ""
    payer_billing_account_id: str = "01A2B3-C4D5E6-F70809"


class Ledger:
    """Rows of all months up to now.

    Args:
        account: Resource name of the partner account.
        book: Whose entitlements are charged.
        source: File with further rows, one JSON object of the export's form a line.
    """

    def __init__(self, account: str, book: Book, source: Path | None) -> None:
        self._account, self._book = account, book
        self._late: list[Row] = []
        if source is not None:
            lines = source.read_bytes().splitlines()
            self._late = [_from_json(line) for line in lines if line.strip()]

    def rows(self, months: Iterable[str], now: datetime) -> list[Row]:
        """The rows of these invoice months, as far as they are written."""
        wanted, today = set(months), now.astimezone(PACIFIC).date()
        found = [row for row in self._late if row.invoice_month in wanted]
        for month in sorted(wanted):
            first = date(int(month[:4]), int(month[4:]), 1)
            if first > today:
                continue
            for customer in self._book.every():
                found += self._month(customer, first, today)
        return found

    def restate(self, customer_id: str, now: datetime) -> int:
        """Late rows correct every line of a customer's last two months by one unit."""
        today = now.astimezone(PACIFIC).date()
        months = [add_months(today.replace(day=1), -n).strftime("%Y%m") for n in (0, 1)]
        name = f"{self._account}/customers/{customer_id}"
        late: dict[tuple[str, ...], Row] = {}
        for row in self.rows(months, now):
            if row.customer_name == name:
                key = (row.invoice_month, row.entitlement_name, row.sku_id)
                late[(*key, row.cost_type, row.usage_type, row.order_id)] = row
        self._late += [
            replace(row, cost=Decimal(1), quantity=Decimal(0)) for row in late.values()
        ]
        return len(late)

    def append(self, row: Row) -> None:
        """A row that Google wrote for a reason of its own."""
        self._late.append(row)

    def _month(self, customer: Customer, first: date, today: date) -> Iterator[Row]:
        after = add_months(first, 1)
        until = min(after, today + timedelta(days=1))
        total, currency = Decimal(0), ""
        for found in (*customer.entitlements.values(), *customer.ended.values()):
            for row in self._lines(customer, found, first, until):
                total, currency = total + row.cost, row.currency
                yield row
        tax = (total * _TAX).quantize(_CENT)
        if tax and after <= today:
            yield Row(
                **self._whose(customer, None),
                invoice_month=first.strftime("%Y%m"),
                cost_type="tax",
                cost=tax,
                currency=currency,
                first=first,
                after=after,
                sku_description="Tax",
            )

    def _lines(
        self, customer: Customer, found: Entitlement, first: date, until: date
    ) -> Iterator[Row]:
        start = max(first, found.created.astimezone(PACIFIC).date())
        if start >= until or found.is_trial:
            return
        plan = found.offer.plan
        if plan == "commit_month":
            share = Decimal((until - start).days) / _days(first)
            cost = found.offer.effective * found.seats * share
            yield self._seats(
                customer, found, "COMMITMENT_MONTHLY_ITEM", cost, start, until
            )
        elif plan == "commit_year":
            yield from self._prepaid(customer, found, start, until)
        elif plan == "flexible":
            yield from self._flexible(customer, found, start, until)
        elif plan == "usage":
            yield from self._cloud(customer, found, start, until)

    def _prepaid(
        self, customer: Customer, found: Entitlement, start: date, until: date
    ) -> Iterator[Row]:
        began = found.start.astimezone(PACIFIC).date() if found.start else start
        if not start <= began < until:
            return
        cost = found.offer.effective * found.seats
        item = "COMMITMENT_PREPAY_BILLING_PERIOD_ITEM"
        yield self._seats(
            customer, found, item, cost, began, add_months(began, 12), start
        )

    def _flexible(
        self, customer: Customer, found: Entitlement, start: date, until: date
    ) -> Iterator[Row]:
        """Pairs of rows that only their sum makes sense of (§8.2)."""
        share = Decimal((until - start).days) / _days(start.replace(day=1))
        cost = (found.offer.effective * found.assigned * share).quantize(_CENT)
        item = "FLEXIBLE_SEATS_ITEM"
        for part in (cost * 2, -cost):
            yield self._seats(customer, found, item, part, start, until)

    def _cloud(
        self, customer: Customer, found: Entitlement, start: date, until: date
    ) -> Iterator[Row]:
        for project in range(found.projects):
            for service, sku, name, unit, price in _CLOUD:
                day = start
                while day < until:
                    used = _amount(found.id, project, sku, day)
                    cost = (used * Decimal(price)).quantize(Decimal("0.000001"))
                    yield Row(
                        **self._whose(customer, found),
                        invoice_month=day.strftime("%Y%m"),
                        cost_type="regular",
                        cost=cost,
                        credits=-(cost / 20).quantize(Decimal("0.000001")),
                        currency=found.offer.currency,
                        first=day,
                        after=day + timedelta(days=1),
                        service_id=service,
                        service_description="Google Cloud",
                        sku_id=sku,
                        sku_description=name,
                        project_id=f"project-{project + 1}",
                        unit=unit,
                        quantity=used,
                        cost_at_list=cost,
                    )
                    day += timedelta(days=1)

    def _seats(
        self,
        customer: Customer,
        found: Entitlement,
        item: str,
        cost: Decimal,
        first: date,
        after: date,
        billed: date | None = None,
    ) -> Row:
        sku = found.offer.sku
        return Row(
            **self._whose(customer, found),
            invoice_month=(billed or first).strftime("%Y%m"),
            cost_type="regular",
            cost=cost.quantize(_CENT),
            currency=found.offer.currency,
            first=first,
            after=after,
            service_id=sku.product,
            service_description=sku.family,
            sku_id=sku.code,
            sku_description=sku.name,
            usage_type=item,
            order_id=f"order-{found.provisioning_id}",
            unit="seat",
            quantity=Decimal(found.seats),
        )

    def _whose(self, customer: Customer, found: Entitlement | None) -> dict[str, Any]:
        name = f"{self._account}/customers/{customer.id}"
        entitlement = f"{name}/entitlements/{found.id}" if found else ""
        is_cloud = found is not None and found.offer.plan == "usage"
        account = found.provisioning_id if found and is_cloud else customer.identity
        return {
            "customer_name": name,
            "entitlement_name": entitlement,
            "billing_account_id": account,
            "domain_name": "" if is_cloud else customer.facts.domain,
            "customer_correlation_id": customer.correlation,
        }


def _days(first: date) -> Decimal:
    return Decimal(calendar.monthrange(first.year, first.month)[1])


def _amount(entitlement: str, project: int, sku: str, day: date) -> Decimal:
    text = f"{entitlement}|{project}|{sku}|{day}"
    number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest())
    return Decimal(number % 480_000) / 1000


def _from_json(line: bytes) -> Row:
    """A row of the export as BigQuery writes it to a file, one JSON object a line."""
    found = msgspec.json.decode(line)
    labels = {
        each["key"].rpartition("/")[2]: each["value"]
        for each in found.get("system_labels") or ()
    }
    service, sku = found.get("service") or {}, found.get("sku") or {}
    usage = found.get("usage") or {}
    listed = found.get("cost_at_list")
    return Row(
        invoice_month=found["invoice"]["month"],
        customer_name=found.get("customer_name") or "",
        entitlement_name=found.get("entitlement_name") or "",
        billing_account_id=found.get("billing_account_id") or "",
        payer_billing_account_id=found.get("payer_billing_account_id") or "",
        cost_type=found["cost_type"],
        cost=Decimal(str(found["cost"])),
        currency=found["currency"],
        first=_pacific_day(found["usage_start_time"]),
        after=_pacific_day(found["usage_end_time"]),
        service_id=service.get("id") or "",
        service_description=service.get("description") or "",
        sku_id=sku.get("id") or "",
        sku_description=sku.get("description") or "",
        usage_type=labels.get("usage_type", ""),
        order_id=labels.get("order_id", ""),
        domain_name=labels.get("domain_name", ""),
        project_id=(found.get("project") or {}).get("id") or "",
        unit=usage.get("pricing_unit") or "",
        quantity=Decimal(str(usage.get("amount_in_pricing_unit") or 0)),
        credits=sum(
            (Decimal(str(each["amount"])) for each in found.get("credits") or ()),
            Decimal(0),
        ),
        cost_at_list=None if listed is None else Decimal(str(listed)),
        customer_correlation_id=found.get("customer_correlation_id") or "",
    )


def _pacific_day(text: str) -> date:
    clean = text.replace(" UTC", "+00:00").replace("Z", "+00:00")
    return datetime.fromisoformat(clean).astimezone(PACIFIC).date()
