"""Forgetting: a person out of what was mailed, and everything after its time."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, select
from sqlalchemy.orm import Session

from entrepot.hub.customers.upkeep import derive
from entrepot.hub.notifications.tables import (
    CustomerNotification,
    NotificationDelivery,
    NotificationMail,
)
from entrepot.store.scope import TenantScope
from entrepot.store.unit import Store

DAYS = 400
"""So long a notification is kept, as runs are; a year can be looked back on."""

BATCH = 500


def forget_contact(session: Session, customer_id: str) -> None:
    """Take a customer's contact out of the mails it was sent; in the caller's unit."""
    found = session.scalars(
        select(NotificationMail).where(
            NotificationMail.to_id == customer_id,
            NotificationMail.to_kind == "contact",
        )
    )
    for mail in found:
        mail.name = mail.address = ""


def forget_piece(store: Store, tenant_id: str, days: int) -> int:
    """Delete a reseller's oldest notifications, and mails that tell of none any more.

    Counters of their customers follow in the same unit.

    Returns:
        How many notifications; less than `BATCH` when none that is due is left.
    """
    before = store.clock.now() - timedelta(days=days)
    with store.unit(TenantScope(tenant_id)) as session:
        due = _oldest(session, before)
        ids = [one[0] for one in due]
        for column in (NotificationDelivery.notification_id, CustomerNotification.id):
            session.execute(delete(column.class_).where(column.in_(ids)))
        session.execute(delete(NotificationMail).where(_tells_of_none(before)))
        derive(session, tenant_id, sorted({one[1] for one in due}))
    return len(ids)


def _tells_of_none(before: datetime) -> ColumnElement[bool]:
    mail = NotificationMail
    left = exists().where(NotificationDelivery.mail_id == mail.id)
    return and_(mail.created_at < before, mail.settled_at.is_not(None), ~left)


def _oldest(session: Session, before: datetime) -> list[tuple[str, str]]:
    row = CustomerNotification
    query = (
        select(row.id, row.customer_id)
        .where(row.created_at < before)
        .order_by(row.tenant_id, row.id)  # ids grow with time: due ones come first
        .limit(BATCH)
    )
    return [(one[0], one[1]) for one in session.execute(query)]
