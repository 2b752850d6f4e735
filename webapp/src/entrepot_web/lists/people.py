"""The main contact of customers, read for a page of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.hub.customers.tables import Contact, CustomerAccount
from sqlalchemy import select
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class MainContact:
    """Who to write to."""

    name: str
    email: str


def main_contacts(
    session: Session, customer_ids: Sequence[str]
) -> dict[str, MainContact]:
    """Return one contact for each customer that has any, primary ones first."""
    if not customer_ids:
        return {}
    query = (
        select(
            CustomerAccount.customer_id,
            Contact.first_name,
            Contact.last_name,
            Contact.email,
        )
        .join(
            Contact,
            (Contact.connection_id == CustomerAccount.connection_id)
            & (Contact.owner_id == CustomerAccount.vendor_id),
        )
        .where(CustomerAccount.customer_id.in_(customer_ids), Contact.gone_at.is_(None))
        .order_by(Contact.is_primary, Contact.id.desc())
    )
    return {
        customer: MainContact(f"{first} {last}".strip(), email)
        for customer, first, last, email in session.execute(query)
    }
