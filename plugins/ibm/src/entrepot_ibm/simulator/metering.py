"""What instances use in a month, and what it costs from each viewpoint (§4.3)."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from entrepot.sdk.model.time import add_months

from entrepot_ibm.simulator import catalog
from entrepot_ibm.simulator.catalog import Metric
from entrepot_ibm.simulator.model import Account, Instance, Option, Wire, stamp

SHARE: Final = {
    # Part of the list price that each level of the hierarchy pays.
    "DISTRIBUTOR": Decimal("0.70"),
    "RESELLER": Decimal("0.80"),
    "END_CUSTOMER": Decimal("0.95"),
}
CLOSES: Final = 8  # late records arrive until that day of the next month (B27)
_LATE: Final = Decimal("0.985")
_PLACES: Final = Decimal("0.0001")
_RUNS: Final = ("active",)


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the vendor's books."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, text: str) -> Month:
        """The month ``yyyy-mm``; ValueError for another text."""
        start = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
        after = add_months(start.date(), 1)
        return cls(start, start.replace(year=after.year, month=after.month))

    @property
    def text(self) -> str:
        """As ``yyyy-mm``."""
        return f"{self.start:%Y-%m}"

    def frozen(self, now: datetime) -> bool:
        """Whether nothing is booked into it any more."""
        return now >= self.end + timedelta(days=CLOSES - 1)

    def before(self) -> Month:
        """The month before it."""
        return Month.of(f"{self.start - timedelta(days=1):%Y-%m}")


@dataclass(frozen=True, slots=True)
class Metered:
    """One metric of one instance in a month."""

    instance: Instance
    metric: Metric
    quantity: Decimal
    list_cost: Decimal
    billable: bool


def metered(account: Account, month: Month, now: datetime) -> Iterator[Metered]:
    """Everything an account used in a month as far as it is known now."""
    for instance in account.instances.values():
        share = _share(instance, month, now)
        plan = catalog.PLANS[instance.plan_id]
        if share <= 0 or not plan.metrics:
            continue
        rng = _rng(instance.guid, month.text)
        for metric in plan.metrics:
            base = Decimal(str(round(metric.typical * rng.uniform(0.5, 1.5), 2)))
            if plan.seats:
                base = Decimal(int(instance.extensions.get(plan.seats, 0)))
            quantity = (base * share).quantize(_PLACES)
            cost = quantity * _price(metric, quantity)
            cost *= account.restated.get((month.text, plan.id), Decimal(1))
            billable = int(instance.guid[:2], 16) >= 12
            yield Metered(instance, metric, quantity, cost, billable)


def _share(instance: Instance, month: Month, now: datetime) -> Decimal:
    """Part of the month that counts; a month just ended lacks its late records.

    Usage is booked by the hour.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    end = min(month.end, hour)
    if instance.state not in _RUNS:
        end = min(end, instance.since)
    start = max(month.start, instance.created)
    if end <= start:
        return Decimal(0)
    part = Decimal(str((end - start) / (month.end - month.start)))
    return part if month.frozen(now) else part * _LATE


def _price(metric: Metric, quantity: Decimal) -> Decimal:
    for upper, price in metric.tiers:
        if quantity <= upper:
            return price
    return metric.tiers[-1][1] if metric.tiers else metric.price


def _rng(guid: str, month: str) -> random.Random:
    digest = hashlib.blake2b(f"{guid}:{month}".encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest, "big"))  # noqa: S311 - not for secrets


def resources(
    account: Account, month: Month, now: datetime, viewpoint: str, rate: Decimal
) -> list[Wire]:
    """`resources[]` of a usage report; every sum fits (§7)."""
    plans: dict[tuple[str, str, bool], dict[str, list[Decimal]]] = {}
    for one in metered(account, month, now):
        key = (one.instance.plan_id, one.instance.region, one.billable)
        per = plans.setdefault(key, {})
        row = per.setdefault(one.metric.id, [Decimal(0), Decimal(0)])
        row[0] += one.quantity
        row[1] += one.list_cost * rate
    by_service: dict[str, list[Wire]] = {}
    for (plan_id, region, billable), metrics in plans.items():
        made = _plan(plan_id, region, billable, metrics, SHARE[viewpoint])
        service = catalog.SERVICE_OF[plan_id]
        by_service.setdefault(service.name, []).append(made)
    return [_resource(name, rows) for name, rows in by_service.items()]


def _plan(
    plan_id: str,
    region: str,
    billable: bool,
    metrics: dict[str, list[Decimal]],
    share: Decimal,
) -> Wire:
    plan = catalog.PLANS[plan_id]
    units = {metric.id: metric.unit for metric in plan.metrics}
    usage = [
        {
            "metric": name,
            "unit": units[name],
            "quantity": float(quantity),
            "rateable_quantity": float(quantity),
            "cost": float(cost * share),
            "rated_cost": float(cost),
            "price": [],
        }
        for name, (quantity, cost) in metrics.items()
    ]
    total = sum((cost for _, cost in metrics.values()), Decimal(0))
    return {
        "plan_id": plan_id,
        "pricing_region": region,
        "pricing_plan_id": f"billable:v4:{plan_id}:1577836800000:",
        "billable": billable,
        "cost": float(total * share),
        "rated_cost": float(total),
        "usage": usage,
    }


