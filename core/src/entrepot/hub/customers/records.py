"""Tables: what the hub keeps beside a customer, none of it ever touched by sync."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.store.base import Base, TenantOwned
from entrepot.store.types import JsonText, UtcDateTime


class CustomerDetail(TenantOwned, Base):
    """Who a customer is, as the reseller says; a customer may have none.

    `custom` holds the values of custom fields as text, by field id.
    """

    __tablename__ = "customer_detail"
    __table_args__ = (
        # Every line of a file asks who has its sign-in name.
        Index("ix_customer_detail_tenant_id_login", "tenant_id", "login"),
    )

    customer_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(10), default="business")
    company: Mapped[str] = mapped_column(Text, default="")
    login: Mapped[str] = mapped_column(String(320), default="")
    given_name: Mapped[str] = mapped_column(String(200), default="")
    family_name: Mapped[str] = mapped_column(String(200), default="")
    email: Mapped[str] = mapped_column(String(320), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    street: Mapped[str] = mapped_column(Text, default="")
    postal_code: Mapped[str] = mapped_column(String(40), default="")
    city: Mapped[str] = mapped_column(String(200), default="")
    region: Mapped[str] = mapped_column(String(200), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    tax_id: Mapped[str] = mapped_column(String(100), default="")
    locale: Mapped[str] = mapped_column(String(35), default="")
    custom: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CustomerField(TenantOwned, Base):
    """A field that a reseller added to its customers.

    `key` names it in files and filters and never changes; `options` are the values
    of a field of the kind ``choice``.
    """

    __tablename__ = "customer_field"
    __table_args__ = (
        Index("uq_customer_field_tenant_id_key", "tenant_id", "key", unique=True),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(60))
    label: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(10))
    options: Mapped[list[str]] = mapped_column(JsonText, default=list)
    required: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)


class CustomerFacet(TenantOwned, Base):
    """One thing by which a customer is found in a filter; derived, see `upkeep.py`."""

    __tablename__ = "customer_facet"
    __table_args__ = (
        Index("ix_customer_facet_customer_id", "customer_id"),
        {"info": {"operational": True}},
    )

    tenant_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(500), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(40), primary_key=True)


class CustomerUpkeepMark(TenantOwned, Base):
    """How far the objects of a connection are counted: ids grow with time."""

    __tablename__ = "customer_upkeep_mark"
    __table_args__ = ({"info": {"operational": True}},)

    connection_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    subscription_id: Mapped[str] = mapped_column(String(40), default="")
    order_id: Mapped[str] = mapped_column(String(40), default="")


class PriceBook(TenantOwned, Base):
    """A named list of sales prices; customers are assigned to one."""

    __tablename__ = "price_book"
    __table_args__ = (
        Index("uq_price_book_tenant_id_name", "tenant_id", "name", unique=True),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(Text, default="")
    currency: Mapped[str] = mapped_column(String(3))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)


class ListView(TenantOwned, Base):
    """How all people of a reseller see a list: columns, or a saved question.

    The view of the name ``""`` holds the columns everybody sees; others are filters
    and order under a name.
    """

    __tablename__ = "list_view"
    __table_args__ = (
        Index("uq_list_view_tenant_id_of_name", "tenant_id", "of", "name", unique=True),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    of: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    query: Mapped[str] = mapped_column(Text, default="")
    columns: Mapped[list[str] | None] = mapped_column(JsonText)
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CustomerImport(TenantOwned, Base):
    """One import of customers with what became of every line.

    `rows` has a number, an outcome, the customer and messages for every line; the
    personal data of the file is not kept.
    """

    __tablename__ = "customer_import"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    name: Mapped[str] = mapped_column(String(200))
    dry_run: Mapped[bool] = mapped_column()
    state: Mapped[str] = mapped_column(String(20))
    counts: Mapped[dict[str, int]] = mapped_column(JsonText, default=dict)
    rows: Mapped[list[Any]] = mapped_column(JsonText, default=list)
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CustomerWork(TenantOwned, Base):
    """Something done to many customers by a durable job, row by row.

    `kind` is ``price_book``, ``edit`` or ``import``; `settings` say what is done and
    `actor` who wants it. Its parts hold the rows.
    """

    __tablename__ = "customer_work"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    dry_run: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(20))
    settings: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    counts: Mapped[dict[str, int]] = mapped_column(JsonText, default=dict)
    total: Mapped[int] = mapped_column()
    done: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(Text, default="")
    actor: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CustomerWorkPart(TenantOwned, Base):
    """Some rows of a `CustomerWork`: what is to be done, then what became of it.

    `lines` is emptied when the part is done: the personal data of a file is not kept.
    """

    __tablename__ = "customer_work_part"

    work_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    lines: Mapped[list[Any]] = mapped_column(JsonText, default=list)
    rows: Mapped[list[Any] | None] = mapped_column(JsonText)
