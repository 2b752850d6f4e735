"""Tables: subscriptions as they are, and every state we have known them in."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.hub.missing import missing_index
from entrepot.hub.subscriptions.order_text import SEARCHED, order_text
from entrepot.store.base import Base, TenantOwned
from entrepot.store.types import JsonText, Quantity, UnitPrice, UtcDateTime


def _few(name: str, which: str, *columns: str) -> Index:
    """An index of the rows that aren't as most are: it costs the others nothing."""
    few = text(which)
    return Index(
        f"ix_subscription_{name}", *columns, sqlite_where=few, postgresql_where=few
    )


class SubscriptionRow(TenantOwned, Base):
    """The current state of a subscription: the projection of its facts.

    Sync owns every column. `account_id` is the customer's account at the
    connection; empty until that account is known.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        Index(
            "uq_subscription_connection_id_vendor_id",
            "connection_id",
            "vendor_id",
            unique=True,
        ),
        # With the reseller, so that counting a customer's reads no rows.
        Index("ix_subscription_account_id", "account_id", "tenant_id"),
        # The lists by name and by what ends soon walk these at any size. The reseller
        # does not lead: SQLite would take them for every question and sort the rest.
        Index("ix_subscription_name_id", "name", "id", "tenant_id"),
        Index("ix_subscription_term_end", "term_end"),
        # What few rows are, which a walk would look for among all.
        _few(
            *("rare", "status <> 'active'"),
            *("tenant_id", "status", "id", "connection_id"),
        ),
        _few("cycle", "billing_cycle <> 'monthly'", "tenant_id", "billing_cycle", "id"),
        Index(
            "ix_subscription_trial",
            *("tenant_id", "id", "status"),
            sqlite_where=text("is_trial IS 1"),
            postgresql_where=text("is_trial IS true"),
        ),
        missing_index("subscription"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    connection_id: Mapped[str] = mapped_column(String(40))
    vendor_id: Mapped[str] = mapped_column(String(200))
    account_id: Mapped[str] = mapped_column(String(40), default="")
    customer_vendor_id: Mapped[str] = mapped_column(String(200))
    sku: Mapped[str] = mapped_column(String(200))
    product_id: Mapped[str] = mapped_column(String(200), default="")
    offer_key: Mapped[str] = mapped_column(String(300), default="")
    name: Mapped[str] = mapped_column(Text)
    friendly_name: Mapped[str] = mapped_column(Text, default="")
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    unit: Mapped[str] = mapped_column(String(50), default="")
    status: Mapped[str] = mapped_column(String(20))
    vendor_status: Mapped[str] = mapped_column(String(100), default="")
    billed: Mapped[bool] = mapped_column(default=True)
    term: Mapped[str] = mapped_column(String(20), default="")
    billing_cycle: Mapped[str] = mapped_column(String(20))
    segment: Mapped[str] = mapped_column(String(50), default="")
    currency: Mapped[str] = mapped_column(String(3), default="")
    unit_cost: Mapped[Decimal | None] = mapped_column(UnitPrice)
    assigned: Mapped[Decimal | None] = mapped_column(Quantity)
    is_trial: Mapped[bool] = mapped_column(default=False)
    is_addon: Mapped[bool] = mapped_column(default=False)
    parent_vendor_id: Mapped[str] = mapped_column(String(200), default="")
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    term_start: Mapped[datetime | None] = mapped_column(UtcDateTime)
    term_end: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    auto_renew: Mapped[bool | None]
    cancellable_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reducible_quantity: Mapped[Decimal | None] = mapped_column(Quantity)
    scheduled: Mapped[list[dict[str, Any]]] = mapped_column(JsonText, default=list)
    order_vendor_id: Mapped[str] = mapped_column(String(200), default="")
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    vendor_version: Mapped[str] = mapped_column(String(200), default="")
    attributes: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)
    row_hash: Mapped[int] = mapped_column(BigInteger)
    known_at: Mapped[datetime] = mapped_column(UtcDateTime)
    missing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    missing_runs: Mapped[int] = mapped_column(default=0)
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SubscriptionSku(TenantOwned, Base):
    """A SKU in use at a connection, with one term, billing cycle and name: derived.

    `n_live` counts the subscriptions somebody has, `n_billed` those of them that are
    billed, `n_planned` those that become it with their next term (`skus.py`). `id` is
    made of the other columns.
    """

    __tablename__ = "subscription_sku"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    connection_id: Mapped[str] = mapped_column(String(40))
    sku: Mapped[str] = mapped_column(String(200))
    product_id: Mapped[str] = mapped_column(String(200))
    term: Mapped[str] = mapped_column(String(20))
    billing_cycle: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(Text)
    n_live: Mapped[int]
    n_billed: Mapped[int]
    n_planned: Mapped[int]


class SubscriptionFact(TenantOwned, Base):
    """A state of a subscription: true from `valid_from`, known from `known_at`.

    `change` is ``new``, ``changed``, ``gone`` or ``back``. `payload` holds the
    projection's columns that the vendor gave.
    """

    __tablename__ = "subscription_fact"
    __table_args__ = (
        # What a reading changed, without what a load brought: that costs it nothing.
        Index(
            "ix_subscription_fact_changed",
            "connection_id",
            "known_at",
            sqlite_where=text("change <> 'new'"),
            postgresql_where=text("change <> 'new'"),
        ),
    )

    object_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    known_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    connection_id: Mapped[str] = mapped_column(String(40))
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    date_estimated: Mapped[bool] = mapped_column(default=False)
    run_id: Mapped[str] = mapped_column(String(200))
    change: Mapped[str] = mapped_column(String(20))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    payload: Mapped[dict[str, Any]] = mapped_column(JsonText)


class SubscriptionNote(TenantOwned, Base):
    """What the reseller wrote beside a subscription; sync never touches it.

    `id` is the subscription's. `search_text` is all of it, folded.
    """

    __tablename__ = "subscription_note"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    nickname: Mapped[str] = mapped_column(String(200), default="")
    customer_po: Mapped[str] = mapped_column(String(100), default="")
    reseller_po: Mapped[str] = mapped_column(String(100), default="")
    search_text: Mapped[str] = mapped_column(Text, default="")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)


def _searched(context: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    return order_text(context.get_current_parameters()) if context else ""


class VendorOrderRow(TenantOwned, Base):
    """An order as the vendor reports it.

    `search_text` holds what is searched, folded, of long orders the beginning: whoever
    finds it longer than `SEARCHED` looks into the order as well.
    """

    __tablename__ = "vendor_order"
    __table_args__ = (
        Index(
            "uq_vendor_order_connection_id_vendor_id",
            "connection_id",
            "vendor_id",
            unique=True,
        ),
        Index(
            "ix_vendor_order_connection_id_customer_vendor_id",
            "connection_id",
            "customer_vendor_id",
        ),
        # The list over all customers walks one of these, whatever its size.
        Index(
            "ix_vendor_order_tenant_id_day_id",
            "tenant_id",
            text("coalesce(ordered_at, known_at)"),
            "id",
        ),
        # Free text walks this one: a tenth of what the rows are.
        Index(
            "ix_vendor_order_tenant_id_search_text",
            "tenant_id",
            "search_text",
            "id",
        ),
        Index(
            "ix_vendor_order_tenant_id_long",
            "tenant_id",
            sqlite_where=text(f"length(search_text) > {SEARCHED}"),
            postgresql_where=text(f"length(search_text) > {SEARCHED}"),
        ),
        Index(
            "ix_vendor_order_tenant_id_connection_id_day_id",
            "tenant_id",
            "connection_id",
            text("coalesce(ordered_at, known_at)"),
            "id",
        ),
        Index("ix_vendor_order_tenant_id_vendor_id_id", "tenant_id", "vendor_id", "id"),
        Index("ix_vendor_order_tenant_id_status_id", "tenant_id", "status", "id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    connection_id: Mapped[str] = mapped_column(String(40))
    vendor_id: Mapped[str] = mapped_column(String(200))
    customer_vendor_id: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(20))
    vendor_status: Mapped[str] = mapped_column(String(100), default="")
    reference: Mapped[str] = mapped_column(String(200), default="")
    ordered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JsonText, default=list)
    attributes: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)
    search_text: Mapped[str] = mapped_column(Text, default=_searched)
    row_hash: Mapped[int] = mapped_column(BigInteger)
    known_at: Mapped[datetime] = mapped_column(UtcDateTime)
    missing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    missing_runs: Mapped[int] = mapped_column(default=0)
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
