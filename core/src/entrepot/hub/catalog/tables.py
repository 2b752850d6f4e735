"""Tables: the offers of every vendor connection and their price history."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.store.base import Base, TenantOwned
from entrepot.store.types import JsonText, Quantity, UnitPrice, UtcDateTime


class Offer(TenantOwned, Base):
    """One way to buy one product at one connection."""

    __tablename__ = "offer"
    __table_args__ = (
        Index(
            "uq_offer_connection_id_vendor_id",
            "connection_id",
            "vendor_id",
            unique=True,
        ),
        Index("ix_offer_tenant_id_sku", "tenant_id", "sku"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    connection_id: Mapped[str] = mapped_column(String(40))
    vendor_id: Mapped[str] = mapped_column(String(300))  # the offer's stable key
    product_id: Mapped[str] = mapped_column(String(200))
    sku: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    term: Mapped[str] = mapped_column(String(20), default="")
    billing_cycle: Mapped[str] = mapped_column(String(20))
    segment: Mapped[str] = mapped_column(String(50), default="")
    market: Mapped[str] = mapped_column(String(10), default="")
    currency: Mapped[str] = mapped_column(String(3), default="")
    unit_cost: Mapped[Decimal | None] = mapped_column(UnitPrice)
    list_price: Mapped[Decimal | None] = mapped_column(UnitPrice)
    min_quantity: Mapped[Decimal] = mapped_column(Quantity)
    max_quantity: Mapped[Decimal | None] = mapped_column(Quantity)
    unit: Mapped[str] = mapped_column(String(50), default="")
    is_trial: Mapped[bool] = mapped_column(default=False)
    is_addon: Mapped[bool] = mapped_column(default=False)
    is_usage: Mapped[bool] = mapped_column(default=False)
    purchasable: Mapped[bool] = mapped_column(default=True)
    prerequisite_skus: Mapped[list[str]] = mapped_column(JsonText, default=list)
    part_numbers: Mapped[list[str]] = mapped_column(JsonText, default=list)
    publisher: Mapped[str] = mapped_column(String(200), default="")
    price_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    price_to: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attributes: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)
    row_hash: Mapped[int] = mapped_column(BigInteger)
    known_at: Mapped[datetime] = mapped_column(UtcDateTime)
    missing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    missing_runs: Mapped[int] = mapped_column(default=0)
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OfferFact(TenantOwned, Base):
    """What we knew of an offer, its prices included, from `known_at` on."""

    __tablename__ = "offer_fact"

    object_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    known_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    connection_id: Mapped[str] = mapped_column(String(40))
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    run_id: Mapped[str] = mapped_column(String(200))
    change: Mapped[str] = mapped_column(String(20))
    payload: Mapped[dict[str, Any]] = mapped_column(JsonText)
