"""Cost export and Cost Explorer as charges and usage (§3.5, §3.6; pure)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from entrepot.sdk.model import (
    BillingCycle,
    Charge,
    ChargeKind,
    Money,
    Period,
    Subscription,
    UsageLine,
)
from entrepot.sdk.model.time import add_months

import entrepot_aws.wire as wire
from entrepot_aws.mapping.spelling import amount, facts

Row = Mapping[str, str]

_KINDS = {
    "Usage": ChargeKind.USAGE,
    "DiscountedUsage": ChargeKind.USAGE,
    "SavingsPlanCoveredUsage": ChargeKind.USAGE,
    "Fee": ChargeKind.ONE_TIME,
    "RIFee": ChargeKind.COMMITMENT,
    "SavingsPlanUpfrontFee": ChargeKind.COMMITMENT,
    "SavingsPlanRecurringFee": ChargeKind.COMMITMENT,
    "SavingsPlanNegation": ChargeKind.DISCOUNT,
    "Discount": ChargeKind.DISCOUNT,
    "EdpDiscount": ChargeKind.DISCOUNT,
    "PrivateRateDiscount": ChargeKind.DISCOUNT,
    "BundledDiscount": ChargeKind.DISCOUNT,
    "Credit": ChargeKind.CREDIT,
    "Refund": ChargeKind.REFUND,
    "Tax": ChargeKind.TAX,
}
# What tells lines apart and stays when the vendor restates them. The vendor's own
# line id does not: it is made anew with every delivery; amounts, rates and the
# invoice change by nature.
_IDENTITY = (
    "bill_bill_type",
    "bill_billing_entity",
    "line_item_usage_account_id",
    "line_item_line_item_type",
    "line_item_usage_start_date",
    "line_item_usage_end_date",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_operation",
    "line_item_resource_id",
    "line_item_currency_code",
    "line_item_line_item_description",
)


def digest(row: Row, month: str) -> bytes:
    """What identifies a line within a billing month, 12 bytes."""
    named = "\x1f".join(row.get(name) or "" for name in _IDENTITY)
    return hashlib.sha256(f"{month}\x1f{named}".encode()).digest()[:12]


def line_id(month: str, mark: bytes, occurrence: int) -> str:
    """A line's id; equal lines of one month are numbered in their order."""
    tail = f"-{occurrence}" if occurrence > 1 else ""
    return f"cur:{month}:{mark.hex()}{tail}"


def account_of(row: Row) -> str:
    """The account that the line is for; empty when it names none."""
    return row.get("line_item_usage_account_id") or ""


def is_usage(row: Row) -> bool:
    """Whether the line meters something."""
    kind = _KINDS.get(row.get("line_item_line_item_type") or "")
    return kind is ChargeKind.USAGE


def charge(
    row: Row,
    vendor_id: str,
    customer_id: str,
    source: str,
    invoiced: Mapping[str, date],
) -> Charge:
    """A line of the cost export.

    Args:
        row: Columns by name.
        vendor_id: Its id.
        customer_id: Whose account it is; empty when that is not known.
        source: Where it was read.
        invoiced: Dates of invoices by id.
    """
    word = row.get("line_item_line_item_type") or ""
    currency = row.get("line_item_currency_code") or "USD"
    invoice = row.get("bill_invoice_id") or ""
    return Charge(
        vendor_id=vendor_id,
        customer_id=customer_id,
        subscription_id=account_of(row),
        kind=_KINDS.get(word, ChargeKind.UNKNOWN),
        vendor_kind=word,
        period=_days(row),
        amount=Money(_number(row, "line_item_unblended_cost"), currency),
        sku=_sku(row),
        name=row.get("line_item_line_item_description") or _sku(row),
        quantity=amount(row.get("line_item_usage_amount")),
        unit=row.get("pricing_unit") or "",
        unit_price=_money(row, "line_item_unblended_rate", currency),
        list_amount=_money(row, "pricing_public_on_demand_cost", currency),
        invoice_id=invoice,
        invoiced_on=invoiced.get(invoice),
        # Blank until the bill is final (§3.6, T11).
        estimated=not invoice,
        source=source,
        attributes=_more(row),
    )


def usage(row: Row, vendor_id: str, customer_id: str, source: str) -> UsageLine:
    """A metering line of the cost export."""
    currency = row.get("line_item_currency_code") or "USD"
    start, end = _span(row)
    return UsageLine(
        vendor_id=vendor_id,
        customer_id=customer_id,
        subscription_id=account_of(row),
        resource_id=row.get("line_item_resource_id") or "",
        sku=_sku(row),
        name=row.get("line_item_line_item_description") or _sku(row),
        starts_at=start,
        ends_at=end,
        quantity=_number(row, "line_item_usage_amount"),
        unit=row.get("pricing_unit") or "",
        cost=Money(_number(row, "line_item_unblended_cost"), currency),
        estimated=not row.get("bill_invoice_id"),
        source=source,
        attributes=_more(row),
    )


