"""Billing lines of invoices (reference §6.1; pure)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import msgspec
from entrepot.sdk.model import Charge, ChargeKind, Money, Period

import entrepot_microsoft.wire as wire
from entrepot_microsoft.mapping.spelling import moment, word

_KINDS = {
    "new": ChargeKind.RECURRING,
    "purchase": ChargeKind.RECURRING,
    "renew": ChargeKind.RECURRING,
    "cyclecharge": ChargeKind.RECURRING,
    "convert": ChargeKind.RECURRING,
    "changebillingplan": ChargeKind.RECURRING,
    "extendterm": ChargeKind.RECURRING,
    "addquantity": ChargeKind.PRORATED,
    "removequantity": ChargeKind.PRORATED,
    "movequantity": ChargeKind.PRORATED,
    "cancelimmediate": ChargeKind.REFUND,
    "refund": ChargeKind.REFUND,
    "customercredit": ChargeKind.CREDIT,
}
_UNBILLED = "unbilled"
_SHOWN = (
    "order_id",
    "reference_id",
    "availability_id",
    "publisher_name",
    "term_and_billing_cycle",
    "billing_frequency",
    "price_adjustment_description",
    "credit_reason_code",
    "promotion_id",
)


def charge(
    line: wire.InvoiceLineWire, invoice: wire.InvoiceWire, asked: Period
) -> Charge:
    """A billing line as a charge.

    The vendor's lines carry no id: a line is named by its invoice and its content,
    which never changes once the invoice is out (§6.1).

    Args:
        line: The line.
        invoice: Its document.
        asked: The billing month, for lines without readable dates.
    """
    sku = f"{line.product_id}:{line.sku_id}" if line.sku_id else line.product_id or ""
    same = not line.pricing_currency or line.pricing_currency == line.currency
    return Charge(
        vendor_id=f"{invoice.id}/{_digest(line)}",
        customer_id=guid(line.customer_id),
        kind=_KINDS.get(word(line.charge_type), ChargeKind.UNKNOWN),
        period=_period(line, asked),
        amount=Money(line.subtotal, line.currency),
        subscription_id=guid(line.subscription_id),
        vendor_kind=line.charge_type or "",
        sku=sku,
        name=line.sku_name or line.product_name or line.subscription_description or sku,
        quantity=line.quantity,
        unit=line.unit_type or "",
        unit_price=_money(line.effective_unit_price, line.currency) if same else None,
        list_amount=_listed(line) if same else None,
        tax=_money(line.tax_total, line.currency),
        invoice_id=invoice.id,
        invoiced_on=_day(invoice.invoice_date),
        source=f"invoice {invoice.id}, billing line items",
        attributes=_facts(line),
    )


def unbilled(line: wire.InvoiceLineWire, document: str, asked: Period) -> Charge:
    """A line that is not invoiced yet: the vendor may still change it (§6.2)."""
    made = charge(line, wire.InvoiceWire(id=_UNBILLED), asked)
    return replace(made, invoice_id="", estimated=True, source=document)


def month_of(invoice: wire.InvoiceWire) -> date | None:
    """First day of the billing month of an invoice; None when it names none."""
    day = _day(invoice.billing_period_start_date)
    return None if day is None else day.replace(day=1)


def _digest(line: wire.InvoiceLineWire) -> str:
    """The content of a line, whether its numbers came as text or as numbers."""
    values = [
        digits(value) if isinstance(value, Decimal) else value
        for value in msgspec.structs.astuple(line)
    ]
    return hashlib.blake2b(msgspec.json.encode(values), digest_size=12).hexdigest()


def digits(value: Decimal) -> str:
    """One notation of a number, which the vendor writes in several (§6.1)."""
    return format(value.normalize(), "f")


def guid(text: str | None) -> str:
    """A GUID in one spelling; ``org:`` may stand before a customer's (§6.1)."""
    return (text or "").strip().lower().removeprefix("org:")


def _period(line: wire.InvoiceLineWire, asked: Period) -> Period:
    """The charged days; the vendor's last day is inclusive (§6.1)."""
    start, last = _day(line.charge_start_date), _day(line.charge_end_date)
    if start is None or last is None or last < start:
        return asked
    return Period(start, last + timedelta(days=1))


def _day(text: str | None) -> date | None:
    found = moment(text)
    return None if found is None else found.date()


def _money(amount: Decimal | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)


def _listed(line: wire.InvoiceLineWire) -> Money | None:
    quantity = line.billable_quantity
    if quantity is None or line.unit_price is None:
        return None
    return Money(line.unit_price * quantity, line.currency)


def _facts(line: wire.InvoiceLineWire) -> dict[str, str]:
    found = {name: getattr(line, name) or "" for name in _SHOWN}
    if line.billable_quantity is not None:
        found["billable_quantity"] = digits(line.billable_quantity)
    if line.pricing_currency and line.pricing_currency != line.currency:
        found["pricing_currency"] = line.pricing_currency
        rate = line.pc_to_bc_exchange_rate
        found["exchange_rate"] = "" if rate is None else digits(rate)
    return {name: value for name, value in found.items() if value}
