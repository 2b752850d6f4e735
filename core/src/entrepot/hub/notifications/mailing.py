"""Who is told what of a run: one mail for everybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, exists, insert, select, update
from sqlalchemy.orm import Session

from entrepot.hub.customers.tables import Customer
from entrepot.hub.notifications import rules
from entrepot.hub.notifications.choices import Choices
from entrepot.hub.notifications.rules import Person
from entrepot.hub.notifications.tables import (
    CustomerNotification,
    NotificationDelivery,
    NotificationMail,
)
from entrepot.hub.sync.driver import among
from entrepot.hub.users.rules import UserInvalid, clean_email
from entrepot.store.ids import new_ids

_ID: Any = Customer.__table__.c.id
_N, _D, _M = CustomerNotification, NotificationDelivery, NotificationMail


def told_by(
    session: Session,
    tenant_id: str,
    fresh: Sequence[Any],
    people: dict[str, Person],
    owners: list[str],
) -> dict[Person, list[str]]:
    """Return which notifications everybody is told who is told any, by id."""
    customers = {one.customer_id for one in fresh}
    choices = Choices(session, tenant_id)
    choices.load(session, customers)
    contacts = _contacts(session, choices, customers)
    told: dict[Person, list[str]] = defaultdict(list)
    for one in fresh:
        choice = choices.of(one.customer_id)
        contact = contacts.get(one.customer_id)
        for person in rules.receivers(one.kind, choice, people, owners, contact):
            told[person].append(one.id)
    return told


def _contacts(
    session: Session, choices: Choices, customers: set[str]
) -> dict[str, Person]:
    wanted = sorted(one for one in customers if choices.of(one).contact)
    if not wanted:
        return {}
    rows = session.execute(
        select(Customer.id, Customer.contact_name, Customer.contact_email).where(
            among(session.connection(), _ID, wanted), Customer.state == "active"
        )
    )
    found = {}
    for row in rows:
        try:
            address = clean_email(row.contact_email)
        except UserInvalid:
            continue
        found[row.id] = Person(
            kind="contact", id=row.id, name=row.contact_name, address=address,
            language=choices.of(row.id).language,
        )  # fmt: skip
    return found


def store_mails(
    session: Session,
    tenant_id: str,
    source: str,
    told: dict[Person, list[str]],
    now: datetime,
) -> None:
    """Write one mail for everybody, and what it tells."""
    if not told:
        return
    usual = Choices(session, tenant_id).usual.language
    mails, links = [], []
    for id_, (person, ids) in zip(
        new_ids("mail", len(told)), told.items(), strict=True
    ):
        mails.append(
            {
                "id": id_, "tenant_id": tenant_id, "source": source,
                "to_kind": person.kind, "to_id": person.id, "name": person.name,
                "address": person.address, "language": person.language or usual,
                "state": "waiting", "attempts": 0, "error": "", "created_at": now,
            }
        )  # fmt: skip
        links += [
            {"notification_id": one, "mail_id": id_, "tenant_id": tenant_id}
            for one in ids
        ]
    session.execute(insert(_M), mails)
    session.execute(insert(_D), links)


def mark(session: Session, source: str, mailed: Iterable[str]) -> None:
    """Let new notifications wait for their mails, or be shown only."""
    told = exists().where(_D.notification_id == _N.id, _D.tenant_id == _N.tenant_id)
    session.execute(
        update(_N)
        .where(_N.source == source, _N.state == "new")
        .values(state=case((told, "waiting"), else_="shown") if mailed else "shown")
        .execution_options(synchronize_session=False)
    )