def preview(
    found: wire.CostResultWire, group: wire.CostGroupWire, customer_id: str
) -> Charge | None:
    """Cost Explorer's sum of one account and service; None without an amount."""
    metric = group.metrics.get("UnblendedCost")
    cost = amount(metric.amount) if metric else None
    if metric is None or cost is None:
        return None
    account, service = group.keys[0], group.keys[-1]
    span = found.time_period
    word = "Tax" if service == "Tax" else "Usage"
    return Charge(
        vendor_id=f"ce:{span.start[:7]}:{account}:{service}",
        customer_id=customer_id,
        subscription_id=account,
        kind=_KINDS[word],
        vendor_kind=word,
        period=Period(date.fromisoformat(span.start), date.fromisoformat(span.end)),
        amount=Money(cost, metric.unit),
        sku=service,
        name=service,
        estimated=True,
        source=f"Cost Explorer {span.start[:7]}",
    )


def report(
    found: wire.CostReportWire,
    group: wire.BillingGroupWire | None,
    month: str,
    customer_id: str,
) -> Charge | None:
    """Billing Conductor's sum of one billing group; None without an amount.

    The list amount is what the group's owner is shown: ours with the mark-up.
    """
    cost = amount(found.aws_cost)
    if cost is None:
        return None
    currency = found.currency or "USD"
    shown = amount(found.proforma_cost)
    start = date.fromisoformat(f"{month}-01")
    name = group.name if group else found.arn.rpartition("/")[2]
    return Charge(
        vendor_id=f"bc:{month}:{found.arn.rpartition('/')[2]}",
        customer_id=customer_id,
        kind=ChargeKind.USAGE,
        vendor_kind="BillingGroup",
        period=Period(start, add_months(start, 1)),
        amount=Money(cost, currency),
        sku="aws.billing-group",
        name=name,
        list_amount=None if shown is None else Money(shown, currency),
        estimated=True,
        source=f"Billing Conductor {month}",
        attributes=facts(
            billing_group=name,
            margin=found.margin,
            margin_percent=found.margin_percentage,
        ),
    )


def charged_on(found: wire.AgreementChargeWire) -> date | None:
    """The day an agreement asks for an amount, in UTC; None when it names none."""
    return None if found.time is None else found.time.astimezone(UTC).date()


def agreed(
    found: wire.AgreementChargeWire,
    held: Sequence[Subscription],
    customer_id: str,
) -> Charge | None:
    """A charge of an agreement; None without a day or an amount.

    Args:
        found: The charge.
        held: What the agreement consists of; empty when that is not known.
        customer_id: Whose account accepted it.
    """
    day, cost = charged_on(found), amount(found.amount)
    if day is None or cost is None:
        return None
    first = held[0] if held else None
    recurs = first is not None and first.billing_cycle is not BillingCycle.ONE_TIME
    return Charge(
        vendor_id=f"agreement:{found.agreement_id}:{found.id}",
        customer_id=customer_id,
        # A charge is for the whole agreement, whatever was bought in it.
        subscription_id=first.vendor_id if first and len(held) == 1 else "",
        kind=ChargeKind.RECURRING if recurs else ChargeKind.ONE_TIME,
        vendor_kind="AgreementCharge",
        period=Period(day, _next(day)),
        amount=Money(cost, found.currency_code or "USD"),
        sku=first.product_id if first else "",
        name=first.name if first else f"Agreement {found.agreement_id}",
        estimated=True,
        source=f"agreement {found.agreement_id}",
        attributes=facts(
            agreement=found.agreement_id,
            purchase_order=found.purchase_order_reference,
            revision=None if found.revision is None else str(found.revision),
        ),
    )


def starts_on(row: Row) -> date:
    """First day of the line, in UTC."""
    return _span(row)[0].date()


def _sku(row: Row) -> str:
    parts = (row.get("line_item_product_code"), row.get("line_item_usage_type"))
    return "/".join(part for part in parts if part)


def _days(row: Row) -> Period:
    start, end = _span(row)
    last = end.date() if end.time() == datetime.min.time() else _next(end.date())
    return Period(start.date(), max(last, _next(start.date())))


def _next(day: date) -> date:
    return day + timedelta(days=1)


def _span(row: Row) -> tuple[datetime, datetime]:
    start = _moment(row, "line_item_usage_start_date", "bill_billing_period_start_date")
    end = _moment(row, "line_item_usage_end_date", "bill_billing_period_end_date")
    return start, max(end, start + timedelta(seconds=1))


def _moment(row: Row, *names: str) -> datetime:
    for name in names:
        text = row.get(name)
        if text:
            found = datetime.fromisoformat(text)
            aware = found if found.tzinfo else found.replace(tzinfo=UTC)
            return aware.astimezone(UTC)
    msg = f"a line without {' and '.join(names)}"
    raise ValueError(msg)


def _number(row: Row, name: str) -> Decimal:
    return amount(row.get(name) or "0") or Decimal(0)


def _money(row: Row, name: str, currency: str) -> Money | None:
    found = amount(row.get(name) or "")
    return None if found is None else Money(found, currency)


def _more(row: Row) -> dict[str, str]:
    return facts(
        bill_type=row.get("bill_bill_type"),
        billing_entity=row.get("bill_billing_entity"),
        payer=row.get("bill_payer_account_id"),
        account_name=row.get("line_item_usage_account_name"),
        operation=row.get("line_item_operation"),
        resource=row.get("line_item_resource_id"),
    )
