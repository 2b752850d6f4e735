"""Erasing what is known of a person, on request; what stays, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from entrepot.hub.customers.editing import customer_of
from entrepot.hub.customers.records import CustomerDetail
from entrepot.hub.customers.rules import plain
from entrepot.hub.customers.tables import (
    Contact,
    Customer,
    CustomerAccount,
    CustomerAccountFact,
)
from entrepot.hub.customers.upkeep import derive
from entrepot.hub.notifications.forgetting import forget_contact
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Rejected
from entrepot.store.actor import Actor
from entrepot.store.audit_log import audit
from entrepot.store.audit_tables import AuditPayload
from entrepot.store.erasure import erasing
from entrepot.store.scope import SystemScope, TenantScope
from entrepot.store.unit import Store

KEPT = (
    "ids of the customer and of its accounts, company names, domains and countries",
    "subscriptions, orders, charges and every comparison: they hold no person",
    "who did what and when in the audit log, without what it said of the person",
)
"""What stays after an erasure, for people."""

_DETAIL = ("login", "given_name", "family_name", "email", "phone", "street", "tax_id")
_ACCOUNT = ("email", "phone")
_ACCOUNT_OF_PERSON = (*_ACCOUNT, "address", "tax_id", "name")
_CONTACT = ("first_name", "last_name", "email", "phone")
_FACT = frozenset(
    {"email", "phone", "address", "contacts", "first_name", "last_name", "tax_id",
     "attributes", "street", "notes", "contact"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How many rows lost what they said of a person, and what was kept."""

    contacts: int
    accounts: int
    facts: int
    audit_entries: int
    kept: tuple[str, ...] = KEPT


class CustomerErasing:
    """The use case of erasing a customer's personal data.

    Args:
        store: The hub's database.
        clock: Time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def erase(self, actor: Actor, customer_id: str, *, why: str) -> Erased:
        """Erase names, addresses and numbers of people from a customer's rows.

        A person (``personal``) loses the customer's name as well. What the vendor
        still has comes back when it changes there: erase it there first.

        Args:
            actor: Needs ``customers:approve``: it can't be undone.
            customer_id: Whose people.
            why: The request behind it; kept.

        Raises:
            NotFound: There is no such customer.
            Rejected: No reason was given.
        """
        actor.require("customers:approve")
        if not plain(why):
            raise Rejected("no_reason", "Say whose request it is.", field="why")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            customer_of(session, customer_id)
            owned = select(CustomerAccount.id).where(
                CustomerAccount.customer_id == customer_id
            )
            accounts = list(session.scalars(owned))
        facts = self._facts(actor.tenant_id, accounts)
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            row = customer_of(session, customer_id)
            contacts = _contacts(session, customer_id)
            self._own(session, row)
            entries = self._audited(session, customer_id)
            row.updated_at, row.version = self._clock.now(), row.version + 1
            session.flush()
            derive(session, actor.tenant_id, [customer_id])
            counts = {
                "contacts": contacts,
                "accounts": len(accounts),
                "facts": facts,
                "audit_entries": entries,
            }
            audit(
                session,
                actor,
                action="customer.erase",
                subject=("customer", customer_id),
                why=plain(why),
                after=counts,
            )
        return Erased(
            contacts=contacts,
            accounts=len(accounts),
            facts=facts,
            audit_entries=entries,
        )

    def _own(self, session: Session, row: Customer) -> None:
        detail = session.get(CustomerDetail, row.id)
        personal = detail is not None and detail.kind == "personal"
        if detail is None:
            detail = CustomerDetail(customer_id=row.id, tenant_id=row.tenant_id)
            session.add(detail)
        _blank(detail, _DETAIL)
        detail.custom, detail.erased_at = {}, self._clock.now()
        forget_contact(session, row.id)
        if personal:
            row.name = f"Erased person {row.id[-6:]}"
        names = _ACCOUNT_OF_PERSON if personal else _ACCOUNT
        query = select(CustomerAccount).where(CustomerAccount.customer_id == row.id)
        for account in session.scalars(query):
            _blank(account, names)
            account.attributes = {}

    def _audited(self, session: Session, customer_id: str) -> int:
        found = session.scalars(
            select(AuditPayload).where(
                AuditPayload.person == customer_id, AuditPayload.erased_at.is_(None)
            )
        ).all()
        for payload in found:
            payload.document = payload.salt = payload.person = None
            payload.erased_at = self._clock.now()
        return len(found)

    def _facts(self, tenant_id: str, accounts: list[str]) -> int:
        """Take people out of what was ever known of the accounts."""
        fact, done = CustomerAccountFact, 0
        if not accounts:
            return 0
        with self._store.unit(SystemScope("customers.erase")) as session:
            rows = session.execute(
                select(fact.object_id, fact.known_at, fact.payload).where(
                    fact.tenant_id == tenant_id, fact.object_id.in_(accounts)
                )
            ).all()
            with erasing(session, "erase a person's data"):
                for object_id, known_at, payload in rows:
                    kept = without_people(payload)
                    if kept == payload:
                        continue
                    done += 1
                    session.execute(
                        update(fact)
                        .where(
                            fact.tenant_id == tenant_id,
                            fact.object_id == object_id,
                            fact.known_at == known_at,
                        )
                        .values(payload=kept)
                    )
        return done


def without_people(payload: dict[str, Any]) -> dict[str, Any]:
    """A fact's payload without what it says of people."""
    return {
        key: _empty(value) if key in _FACT else value for key, value in payload.items()
    }


def _empty(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return ""
    return type(value)() if isinstance(value, list | dict) else None


def _contacts(session: Session, customer_id: str) -> int:
    found = session.scalars(
        select(Contact)
        .join(
            CustomerAccount,
            (CustomerAccount.connection_id == Contact.connection_id)
            & (CustomerAccount.vendor_id == Contact.owner_id)
            & (CustomerAccount.tenant_id == Contact.tenant_id),
        )
        .where(CustomerAccount.customer_id == customer_id)
    ).all()
    for contact in found:
        _blank(contact, _CONTACT)
    return len(found)


def _blank(row: Any, names: Iterable[str]) -> None:  # noqa: ANN401 - a mapped row
    for name in names:
        setattr(row, name, "")
