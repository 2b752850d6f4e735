"""Rows of the billing export as BigQuery writes them to a file (§8.2)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

from entrepot_google.simulator.ledger import PACIFIC, Row
from entrepot_google.simulator.model import Wire

_LABELS = ("usage_type", "order_id", "domain_name")


def written(row: Row, now: datetime) -> Wire:
    """A row with its nested members; what is null is left out, numbers are texts."""
    made: Wire = {
        "billing_account_id": row.billing_account_id,
        "payer_billing_account_id": row.payer_billing_account_id,
        "invoice": {"month": row.invoice_month},
        "cost_type": row.cost_type,
        "service": _named(row.service_id, row.service_description),
        "sku": _named(row.sku_id, row.sku_description),
        "project": {"id": row.project_id} if row.project_id else {},
        "usage_start_time": _midnight(row.first),
        "usage_end_time": _midnight(row.after),
        "cost": _number(row.cost),
        "currency": row.currency,
        "currency_conversion_rate": 1.0,
        "usage": {
            "unit": row.unit,
            "amount_in_pricing_unit": _number(row.quantity),
            "pricing_unit": row.unit,
        },
        "credits": [
            {"type": "RESELLER_MARGIN", "amount": _number(row.credits)},
        ]
        if row.credits
        else [],
        "customer_name": row.customer_name,
        "entitlement_name": row.entitlement_name,
        "customer_cost": _number(row.cost),  # Workspace has no repricing (§8.1)
        "customer_correlation_id": row.customer_correlation_id,
        "system_labels": [
            {"key": f"workspace.googleapis.com/{name}", "value": getattr(row, name)}
            for name in _LABELS
            if getattr(row, name)
        ],
        "export_time": f"{now:%Y-%m-%d %H:%M:%S} UTC",
    }
    if row.cost_at_list is not None:
        made["cost_at_list"] = _number(row.cost_at_list)
    return {name: value for name, value in made.items() if value not in ("", {})}


def _named(identity: str, description: str) -> Wire:
    named = {"id": identity, "description": description}
    return {name: value for name, value in named.items() if value}


def _midnight(day: date) -> str:
    moment = datetime.combine(day, time(), PACIFIC).astimezone(UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _number(value: Decimal) -> str:
    return format(value, "f")
