"""Tables: the hub's customers, their accounts at vendors, contacts.

What the hub keeps beside a customer (details, custom fields, lists) is in
`records.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.hub.missing import missing_index
from entrepot.store.base import Base, TenantOwned
from entrepot.store.types import JsonText, UtcDateTime


class Customer(TenantOwned, Base):
    """A customer of the reseller: the hub's own record, never touched by sync.

    `contact_name` to `n_notifications` and `search_text` are derived (`upkeep.py`):
    they make the list one walk along an index. `facets` holds a token for everything
    that can be filtered by, `search_text` all that is searched, folded.
    """

    __tablename__ = "customer"
    __table_args__ = (
        Index("ix_customer_tenant_id_sort_name_id", "tenant_id", "sort_name", "id"),
        *(
            Index(f"ix_customer_tenant_id_{name}_id", "tenant_id", name, "id")
            for name in (
                "created_at",
                "updated_at",
                "custom_id",
                "contact_name",
                "contact_email",
                "n_purchased",
                "n_orders",
                "n_notifications",
            )
        ),
        Index(
            "uq_customer_tenant_id_custom_id",
            "tenant_id",
            "custom_id",
            unique=True,
            sqlite_where=text("custom_id <> ''"),
            postgresql_where=text("custom_id <> ''"),
        ),
        # Few are joined or deleted; that the state isn't the usual one must be said.
        Index(
            "ix_customer_tenant_id_state_id",
            "tenant_id",
            "state",
            "id",
            sqlite_where=text("state <> 'active'"),
            postgresql_where=text("state <> 'active'"),
        ),
        {"info": {"search": ("search_text", "facets", "state", "sort_name")}},
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(Text)
    sort_name: Mapped[str] = mapped_column(Text)
    search_text: Mapped[str] = mapped_column(Text, default="")
    custom_id: Mapped[str] = mapped_column(String(100), default="")
    state: Mapped[str] = mapped_column(String(20), default="active")
    merged_into: Mapped[str | None] = mapped_column(String(40))
    price_book_id: Mapped[str | None] = mapped_column(String(40))
    contact_name: Mapped[str] = mapped_column(Text, default="")
    contact_email: Mapped[str] = mapped_column(Text, default="")
    facets: Mapped[str] = mapped_column(Text, default="")
    n_purchased: Mapped[int] = mapped_column(default=0)
    n_orders: Mapped[int] = mapped_column(default=0)
    n_notifications: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)


class CustomerAccount(TenantOwned, Base):
    """A customer's account at one vendor connection: the vendor's fields."""

    __tablename__ = "customer_account"
    __table_args__ = (
        Index(
            "uq_customer_account_connection_id_vendor_id",
            "connection_id",
            "vendor_id",
            unique=True,
        ),
        Index("ix_customer_account_customer_id", "customer_id"),
        Index("ix_customer_account_tenant_id_id", "tenant_id", "id"),
        # The work list of the mapping walks this one, whatever is asked for.
        Index(
            "ix_customer_account_live_name",
            "tenant_id",
            "name",
            "id",
            sqlite_where=text("gone_at IS NULL"),
            postgresql_where=text("gone_at IS NULL"),
        ),
        missing_index("customer_account"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    connection_id: Mapped[str] = mapped_column(String(40))
    vendor_id: Mapped[str] = mapped_column(String(200))
    customer_id: Mapped[str] = mapped_column(
        ForeignKey("customer.id", deferrable=True, initially="DEFERRED")
    )
    name: Mapped[str] = mapped_column(Text)
    domain: Mapped[str] = mapped_column(String(255), default="")
    domains: Mapped[list[str]] = mapped_column(JsonText, default=list)
    default_domain: Mapped[str] = mapped_column(String(255), default="")
    tax_id: Mapped[str] = mapped_column(String(100), default="")
    email: Mapped[str] = mapped_column(String(320), default="")
    phone: Mapped[str] = mapped_column(String(100), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    region: Mapped[str] = mapped_column(String(200), default="")
    city: Mapped[str] = mapped_column(String(200), default="")
    postal_code: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(String(35), default="")
    currency: Mapped[str] = mapped_column(String(3), default="")
    status: Mapped[str] = mapped_column(String(20))
    vendor_status: Mapped[str] = mapped_column(String(100), default="")
    vendor_created_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    vendor_version: Mapped[str] = mapped_column(String(200), default="")
    external_ids: Mapped[list[list[str]]] = mapped_column(JsonText, default=list)
    attributes: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)
    row_hash: Mapped[int] = mapped_column(BigInteger)
    known_at: Mapped[datetime] = mapped_column(UtcDateTime)
    missing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    missing_runs: Mapped[int] = mapped_column(default=0)
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CustomerAccountFact(TenantOwned, Base):
    """What we knew of an account from `known_at` on; append-only."""

    __tablename__ = "customer_account_fact"

    object_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    known_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    connection_id: Mapped[str] = mapped_column(String(40))
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    run_id: Mapped[str] = mapped_column(String(200))
    change: Mapped[str] = mapped_column(String(20))
    payload: Mapped[dict[str, Any]] = mapped_column(JsonText)


class Contact(TenantOwned, Base):
    """A person at a customer's account or a PSA company, as the other side has it.

    `owner_id` is the vendor id of that account or company. Where the other side gives
    people no id, `vendor_id` is made of the owner and the address.
    """

    __tablename__ = "contact"
    __table_args__ = (
        Index("ix_contact_connection_id_owner_id", "connection_id", "owner_id"),
        Index(
            "uq_contact_connection_id_vendor_id",
            "connection_id",
            "vendor_id",
            unique=True,
        ),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    connection_id: Mapped[str] = mapped_column(String(40))
    vendor_id: Mapped[str] = mapped_column(String(500))
    owner_id: Mapped[str] = mapped_column(String(200))
    first_name: Mapped[str] = mapped_column(String(200), default="")
    last_name: Mapped[str] = mapped_column(String(200), default="")
    email: Mapped[str] = mapped_column(String(320), default="")
    phone: Mapped[str] = mapped_column(String(100), default="")
    role: Mapped[str] = mapped_column(String(100), default="")
    is_primary: Mapped[bool] = mapped_column(default=False)
    row_hash: Mapped[int] = mapped_column(BigInteger)
    known_at: Mapped[datetime] = mapped_column(UtcDateTime)
    missing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    missing_runs: Mapped[int] = mapped_column(default=0)
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
