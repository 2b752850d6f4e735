"""A row of the billing export as BigQuery writes it to a file (reference §8.2)."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Named(msgspec.Struct, kw_only=True):
    """An id with its description: service, SKU, project."""

    id: str | None = None
    description: str | None = None


class Invoice(msgspec.Struct, kw_only=True):
    """The invoice a row is on."""

    month: str


class Used(msgspec.Struct, kw_only=True):
    """What was used."""

    amount_in_pricing_unit: Decimal | None = None
    pricing_unit: str | None = None


class Credit(msgspec.Struct, kw_only=True):
    """What is taken off a row's cost."""

    amount: Decimal | None = None


class Label(msgspec.Struct, kw_only=True):
    """A fact that the vendor adds to a row."""

    key: str
    value: str | None = None


class ExportRow(msgspec.Struct, kw_only=True):
    """One row; columns that are not read are left out."""

    invoice: Invoice
    cost_type: str
    cost: Decimal
    currency: str
    usage_start_time: str
    usage_end_time: str
    billing_account_id: str | None = None
    payer_billing_account_id: str | None = None
    customer_name: str | None = None
    entitlement_name: str | None = None
    channel_partner_name: str | None = None
    customer_correlation_id: str | None = None
    service: Named | None = None
    sku: Named | None = None
    project: Named | None = None
    usage: Used | None = None
    credits: tuple[Credit, ...] | None = ()
    system_labels: tuple[Label, ...] | None = ()
    customer_cost: Decimal | None = None
    cost_at_list: Decimal | None = None


ROW = msgspec.json.Decoder(ExportRow)
