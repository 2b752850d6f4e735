"""Usage reports as usage lines and charges (§4.2, §4.3, §4.6, §7; pure).

A charge is a billable plan of one customer and month at *cost* (after discount,
T13); a usage line is one metric of it. Both are restated while the month is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from entrepot.sdk.model import Charge, ChargeKind, Money, Period, UsageLine
from entrepot.sdk.model.time import add_months

import entrepot_ibm.wire as wire
from entrepot_ibm.mapping.spelling import currency, end_moment, moment, month_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What all lines of one reading share.

    Attributes:
        customer_id: Whose they are.
        month: ``yyyy-mm``.
        period: Its days.
        open: Whether the vendor may still change them.
        currency: For reports that name none.
    """

    customer_id: str
    month: str
    period: Period
    open: bool
    currency: str


def book(
    customer_id: str, month: str, today: date, invoice_day: int, fallback: str
) -> Book:
    """The frame of a month; open until the invoice day of the month after (T26).

    Raises:
        ValueError: `month` is no month.
    """
    period = month_of(month)
    if period is None:
        msg = f"not a month: {month!r}"
        raise ValueError(msg)
    final = add_months(period.start, 1).replace(day=invoice_day)
    return Book(
        customer_id=customer_id,
        month=month,
        period=period,
        open=today < final,
        currency=fallback,
    )


def charges(
    reports: Iterable[wire.ReportWire],
    frame: Book,
    selling: Iterable[wire.ReportWire] = (),
) -> list[Charge]:
    """One charge per billable plan; `selling` adds what the customer is to pay."""
    sold = {
        _plan_id(frame, resource, plan): plan.cost
        for report in selling
        for resource, plan in _plans(report)
    }
    found: dict[str, Charge] = {}
    for report in reports:
        money = currency(report.currency_code, frame.currency)
        for resource, plan in _plans(report):
            if plan.billable and money:
                made = _charge(report, resource, plan, frame, money, sold)
                found[made.vendor_id] = made
    return list(found.values())


def usage(reports: Iterable[wire.ReportWire], frame: Book) -> list[UsageLine]:
    """One line per metric, billable or not."""
    found = {}
    for report in reports:
        money = currency(report.currency_code, frame.currency)
        for resource, plan in _plans(report):
            for metric in plan.usage or ():
                line = _usage(resource, plan, metric, frame, money)
                found[line.vendor_id] = line
    return list(found.values())


def instance_usage(
    rows: Iterable[wire.InstanceUsageWire], frame: Book
) -> list[UsageLine]:
    """One line per instance and metric, from the customer's own account (§4.6)."""
    found = {}
    for row in rows:
        money = currency(row.currency_code, frame.currency)
        for metric in row.usage or ():
            line = _instance_line(row, metric, frame, money)
            found[line.vendor_id] = line
    return list(found.values())


def commitment_charges(
    options: Iterable[wire.OptionWire], pools: Iterable[wire.PoolWire], frame: Book
) -> list[Charge]:
    """A commitment's monthly amount, and the credits that pay for usage.

    Usage is charged in full above; what a pool's credit covers comes back as a
    credit here, so that the sum is commitment plus overage.
    """
    amounts = [c for o in options if (c := _commitment(o, frame)) is not None]
    credits = [
        made
        for pool in pools
        for term in pool.term_credits or ()
        if (made := _credit(pool, term, frame)) is not None
    ]
    return list({charge.vendor_id: charge for charge in (*amounts, *credits)}.values())


def _plans(
    report: wire.ReportWire,
) -> Iterator[tuple[wire.ResourceUsageWire, wire.PlanUsageWire]]:
    for resource in report.resources or ():
        for plan in resource.plans or ():
            yield resource, plan


def _plan_id(
    frame: Book, resource: wire.ResourceUsageWire, plan: wire.PlanUsageWire
) -> str:
    parts = (frame.customer_id, frame.month, resource.resource_id, plan.plan_id)
    region = plan.pricing_region or "-"
    billable = "" if plan.billable else "/free"
    return "/".join((*parts, region, plan.pricing_plan_id or "-")) + billable


def _charge(
    report: wire.ReportWire,
    resource: wire.ResourceUsageWire,
    plan: wire.PlanUsageWire,
    frame: Book,
    money: str,
    sold: dict[str, Decimal],
) -> Charge:
    key = _plan_id(frame, resource, plan)
    metrics = plan.usage or []
    single = metrics[0] if len(metrics) == 1 else None
    price = sold.get(key)
    return Charge(
        vendor_id=key,
        customer_id=frame.customer_id,
        kind=ChargeKind.USAGE,
        vendor_kind="usage",
        period=frame.period,
        amount=Money(plan.cost, money),
        list_amount=Money(plan.rated_cost, money),
        sku=plan.plan_id,
        name=_named(resource, plan),
        quantity=single.quantity if single else None,
        unit=single.unit if single else "",
        estimated=frame.open,
        source=_source(report, frame),
        attributes={
            "resource": resource.resource_id,
            **({"region": plan.pricing_region} if plan.pricing_region else {}),
            **({} if price is None else {"customer_amount": f"{price:f} {money}"}),
        },
    )


