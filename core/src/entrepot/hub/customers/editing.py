"""Adding, changing and deleting customers: what the hub keeps of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from entrepot.hub.customers.fields import field_rules
from entrepot.hub.customers.records import CustomerDetail
from entrepot.hub.customers.rows import customer_row
from entrepot.hub.customers.rules import (
    DETAILS,
    CustomerInvalid,
    FieldRule,
    Problem,
    custom_problem,
    missing_name,
    plain,
    problems,
    tidy,
)
from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.hub.customers.upkeep import derive
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.store.actor import Actor
from entrepot.store.audit_log import Subject, audit
from entrepot.store.scope import TenantScope
from entrepot.store.unit import Store

OWN = ("name", "custom_id", *DETAILS)
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDetails:
    """All that the hub keeps of a customer, for a form.

    Attributes:
        fields: The values of `OWN`, by name.
        custom: Values of custom fields, by field id.
        erased_at: When the personal data was erased, or None.
    """

    id: str
    version: int
    state: str
    fields: Mapping[str, str]
    custom: Mapping[str, str]
    erased_at: datetime | None


class CustomerEditing:
    """Use cases that change a customer's own fields.

    Args:
        store: The hub's database.
        clock: Time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def details(self, actor: Actor, customer_id: str) -> CustomerDetails:
        """What the hub keeps of a customer.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require("customers:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            row = customer_of(session, customer_id)
            return details_of(row, session.get(CustomerDetail, customer_id))

    def create(
        self, actor: Actor, fields: Mapping[str, str], custom: Mapping[str, str]
    ) -> str:
        """Add a customer and return its id; only a name is required.

        Args:
            actor: Needs ``customers:write``.
            fields: Values of `OWN`; what is left out stays empty.
            custom: Values of custom fields, by field id.

        Raises:
            CustomerInvalid: Fields are wrong; tells all of them.
        """
        actor.require("customers:write")
        try:
            with self._store.unit(TenantScope(actor.tenant_id)) as session:
                return add(session, actor, self._clock.now(), fields, custom)
        except IntegrityError as error:
            raise taken() from error

    def change(
        self,
        actor: Actor,
        customer_id: str,
        *,
        version: int,
        fields: Mapping[str, str],
        custom: Mapping[str, str],
    ) -> None:
        """Change fields of a customer; what is left out stays as it is.

        Raises:
            NotFound: There is none of that id.
            Conflict: Somebody changed it meanwhile (`version` differs).
            CustomerInvalid: Fields are wrong.
        """
        actor.require("customers:write")
        try:
            with self._store.unit(TenantScope(actor.tenant_id)) as session:
                row = customer_of(session, customer_id)
                if row.version != version:
                    raise Conflict(
                        "changed", "The customer was changed by somebody else."
                    )
                change(session, actor, row, self._clock.now(), fields, custom)
        except IntegrityError as error:
            raise taken() from error

    def delete(
        self, actor: Actor, customer_id: str, *, why: str, version: int | None = None
    ) -> None:
        """Take a customer out of the lists; the audit log keeps it.

        Raises:
            NotFound: There is none of that id, or it is deleted already.
            Conflict: It has live subscriptions, or `version` differs.
        """
        actor.require("customers:write")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            row = customer_of(session, customer_id)
            if row.state == "deleted":
                raise NotFound("no_such_customer", "The customer is deleted already.")
            if version is not None and row.version != version:
                raise Conflict("changed", "The customer was changed by somebody else.")
            refuse_live(session, row)
            before = {"name": row.name, "custom_id": row.custom_id}
            row.state, row.custom_id = "deleted", ""
            _saved(session, row, self._clock.now())
            audit(
                session,
                actor,
                action="customer.delete",
                subject=Subject("customer", row.id, person=row.id),
                why=plain(why),
                before=before,
            )


def add(
    session: Session,
    actor: Actor,
    now: datetime,
    fields: Mapping[str, str],
    custom: Mapping[str, str],
) -> str:
    """Add a customer in the caller's unit; see `CustomerEditing.create`."""
    given, values = checked(session, fields, custom, new=True)
    row = Customer(**customer_row(named(given), actor.tenant_id, now))
    row.custom_id = given.get("custom_id", "")
    _refuse_taken(session, row)
    session.add(row)
    session.flush()
    kept = {key: value for key, value in given.items() if key in DETAILS}
    session.add(
        CustomerDetail(
            customer_id=row.id, tenant_id=actor.tenant_id, custom=values, **kept
        )
    )
    session.flush()
    derive(session, actor.tenant_id, [row.id])
    audit(
        session,
        actor,
        action="customer.create",
        subject=Subject("customer", row.id, person=row.id),
        after={**given, "custom": values},
    )
    return row.id


