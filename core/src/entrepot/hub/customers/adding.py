"""Many new customers at once, by a few statements for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from entrepot.hub.customers.editing import checked_by, named
from entrepot.hub.customers.records import CustomerDetail
from entrepot.hub.customers.rows import customer_row
from entrepot.hub.customers.rules import DETAILS, CustomerInvalid, FieldRule
from entrepot.hub.customers.tables import Customer
from entrepot.hub.customers.upkeep import derive
from entrepot.store.actor import Actor
from entrepot.store.audit_log import Subject, audit

Values = tuple[Mapping[str, str], Mapping[str, str]]
"""Values of a customer's own fields, and of custom ones by field id."""


def add_new(
    session: Session,
    actor: Actor,
    now: datetime,
    asked: Sequence[Values],
    rules: Mapping[str, FieldRule],
) -> list[str | None]:
    """Add those who are new and whose fields are right, in the caller's unit.

    Args:
        session: The unit.
        actor: In whose name.
        now: The moment.
        asked: Their values, with sign-in name; no id and no sign-in name twice.
        rules: Custom fields by id.

    Returns:
        For each its id, or None where nothing was done: the id or the sign-in name is
        known, or a field is wrong. Those want to be looked at one by one.
    """
    ids, logins = _known(session, asked)
    new: dict[int, tuple[dict[str, str], dict[str, str]]] = {}
    for at, (fields, custom) in enumerate(asked):
        if fields.get("custom_id") in ids or fields.get("login") in logins:
            continue
        try:
            new[at] = checked_by(rules, fields, custom, new=True)
        except CustomerInvalid:
            continue
    found: list[str | None] = [None] * len(asked)
    try:
        with session.begin_nested():
            made = _add(session, actor, now, list(new.values()))
    except IntegrityError:
        return found  # somebody took an id meanwhile; it will be found out whose
    for at, customer_id in zip(new, made, strict=True):
        found[at] = customer_id
    return found


def _add(
    session: Session,
    actor: Actor,
    now: datetime,
    new: Sequence[tuple[dict[str, str], dict[str, str]]],
) -> list[str]:
    rows = []
    for given, _ in new:
        row = Customer(**customer_row(named(given), actor.tenant_id, now))
        row.custom_id = given.get("custom_id", "")
        rows.append(row)
    session.add_all(rows)
    session.flush()
    session.add_all(
        CustomerDetail(
            customer_id=row.id,
            tenant_id=actor.tenant_id,
            custom=values,
            **{key: value for key, value in given.items() if key in DETAILS},
        )
        for row, (given, values) in zip(rows, new, strict=True)
    )
    session.flush()
    ids = [row.id for row in rows]
    derive(session, actor.tenant_id, ids)
    for one, (given, values) in zip(ids, new, strict=True):
        audit(
            session,
            actor,
            action="customer.create",
            subject=Subject("customer", one, person=one),
            after={**given, "custom": values},
        )
    return ids


def _known(session: Session, asked: Sequence[Values]) -> tuple[set[str], set[str]]:
    """Ids and sign-in names among those asked for that somebody has."""
    ids = [fields["custom_id"] for fields, _ in asked if fields.get("custom_id")]
    logins = [fields["login"] for fields, _ in asked]
    taken = select(Customer.custom_id).where(Customer.custom_id.in_(ids))
    used = (
        select(CustomerDetail.login)
        .join(Customer, Customer.id == CustomerDetail.customer_id)
        .where(CustomerDetail.login.in_(logins), Customer.state == "active")
    )
    return set(session.scalars(taken)), set(session.scalars(used))
