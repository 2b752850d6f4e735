"""Taking a person out of what was mailed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.notifications.tables import NotificationMail


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