def change(
    session: Session,
    actor: Actor,
    row: Customer,
    now: datetime,
    fields: Mapping[str, str],
    custom: Mapping[str, str],
) -> bool:
    """Change a customer in the caller's unit; False when nothing differs."""
    if row.state != "active":
        raise Rejected("not_active", f"The customer is {row.state}; it can't change.")
    detail = session.get(CustomerDetail, row.id)
    known = details_of(row, detail)
    given, values = checked(
        session, {**known.fields, **fields}, {**known.custom, **custom}, new=False
    )
    before = {
        name: known.fields[name]
        for name in OWN
        if known.fields[name] != given.get(name, "")
    }
    if not before and dict(known.custom) == values:
        return False
    row.name = named(given)
    row.custom_id = given.get("custom_id", "")
    _refuse_taken(session, row)
    if detail is None:
        detail = CustomerDetail(customer_id=row.id, tenant_id=row.tenant_id)
        session.add(detail)
    for name in DETAILS:
        setattr(detail, name, given.get(name, ""))
    old, detail.custom = dict(known.custom), values
    _saved(session, row, now)
    audit(
        session,
        actor,
        action="customer.change",
        subject=Subject("customer", row.id, person=row.id),
        before={**before, **({"custom": old} if old != values else {})},
        after={
            **{name: given.get(name, "") for name in before},
            **({"custom": values} if old != values else {}),
        },
    )
    return True


def checked(
    session: Session,
    fields: Mapping[str, str],
    custom: Mapping[str, str],
    *,
    new: bool,
) -> tuple[dict[str, str], dict[str, str]]:
    """Fields and custom values as they are kept.

    Raises:
        CustomerInvalid: Some are wrong; unknown names are.
    """
    rules = {rule.id: rule for rule in field_rules(session)}
    return checked_by(rules, fields, custom, new=new)


def checked_by(
    rules: Mapping[str, FieldRule],
    fields: Mapping[str, str],
    custom: Mapping[str, str],
    *,
    new: bool,
) -> tuple[dict[str, str], dict[str, str]]:
    """Fields and custom values as they are kept, by known rules of custom fields.

    Raises:
        CustomerInvalid: Some are wrong; unknown names are.
    """
    given = tidy(fields)
    given["kind"] = given.get("kind") or "business"
    found = [Problem(name, "There is no such field.") for name in set(given) - set(OWN)]
    found += missing_name(given)
    found += problems(given)
    values = {key: str(value).strip() for key, value in custom.items()}
    found += _custom_problems(rules, values, new=new)
    if found:
        raise CustomerInvalid(tuple(found))
    return given, {key: value for key, value in values.items() if value}


def _custom_problems(
    rules: Mapping[str, FieldRule], values: Mapping[str, str], *, new: bool
) -> list[Problem]:
    found = [
        Problem(key, "There is no such custom field.")
        for key in values
        if key not in rules
    ]
    for key, rule in rules.items():
        if new or key in values:
            problem = custom_problem(rule, values.get(key, ""))
            if problem:
                found.append(Problem(key, problem))
    return found


def details_of(row: Customer, detail: CustomerDetail | None) -> CustomerDetails:
    """A customer's row with its details as one record."""
    own = {"name": row.name, "custom_id": row.custom_id}
    own |= {name: getattr(detail, name) if detail else "" for name in DETAILS}
    own["kind"] = own["kind"] or "business"
    return CustomerDetails(
        id=row.id,
        version=row.version,
        state=row.state,
        fields=own,
        custom=dict(detail.custom) if detail else {},
        erased_at=detail.erased_at if detail else None,
    )


def customer_of(session: Session, customer_id: str) -> Customer:
    """The customer's row, to be changed.

    Raises:
        NotFound: There is none of that id.
    """
    row = session.scalars(select(Customer).where(Customer.id == customer_id)).first()
    if row is None:
        raise NotFound("no_such_customer", "There is no such customer.")
    return row


def refuse_live(session: Session, row: Customer) -> None:
    """Return if the customer has no live subscription.

    Raises:
        Conflict: It has; names some of them.
    """
    live = (
        select(SubscriptionRow.name)
        .join(CustomerAccount, CustomerAccount.id == SubscriptionRow.account_id)
        .where(
            CustomerAccount.customer_id == row.id,
            SubscriptionRow.status != "ended",
            SubscriptionRow.gone_at.is_(None),
        )
    )
    count = session.scalar(select(func.count()).select_from(live.subquery())) or 0
    if count:
        names = list(dict.fromkeys(session.scalars(live.limit(50))))
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        noun = "subscription" if count == 1 else "subscriptions"
        raise Conflict(
            "has_subscriptions",
            f"{row.name} has {count} live {noun}: {', '.join(names[:_NAMED])}{more}.",
            remedy="Cancel them first, or join the customer to the one they belong to.",
        )


def taken() -> CustomerInvalid:
    """The refusal of an own id that another customer has."""
    text = "Another customer has this id already. Enter one that is free."
    return CustomerInvalid((Problem("custom_id", text),))


def _refuse_taken(session: Session, row: Customer) -> None:
    if not row.custom_id:
        return
    query = select(Customer.id).where(
        Customer.custom_id == row.custom_id, Customer.id != row.id
    )
    with session.no_autoflush:
        if session.scalars(query).first() is not None:
            raise taken()


def named(given: Mapping[str, Any]) -> str:
    """A customer's name: its own, or the person's."""
    person = f"{given.get('given_name', '')} {given.get('family_name', '')}"
    return given.get("name") or person.strip()


def _saved(session: Session, row: Customer, now: datetime) -> None:
    row.updated_at = now
    row.version += 1
    session.flush()
    derive(session, row.tenant_id, [row.id])
