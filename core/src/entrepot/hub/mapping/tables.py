"""Tables: who is who, what is what, and how each decision came about."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.store import Base, JsonText, Quantity, TenantOwned, UnitPrice, UtcDateTime
from entrepot.store.facts import FactMixin

STATUSES = ("suggested", "confirmed", "rejected", "excluded", "stale")
_STATUS_CHECK = f"status IN ({', '.join(repr(word) for word in STATUSES)})"


class _Decided:
    """Columns of everything that is suggested first and decided by a person.

    `confidence` counts ten-thousandths. `target_name` is the target's name when the row
    was written, for display after the target is gone. `batch_id` names the decision.
    """

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    status: Mapped[str] = mapped_column(String(12))
    method: Mapped[str] = mapped_column(String(20), default="manual")
    confidence: Mapped[int] = mapped_column(default=0)
    band: Mapped[str] = mapped_column(String(12), default="none")
    contested: Mapped[bool] = mapped_column(default=False)
    evidence: Mapped[list[dict[str, str]]] = mapped_column(JsonText, default=list)
    rivals: Mapped[list[dict[str, Any]]] = mapped_column(JsonText, default=list)
    flags: Mapped[list[str]] = mapped_column(JsonText, default=list)
    target_name: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    decided_by: Mapped[str] = mapped_column(String(200), default="")
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    batch_id: Mapped[str] = mapped_column(String(40), default="")
    version: Mapped[int] = mapped_column(BigInteger, default=1)


class CustomerMap(_Decided, TenantOwned, Base):
    """A vendor customer at a PSA connection: one row for each company it may be.

    `share` says how much of the customer the company gets; `share_value` the units or
    percent. An excluded customer has one row without a company.
    """

    __tablename__ = "customer_map"
    __table_args__ = (
        CheckConstraint(_STATUS_CHECK, name="status"),
        CheckConstraint(
            "share IN ('all', 'fixed', 'percent', 'remainder')", name="share"
        ),
        Index(
            "uq_customer_map_pair",
            "psa_connection_id",
            "account_id",
            "psa_company_id",
            unique=True,
        ),
        Index("ix_customer_map_company", "psa_connection_id", "psa_company_id"),
        Index("ix_customer_map_vendor", "vendor_connection_id", "vendor_customer_id"),
        Index(
            "ix_customer_map_account",
            *("tenant_id", "psa_connection_id", "account_id", "status", "band"),
        ),
        Index("ix_customer_map_status", "tenant_id", "psa_connection_id", "status"),
    )

    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    account_id: Mapped[str] = mapped_column(String(40))
    vendor_connection_id: Mapped[str] = mapped_column(String(40))
    vendor_customer_id: Mapped[str] = mapped_column(String(200))
    psa_connection_id: Mapped[str] = mapped_column(String(40))
    psa_company_id: Mapped[str] = mapped_column(String(200), default="")
    share: Mapped[str] = mapped_column(String(12), default="all")
    share_value: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0))


class ProductMap(_Decided, TenantOwned, Base):
    """Which PSA product a vendor's SKU is billed as, and how.

    Of `vendor_connection_id`, `product_id`, `sku`, `term`, `billing_cycle`, `segment`
    and `market` the empty string stands for "any". An excluded SKU has no PSA product.
    `valid_to` is the first day on which the entry no longer holds.
    """

    __tablename__ = "product_map"
    __table_args__ = (
        CheckConstraint(_STATUS_CHECK, name="status"),
        CheckConstraint("factor > 0", name="factor"),
        Index("ix_product_map_sku", "psa_connection_id", "sku"),
        Index("ix_product_map_product", "psa_connection_id", "psa_product_id"),
    )

    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    vendor_connection_id: Mapped[str] = mapped_column(String(40), default="")
    product_id: Mapped[str] = mapped_column(String(200), default="")
    sku: Mapped[str] = mapped_column(String(200), default="")
    sku_name: Mapped[str] = mapped_column(Text, default="")
    term: Mapped[str] = mapped_column(String(20), default="")
    billing_cycle: Mapped[str] = mapped_column(String(20), default="")
    segment: Mapped[str] = mapped_column(String(50), default="")
    market: Mapped[str] = mapped_column(String(10), default="")
    psa_connection_id: Mapped[str] = mapped_column(String(40))
    psa_product_id: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(20), default="license")
    factor: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(1))
    rounding: Mapped[str] = mapped_column(String(10), default="exact")
    included_quantity: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0))
    price_mode: Mapped[str] = mapped_column(String(20), default="")
    price_value: Mapped[Decimal] = mapped_column(UnitPrice, default=Decimal(0))
    price_currency: Mapped[str] = mapped_column(String(3), default="")
    price_floor: Mapped[Decimal | None] = mapped_column(Quantity)
    manage_price: Mapped[bool] = mapped_column(default=True)
    manage_cost: Mapped[bool] = mapped_column(default=True)
    manage_flags: Mapped[bool] = mapped_column(default=True)
    bill: Mapped[str] = mapped_column(String(20), default="billable")
    taxable: Mapped[bool | None]  # no default: None must stay None
    text_template: Mapped[str] = mapped_column(Text, default="")
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)


class MappingFact(FactMixin, Base):
    """What was decided about a map row, from `known_at` on; append-only.

    `payload` is the whole row; `change` is ``gone`` when it was taken away.
    """

    __tablename__ = "mapping_fact"


class MappingBatch(TenantOwned, Base):
    """One decision of a person, a policy or an import; undone as a whole.

    `what` is ``customers`` or ``products``.
    """

    __tablename__ = "mapping_batch"
    __table_args__ = (Index("ix_mapping_batch_tenant_id_id", "tenant_id", "id"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    what: Mapped[str] = mapped_column(String(12))
    action: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[str] = mapped_column(String(60))
    actor_name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    why: Mapped[str] = mapped_column(Text, default="")
    rows: Mapped[int]
    undone_by: Mapped[str | None] = mapped_column(String(40))  # the batch that did it


class MappingChange(TenantOwned, Base):
    """One row before and after a batch; None where there was or is no row."""

    __tablename__ = "mapping_change"

    batch_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    map_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    before: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    after: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