def _resource(name: str, plans: list[Wire]) -> Wire:
    def total(member: str, billable: bool) -> float:
        rows = (p[member] for p in plans if p["billable"] is billable)
        return float(sum(rows))

    service = next(s for s in catalog.SERVICES if s.name == name)
    return {
        "resource_id": service.id,
        "resource_name": service.title,
        "billable_cost": total("cost", True),
        "billable_rated_cost": total("rated_cost", True),
        "non_billable_cost": total("cost", False),
        "non_billable_rated_cost": total("rated_cost", False),
        "plans": plans,
    }


def instance_rows(account: Account, month: Month, now: datetime) -> list[Wire]:
    """Usage by instance, for the account's own credential (§4.6)."""
    by_guid: dict[str, list[Metered]] = {}
    for one in metered(account, month, now):
        by_guid.setdefault(one.instance.guid, []).append(one)
    return [_instance_row(account, rows, month) for rows in by_guid.values()]


def _instance_row(account: Account, rows: list[Metered], month: Month) -> Wire:
    instance = rows[0].instance
    service = catalog.SERVICE_OF[instance.plan_id]
    share = SHARE["RESELLER"]
    currency, rate = catalog.MARKETS[account.market]
    return {
        "account_id": account.id,
        "resource_instance_id": crn(instance),
        "resource_instance_name": instance.name,
        "resource_id": service.id,
        "resource_name": service.title,
        "resource_group_id": instance.group_id,
        "plan_id": instance.plan_id,
        "plan_name": catalog.PLANS[instance.plan_id].title,
        "pricing_plan_id": f"billable:v4:{instance.plan_id}:1577836800000:",
        "region": instance.region,
        "pricing_region": instance.region,
        "pricing_country": account.market,
        "currency_code": currency,
        "currency_rate": float(rate),
        "billable": rows[0].billable,
        "pending": False,
        "month": month.text,
        "created_at": stamp(instance.created),
        "usage": [
            {
                "metric": one.metric.id,
                "unit": one.metric.unit,
                "quantity": float(one.quantity),
                "rateable_quantity": float(one.quantity),
                "cost": float(one.list_cost * rate * share),
                "rated_cost": float(one.list_cost * rate),
                "non_chargeable": False,
                "price": [],
                "discounts": [],
            }
            for one in rows
        ],
    }


def crn(instance: Instance) -> str:
    """The instance's CRN, which is its id too (§2)."""
    service = catalog.SERVICE_OF[instance.plan_id].name
    return (
        f"crn:v1:bluemix:public:{service}:{instance.region}:"
        f"a/{instance.account_id}:{instance.guid}::"
    )


class Ledger:
    """Credit pools: what commitments cover, and what goes beyond (B25)."""

    def __init__(self) -> None:
        self._closed: dict[tuple[str, str], Decimal] = {}

    def forget(self, account_id: str, month: str) -> None:
        """Count a month again, since it was corrected."""
        self._closed.pop((account_id, month), None)

    def cost(self, account: Account, month: Month, now: datetime) -> Decimal:
        """Billable cost of a month; kept once the month is frozen."""
        known = self._closed.get((account.id, month.text))
        if known is not None:
            return known
        rows = (m.list_cost for m in metered(account, month, now) if m.billable)
        found = sum(rows, Decimal(0)) * SHARE["RESELLER"]
        if month.frozen(now):
            self._closed[account.id, month.text] = found
        return found

    def pool(
        self, account: Account, option: Option, month: Month, now: datetime
    ) -> tuple[Wire, Decimal]:
        """The option's term in a month, and its overage, in the account's currency."""
        start = _term_start(option, month)
        months = min(12, option.months)
        total = option.monthly * months
        balance, each = total, Month.of(f"{start:%Y-%m}")
        while each.start < month.start:
            balance -= min(balance, self._due(account, option, each, now))
            each = Month.of(f"{add_months(each.start.date(), 1):%Y-%m}")
        wanted = self._due(account, option, month, now)
        used = min(balance, wanted)
        end = add_months(start.date(), months)
        rate = catalog.MARKETS[account.market][1]
        return {
            "billing_option_id": option.id,
            "billing_option_model": "4.0",
            "category": option.category,
            "start_date": stamp(start),
            "end_date": f"{end:%Y-%m-%d}T00:00:00.000Z",
            "total_credits": float(total * rate),
            "starting_balance": float(balance * rate),
            "used_credits": float(used * rate),
            "current_balance": float((balance - used) * rate),
            "resources": [],
        }, (wanted - used) * rate

    def _due(
        self, account: Account, option: Option, month: Month, now: datetime
    ) -> Decimal:
        if option.category == "SUPPORT":
            return option.amount(month.text)
        return self.cost(account, month, now)


def _term_start(option: Option, month: Month) -> datetime:
    """Terms are of a year at most; unused credit does not roll over (§4.8)."""
    start = option.start
    while (after := _year_later(start)) <= month.start:
        start = after
    return start


def _year_later(moment: datetime) -> datetime:
    day = add_months(moment.date(), 12)
    return moment.replace(year=day.year, month=day.month, day=day.day)
