"""Rows of the export, summed up as the questions to BigQuery sum them (§8.2).

What comes out has the columns of BigQuery's answers, so that one mapping makes charges
and usage of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from entrepot.sdk.model import Period

from entrepot_google.wire.export import ExportRow, Named

ZONE = ZoneInfo("America/Los_Angeles")  # Google's billing day
_LABELS = "workspace.googleapis.com/"
Row = dict[str, str]
_ORDER = (
    "invoice_month",
    "customer_name",
    "entitlement_name",
    "cost_type",
    "service_id",
    "sku_id",
    "usage_type",
    "order_id",
    "billing_account_id",
    "currency",
)
_CHARGE_GROUP = (
    *_ORDER,
    "channel_partner_name",
    "payer_billing_account_id",
    "customer_correlation_id",
)
_USAGE_GROUP = (
    "day",
    "customer_name",
    "entitlement_name",
    "project_id",
    "sku_id",
    "currency",
)
_SUMS = ("quantity", "cost", "credits", "customer_cost", "cost_at_list")


def charge_rows(rows: Iterable[ExportRow], customer: str) -> list[Row]:
    """Rows of whole invoice months by what names a line; see `CHARGES_SQL`.

    Args:
        rows: All rows of the months.
        customer: Only this one's, by resource name; empty for all.
    """
    own = (row for row in rows if customer in ("", row.customer_name))
    return _summed(own, _CHARGE_GROUP)


def usage_rows(rows: Iterable[ExportRow], period: Period, customer: str) -> list[Row]:
    """Metered rows of some days by day and SKU; see `USAGE_SQL`."""
    return _summed(
        (
            row
            for row in rows
            if row.cost_type == "regular"
            and _label(row, "usage_type") is None
            and customer in ("", row.customer_name)
            and pacific_day(row.usage_start_time) in period
        ),
        _USAGE_GROUP,
    )


def pacific_day(text: str) -> date:
    """The vendor's day of a moment as files write it.

    Raises:
        ValueError: It is no moment.
    """
    moment = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return day_of(aware)


def day_of(moment: datetime) -> date:
    """The vendor's day of a moment."""
    return moment.astimezone(ZONE).date()


def _summed(rows: Iterable[ExportRow], group: tuple[str, ...]) -> list[Row]:
    made: dict[tuple[str, ...], Row] = {}
    sums: dict[tuple[str, ...], dict[str, Decimal]] = {}
    for row in rows:
        facts = _facts(row)
        key = tuple(facts[name] for name in group)
        known = made.setdefault(key, facts)
        known["starts_on"] = min(known["starts_on"], facts["starts_on"])
        known["ends_on"] = max(known["ends_on"], facts["ends_on"])
        for name in ("sku_description", "service_description", "domain_name", "unit"):
            known[name] = known[name] or facts[name]
        _add(sums.setdefault(key, {}), row)
    for key, row_ in made.items():
        row_ |= {name: _text(sums[key].get(name)) for name in _SUMS}
    return [made[key] for key in sorted(made)]


def _facts(row: ExportRow) -> Row:
    """What a row says apart from its numbers."""
    service, sku = row.service or Named(), row.sku or Named()
    starts_on = pacific_day(row.usage_start_time).isoformat()
    return {
        "invoice_month": row.invoice.month,
        "entitlement_name": row.entitlement_name or "",
        "customer_name": row.customer_name or "",
        "channel_partner_name": row.channel_partner_name or "",
        "billing_account_id": row.billing_account_id or "",
        "payer_billing_account_id": row.payer_billing_account_id or "",
        "customer_correlation_id": row.customer_correlation_id or "",
        "cost_type": row.cost_type,
        "service_id": service.id or "",
        "service_description": service.description or "",
        "sku_id": sku.id or "",
        "sku_description": sku.description or "",
        "usage_type": _label(row, "usage_type") or "",
        "order_id": _label(row, "order_id") or "",
        "domain_name": _label(row, "domain_name") or "",
        "project_id": (row.project.id if row.project else "") or "",
        "currency": row.currency,
        "unit": (row.usage.pricing_unit if row.usage else "") or "",
        "starts_on": starts_on,
        "day": starts_on,
        "ends_on": pacific_day(row.usage_end_time).isoformat(),
    }


_NUMBERS: Mapping[str, Callable[[ExportRow], Decimal | None]] = {
    "quantity": lambda row: row.usage.amount_in_pricing_unit if row.usage else None,
    "cost": lambda row: row.cost,
    "credits": lambda row: sum(
        (each.amount or Decimal(0) for each in row.credits or ()), Decimal(0)
    ),
    "customer_cost": lambda row: row.customer_cost,
    "cost_at_list": lambda row: row.cost_at_list,
}


def _add(sums: dict[str, Decimal], row: ExportRow) -> None:
    for name, number in _NUMBERS.items():
        value = number(row)
        if value is not None:  # like SQL, a sum of nothing is nothing
            sums[name] = sums.get(name, Decimal(0)) + value


def _text(value: Decimal | None) -> str:
    return "" if value is None else format(value.normalize(), "f")


def _label(row: ExportRow, name: str) -> str | None:
    for each in row.system_labels or ():
        if each.key == _LABELS + name:
            return each.value
    return None
