"""Tables: the PSA's companies, products, agreements and lines as last read."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Date, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.hub.missing import missing_index
from entrepot.store.base import Base, TenantOwned
from entrepot.store.types import JsonText, Quantity, UnitPrice, UtcDateTime


def _unique(table: str) -> Index:
    return Index(
        f"uq_{table}_connection_id_vendor_id",
        "connection_id",
        "vendor_id",
        unique=True,
    )


class _Mirrored:
    """Columns of everything that mirrors an object of the PSA."""

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    connection_id: Mapped[str] = mapped_column(String(40))
    vendor_id: Mapped[str] = mapped_column(String(200))
    row_hash: Mapped[int] = mapped_column(BigInteger)
    known_at: Mapped[datetime] = mapped_column(UtcDateTime)
    missing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    missing_runs: Mapped[int] = mapped_column(default=0)
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PsaCompany(_Mirrored, TenantOwned, Base):
    """A company of the PSA."""

    __tablename__ = "psa_company"
    __table_args__ = (_unique("psa_company"),)

    name: Mapped[str] = mapped_column(Text)
    identifier: Mapped[str] = mapped_column(String(200), default="")
    active: Mapped[bool] = mapped_column(default=True)
    is_customer: Mapped[bool] = mapped_column(default=True)
    deleted: Mapped[bool] = mapped_column(default=False)
    merged_into: Mapped[str] = mapped_column(String(200), default="")
    domains: Mapped[list[str]] = mapped_column(JsonText, default=list)
    tax_id: Mapped[str] = mapped_column(String(100), default="")
    phone: Mapped[str] = mapped_column(String(100), default="")
    email: Mapped[str] = mapped_column(String(320), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    city: Mapped[str] = mapped_column(String(200), default="")
    postal_code: Mapped[str] = mapped_column(String(40), default="")
    external_ids: Mapped[list[list[str]]] = mapped_column(JsonText, default=list)
    parent_vendor_id: Mapped[str] = mapped_column(String(200), default="")
    status: Mapped[str] = mapped_column(String(100), default="")
    vendor_version: Mapped[str] = mapped_column(String(200), default="")
    attributes: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)


class PsaProductRow(_Mirrored, TenantOwned, Base):
    """A product of the PSA's catalogue."""

    __tablename__ = "psa_product"
    __table_args__ = (_unique("psa_product"),)

    identifier: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    vendor_sku: Mapped[str] = mapped_column(String(200), default="")
    part_number: Mapped[str] = mapped_column(String(200), default="")
    cross_reference: Mapped[str] = mapped_column(String(200), default="")
    price: Mapped[Decimal | None] = mapped_column(UnitPrice)
    cost: Mapped[Decimal | None] = mapped_column(UnitPrice)
    currency: Mapped[str] = mapped_column(String(3), default="")
    taxable: Mapped[bool | None]
    category: Mapped[str] = mapped_column(String(200), default="")
    usable_on_lines: Mapped[bool] = mapped_column(default=True)
    vendor_version: Mapped[str] = mapped_column(String(200), default="")
    attributes: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)


class PsaAgreement(_Mirrored, TenantOwned, Base):
    """An agreement, with what is known of how far it is invoiced."""

    __tablename__ = "psa_agreement"
    __table_args__ = (
        _unique("psa_agreement"),
        Index("ix_psa_agreement_company", "connection_id", "company_vendor_id"),
    )

    company_vendor_id: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(Text)
    type_id: Mapped[str] = mapped_column(String(200), default="")
    type_name: Mapped[str] = mapped_column(String(200), default="")
    status: Mapped[str] = mapped_column(String(20))
    vendor_status: Mapped[str] = mapped_column(String(100), default="")
    start: Mapped[date | None] = mapped_column(Date)
    end: Mapped[date | None] = mapped_column(Date)
    billing_start: Mapped[date | None] = mapped_column(Date)
    billing_cycle: Mapped[str] = mapped_column(String(20))
    period_anchor: Mapped[str] = mapped_column(String(20), default="unknown")
    billing_mode: Mapped[str] = mapped_column(String(20), default="unknown")
    currency: Mapped[str] = mapped_column(String(3), default="")
    prorates: Mapped[bool | None]
    next_invoice: Mapped[date | None] = mapped_column(Date)
    parent_vendor_id: Mapped[str] = mapped_column(String(200), default="")
    family_vendor_id: Mapped[str] = mapped_column(String(200), default="")
    vendor_version: Mapped[str] = mapped_column(String(200), default="")
    attributes: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)
    lock_known: Mapped[bool] = mapped_column(default=False)
    lock_through: Mapped[date | None] = mapped_column(Date)
    lock_next_invoice: Mapped[date | None] = mapped_column(Date)
    lock_mode: Mapped[str] = mapped_column(String(20), default="unknown")
    lock_periods: Mapped[list[dict[str, Any]]] = mapped_column(JsonText, default=list)
    lock_reason: Mapped[str] = mapped_column(Text, default="not read yet")
    lock_read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PsaLine(_Mirrored, TenantOwned, Base):
    """A line of an agreement: what will be invoiced."""

    __tablename__ = "psa_line"
    __table_args__ = (
        _unique("psa_line"),
        missing_index("psa_line"),
        Index("ix_psa_line_agreement", "connection_id", "agreement_vendor_id"),
        # So that counting a company's, and when one changed last, reads no rows.
        Index(
            "ix_psa_line_company",
            "connection_id",
            "company_vendor_id",
            "tenant_id",
            "known_at",
        ),
    )

    agreement_vendor_id: Mapped[str] = mapped_column(String(200))
    company_vendor_id: Mapped[str] = mapped_column(String(200))
    product_vendor_id: Mapped[str] = mapped_column(String(200))
    product_name: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    invoice_text: Mapped[str] = mapped_column(Text, default="")
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    included_quantity: Mapped[Decimal] = mapped_column(Quantity)
    unit_price: Mapped[Decimal | None] = mapped_column(UnitPrice)
    unit_cost: Mapped[Decimal | None] = mapped_column(UnitPrice)
    currency: Mapped[str] = mapped_column(String(3), default="")
    bill: Mapped[str] = mapped_column(String(20))
    taxable: Mapped[bool | None]
    effective: Mapped[date | None] = mapped_column(Date)
    ends: Mapped[date | None] = mapped_column(Date)
    reference: Mapped[str] = mapped_column(String(200), default="")
    line_created_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    line_created_by: Mapped[str] = mapped_column(String(200), default="")
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(200), default="")
    change_token: Mapped[str] = mapped_column(String(200), default="")
    attributes: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)


class PsaLineFact(TenantOwned, Base):
    """What we knew of a line from `known_at` on; append-only."""

    __tablename__ = "psa_line_fact"

    object_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    known_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    connection_id: Mapped[str] = mapped_column(String(40))
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    run_id: Mapped[str] = mapped_column(String(200))
    change: Mapped[str] = mapped_column(String(20))
    payload: Mapped[dict[str, Any]] = mapped_column(JsonText)
