"""Tables: what is told of customers, to whom, and the mails that told it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.store.base import Base, TenantOwned
from entrepot.store.types import JsonText, UtcDateTime


class NotificationSetting(TenantOwned, Base):
    """What is told, and to whom: of one customer, or of all where it is empty.

    A customer's row holds while it is `own`; otherwise the reseller's does, and where
    there is none what `rules.USUAL` says. `people` are ids of the reseller's people.
    """

    __tablename__ = "notification_setting"

    tenant_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    own: Mapped[bool] = mapped_column(default=True)
    kinds: Mapped[list[str]] = mapped_column(JsonText, default=list)
    renewal_days: Mapped[int] = mapped_column(default=30)
    owners: Mapped[bool] = mapped_column(default=True)
    people: Mapped[list[str]] = mapped_column(JsonText, default=list)
    contact: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str] = mapped_column(String(5), default="en")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)


class CustomerNotification(TenantOwned, Base):
    """One thing that is worth telling of a customer; told once.

    `subject_id` is the subscription, the account or the difference it is about,
    `fact_at` the moment that makes it this one and no other. `source` is the run that
    found it. `state` is ``new``, ``shown`` (nobody was to be mailed), ``waiting``,
    ``sent`` or ``failed``.
    """

    __tablename__ = "customer_notification"
    __table_args__ = (
        Index(
            "uq_customer_notification_fact",
            "subject_id",
            "kind",
            "fact_at",
            unique=True,
        ),
        Index("ix_customer_notification_customer_id_id", "customer_id", "id"),
        Index("ix_customer_notification_tenant_id_id", "tenant_id", "id"),
        Index("ix_customer_notification_source", "source"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    customer_id: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(20))
    subject_kind: Mapped[str] = mapped_column(String(20))
    subject_id: Mapped[str] = mapped_column(String(40))
    fact_at: Mapped[datetime] = mapped_column(UtcDateTime)
    facts: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    source: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class NotificationMail(TenantOwned, Base):
    """One mail to one person about all that a run found.

    `to_kind` is ``user`` or ``contact``, `to_id` the person's id or the customer's.
    `state` is ``waiting``, ``sending``, ``sent``, ``failed`` or ``unknown`` (the hub
    was cut off while a server took it: it is not sent again by itself).
    """

    __tablename__ = "notification_mail"
    __table_args__ = (
        Index("ix_notification_mail_source", "source"),
        Index("ix_notification_mail_to_id", "to_id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    source: Mapped[str] = mapped_column(String(200))
    to_kind: Mapped[str] = mapped_column(String(10))
    to_id: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(Text, default="")
    address: Mapped[str] = mapped_column(String(320), default="")
    language: Mapped[str] = mapped_column(String(5), default="en")
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class NotificationDelivery(TenantOwned, Base):
    """That a mail tells of a notification."""

    __tablename__ = "notification_delivery"
    __table_args__ = (Index("ix_notification_delivery_mail_id", "mail_id"),)

    notification_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    mail_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
