"""From model records to rows: which column takes what. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from entrepot.hub.subscriptions.order_text import order_text
from entrepot.sdk.model import (
    Agreement,
    AgreementLine,
    Company,
    Contact,
    Offer,
    PsaProduct,
    ScheduledChange,
    Subscription,
    VendorCustomer,
    VendorOrder,
)

Values = tuple[Any, ...]


def _columns(names: str) -> tuple[str, ...]:
    return tuple(names.split())


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _scheduled(change: ScheduledChange) -> dict[str, Any]:
    return {
        "kind": change.kind.value,
        "effective_at": _iso(change.effective_at),
        "quantity": None if change.quantity is None else str(change.quantity),
        "sku": change.sku,
        "term": _text(change.term),
        "billing_cycle": _text(change.billing_cycle),
    }


def _iso(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


ACCOUNT_COLUMNS = _columns(
    "name domain domains default_domain tax_id email phone country region city "
    "postal_code address language currency status vendor_status vendor_created_at "
    "vendor_version external_ids attributes"
)


def account_values(record: VendorCustomer) -> Values:
    """Values of `ACCOUNT_COLUMNS`."""
    where = record.address
    return (
        record.name,
        record.domain,
        list(record.domains),
        record.default_domain,
        record.tax_id,
        record.email,
        record.phone,
        where.country,
        where.region,
        where.city,
        where.postal_code,
        "\n".join(line for line in (where.line1, where.line2) if line),
        record.language,
        record.currency,
        record.status.value,
        record.vendor_status,
        record.created_at,
        record.vendor_version,
        [list(pair) for pair in record.external_ids],
        dict(record.attributes),
    )


OFFER_COLUMNS = _columns(
    "product_id sku name description term billing_cycle segment market currency "
    "unit_cost list_price min_quantity max_quantity unit is_trial is_addon is_usage "
    "purchasable prerequisite_skus part_numbers publisher price_from price_to "
    "attributes"
)


def offer_values(record: Offer) -> Values:
    """Values of `OFFER_COLUMNS`."""
    return (
        record.product_id,
        record.sku,
        record.name,
        record.description,
        _text(record.term),
        record.billing_cycle.value,
        record.segment,
        record.market,
        record.currency,
        record.unit_cost,
        record.list_price,
        record.min_quantity,
        record.max_quantity,
        record.unit,
        record.is_trial,
        record.is_addon,
        record.is_usage,
        record.purchasable,
        list(record.prerequisite_skus),
        list(record.part_numbers),
        record.publisher,
        record.valid_from,
        record.valid_to,
        dict(record.attributes),
    )


SUBSCRIPTION_COLUMNS = _columns(
    "customer_vendor_id sku product_id offer_key name friendly_name quantity unit "
    "status vendor_status billed term billing_cycle segment currency unit_cost "
    "assigned is_trial is_addon parent_vendor_id started_at term_start term_end "
    "ended_at auto_renew cancellable_until reducible_quantity scheduled "
    "order_vendor_id changed_at vendor_version attributes"
)


def subscription_values(record: Subscription) -> Values:
    """Values of `SUBSCRIPTION_COLUMNS`."""
    term = record.term
    return (
        record.customer_id,
        record.sku,
        record.product_id,
        record.offer_key,
        record.name,
        record.friendly_name,
        record.quantity,
        record.unit,
        str(record.status),
        record.vendor_status,
        record.billed,
        "" if term is None else term.text,
        str(record.billing_cycle),
        record.segment,
        record.currency,
        record.unit_cost,
        record.assigned,
        record.is_trial,
        record.is_addon,
        record.parent_id,
        record.started_at,
        record.term_start,
        record.term_end,
        record.ended_at,
        record.auto_renew,
        record.cancellable_until,
        record.reducible_quantity,
        [_scheduled(change) for change in record.scheduled],
        record.order_id,
        record.changed_at,
        record.vendor_version,
        dict(record.attributes),
    )


ORDER_COLUMNS = _columns(
    "customer_vendor_id status vendor_status reference ordered_at lines attributes "
    "search_text"
)


def order_values(record: VendorOrder) -> Values:
    """Values of `ORDER_COLUMNS`."""
    lines = [
        {
            "sku": line.sku,
            "name": line.name,
            "quantity": str(line.quantity),
            "term": _text(line.term),
            "billing_cycle": line.billing_cycle.value,
            "unit_price": None if line.unit_price is None else str(line.unit_price),
            "currency": line.currency,
            "subscription_id": line.subscription_id,
            "status": None if line.status is None else line.status.value,
        }
        for line in record.lines
    ]
    return (
        record.customer_id,
        record.status.value,
        record.vendor_status,
        record.reference,
        record.created_at,
        lines,
        dict(record.attributes),
        order_text(
            {
                "vendor_id": record.vendor_id,
                "reference": record.reference,
                "vendor_status": record.vendor_status,
                "lines": lines,
                "attributes": record.attributes,
            }
        ),
    )


COMPANY_COLUMNS = _columns(
    "name identifier active is_customer deleted merged_into domains tax_id phone "
    "email country city postal_code external_ids parent_vendor_id status "
    "vendor_version attributes"
)


def company_values(record: Company) -> Values:
    """Values of `COMPANY_COLUMNS`."""
    return (
        record.name,
        record.identifier,
        record.active,
        record.is_customer,
        record.deleted,
        record.merged_into,
        list(record.domains),
        record.tax_id,
        record.phone,
        record.email,
        record.address.country,
        record.address.city,
        record.address.postal_code,
        [list(pair) for pair in record.external_ids],
        record.parent_id,
        record.status,
        record.vendor_version,
        dict(record.attributes),
    )


PRODUCT_COLUMNS = _columns(
    "identifier name active vendor_sku part_number cross_reference price cost "
    "currency taxable category usable_on_lines vendor_version attributes"
)


def product_values(record: PsaProduct) -> Values:
    """Values of `PRODUCT_COLUMNS`."""
    return (
        record.identifier,
        record.name,
        record.active,
        record.vendor_sku,
        record.part_number,
        record.cross_reference,
        record.price,
        record.cost,
        record.currency,
        record.taxable,
        record.category,
        record.usable_on_lines,
        record.vendor_version,
        dict(record.attributes),
    )


AGREEMENT_COLUMNS = _columns(
    "company_vendor_id name type_id type_name status vendor_status start end "
    "billing_start billing_cycle period_anchor billing_mode currency prorates "
    "next_invoice parent_vendor_id family_vendor_id vendor_version attributes"
)


def agreement_values(record: Agreement) -> Values:
    """Values of `AGREEMENT_COLUMNS`."""
    return (
        record.company_id,
        record.name,
        record.type_id,
        record.type_name,
        record.status.value,
        record.vendor_status,
        record.start,
        record.end,
        record.billing_start,
        record.billing_cycle.value,
        record.period_anchor.value,
        record.billing_mode.value,
        record.currency,
        record.prorates,
        record.next_invoice,
        record.parent_id,
        record.family_id,
        record.vendor_version,
        dict(record.attributes),
    )


LINE_COLUMNS = _columns(
    "agreement_vendor_id company_vendor_id product_vendor_id product_name "
    "description invoice_text quantity included_quantity unit_price unit_cost "
    "currency bill taxable effective ends reference line_created_at line_created_by "
    "changed_at changed_by change_token attributes"
)


def line_values(record: AgreementLine) -> Values:
    """Values of `LINE_COLUMNS`."""
    return (
        record.agreement_id,
        record.company_id,
        record.product_id,
        record.product_name,
        record.description,
        record.invoice_text,
        record.quantity,
        record.included_quantity,
        record.unit_price,
        record.unit_cost,
        record.currency,
        record.bill.value,
        record.taxable,
        record.effective,
        record.ends,
        record.reference,
        record.created_at,
        record.created_by,
        record.changed_at,
        record.changed_by,
        record.change_token,
        dict(record.attributes),
    )


CONTACT_COLUMNS = _columns("owner_id first_name last_name email phone role is_primary")


def contact_values(record: Contact) -> Values:
    """Values of `CONTACT_COLUMNS`."""
    return (
        record.owner_id,
        record.first_name,
        record.last_name,
        record.email,
        record.phone,
        record.role,
        record.primary,
    )


def contact_key(record: Contact) -> str:
    """The other side's id, or owner and address where it has none."""
    return record.vendor_id or f"{record.owner_id}/{record.email}"