def _usage(
    resource: wire.ResourceUsageWire,
    plan: wire.PlanUsageWire,
    metric: wire.MetricWire,
    frame: Book,
    money: str,
) -> UsageLine:
    rated = plan.billable and not metric.non_chargeable and bool(money)
    starts, ends = _moments(frame.period)
    return UsageLine(
        vendor_id=f"{_plan_id(frame, resource, plan)}/{metric.metric}",
        customer_id=frame.customer_id,
        resource_id=resource.resource_id,
        sku=plan.plan_id,
        name=f"{_named(resource, plan)}: {metric.metric}",
        starts_at=starts,
        ends_at=ends,
        quantity=metric.quantity,
        unit=metric.unit,
        cost=Money(metric.cost, money) if rated else None,
        estimated=frame.open,
        source=f"resource-usage-reports {frame.month}",
        attributes={} if rated else {"billable": "no"},
    )


def _instance_line(
    row: wire.InstanceUsageWire, metric: wire.MetricWire, frame: Book, money: str
) -> UsageLine:
    # Pending, free and non-billable rows are facts but must not cost (§4.6).
    rated = row.billable and not row.pending and not metric.non_chargeable
    starts, ends = _moments(frame.period)
    guid = guid_of(row.resource_instance_id)
    parts = (frame.customer_id, frame.month, row.resource_instance_id, row.plan_id)
    return UsageLine(
        vendor_id="/".join((*parts, row.pricing_plan_id or "-", metric.metric)),
        customer_id=frame.customer_id,
        subscription_id=guid,
        resource_id=row.resource_instance_name or row.resource_instance_id,
        sku=row.plan_id,
        name=f"{row.resource_name or row.resource_id}: {metric.metric}",
        starts_at=starts,
        ends_at=ends,
        quantity=metric.quantity,
        unit=metric.unit,
        cost=Money(metric.cost, money) if rated and money else None,
        estimated=frame.open or row.pending,
        source=f"resource_instances/usage {frame.month}",
        attributes={} if rated else {"billable": "no"},
    )


def guid_of(crn: str) -> str:
    """The GUID of an instance's CRN; the text itself when it is no CRN (§2)."""
    parts = crn.split(":")
    return parts[7] if len(parts) > 7 and parts[0] == "crn" else crn


def _commitment(option: wire.OptionWire, frame: Book) -> Charge | None:
    money = currency(option.currency_code, frame.currency)
    start, end = moment(option.start_date), end_moment(option.end_date)
    first, after = _moments(frame.period)
    runs = (start is None or start < after) and (end is None or end > first)
    if option.monthly_amount is None or not money or not runs:
        return None
    if option.state.upper() in ("CANCELED", "CANCELLED"):
        return None
    return Charge(
        vendor_id=f"{frame.customer_id}/{frame.month}/commitment/{option.id}",
        customer_id=frame.customer_id,
        subscription_id=option.id,
        kind=ChargeKind.SUPPORT
        if option.category.upper() == "SUPPORT"
        else ChargeKind.COMMITMENT,
        vendor_kind=option.category or option.type,
        period=frame.period,
        amount=Money(option.monthly_amount, money),
        sku=option.part_number,
        name=f"Commitment {option.part_number or option.id}",
        quantity=Decimal(1),
        estimated=frame.open,
        source=f"billing-options {frame.month}",
    )


def _credit(
    pool: wire.PoolWire, term: wire.TermCreditWire, frame: Book
) -> Charge | None:
    money = currency(pool.currency_code, frame.currency)
    if not term.used_credits or not money:
        return None
    start = (term.start_date or "")[:10]
    return Charge(
        vendor_id="/".join(
            (frame.customer_id, frame.month, "credit", term.billing_option_id, start)
        ),
        customer_id=frame.customer_id,
        subscription_id=term.billing_option_id,
        kind=ChargeKind.CREDIT,
        vendor_kind=f"{pool.type or 'pool'} credit",
        period=frame.period,
        amount=Money(-term.used_credits, money),
        name=f"Credit of commitment {term.billing_option_id}",
        estimated=frame.open,
        source=f"credit-pools {frame.month}",
    )


def _named(resource: wire.ResourceUsageWire, plan: wire.PlanUsageWire) -> str:
    service = resource.resource_name or resource.resource_id
    return f"{service} {plan.plan_name or plan.plan_id}"


def _source(report: wire.ReportWire, frame: Book) -> str:
    seen = f" as {report.viewpoint}" if report.viewpoint else ""
    return f"resource-usage-reports {frame.month}{seen}"


def _moments(period: Period) -> tuple[datetime, datetime]:
    first, after = (
        datetime.combine(d, time(), UTC) for d in (period.start, period.end)
    )
    return first, after
