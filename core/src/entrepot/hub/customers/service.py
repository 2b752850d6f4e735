"""Customers of the reseller and their accounts at vendors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from entrepot.hub.customers.editing import CustomerEditing
from entrepot.hub.customers.erasing import CustomerErasing
from entrepot.hub.customers.fields import CustomFields
from entrepot.hub.customers.importing import CustomerImports
from entrepot.hub.customers.price_books import PriceBooks
from entrepot.hub.customers.rows import customer_row
from entrepot.hub.customers.setup import ListSetup
from entrepot.hub.customers.tables import (
    Contact,
    Customer,
    CustomerAccount,
    CustomerAccountFact,
)
from entrepot.hub.customers.upkeep import derive
from entrepot.hub.customers.views import ListViews
from entrepot.hub.customers.works import CustomerWorks
from entrepot.hub.paging import Slice, after, cut, limited
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.jobs.facade import Jobs
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.store.actor import Actor
from entrepot.store.audit_log import audit
from entrepot.store.scope import TenantScope
from entrepot.store.search import holds
from entrepot.store.unit import Store

HISTORY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """A customer's account at one connection: the vendor's fields."""

    id: str
    connection_id: str
    vendor_id: str
    customer_id: str
    name: str
    domain: str
    domains: list[str]
    tax_id: str
    email: str
    phone: str
    country: str
    region: str
    city: str
    postal_code: str
    address: str
    currency: str
    status: str
    vendor_status: str
    attributes: dict[str, str]
    known_at: datetime
    missing_since: datetime | None
    gone_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView:
    """A customer in a list.

    Attributes:
        connections: Connections at which the customer has accounts.
        subscriptions: Number of subscriptions that are not over.
    """

    id: str
    name: str
    custom_id: str
    state: str
    created_at: datetime
    updated_at: datetime
    version: int
    connections: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    subscriptions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactView:
    """A person as the other side has it."""

    id: str
    connection_id: str
    owner_id: str
    first_name: str
    last_name: str
    email: str
    phone: str
    role: str
    is_primary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerQuery:
    """What a list of customers shall hold.

    Attributes:
        text: Part of name, custom id, account, domain or contact; empty = all.
        connection_id: With an account there; None = any.
        state: ``active`` or ``merged``; None = any.
        last: `Slice.last` of the slice before.
    """

    text: str = ""
    connection_id: str | None = None
    state: str | None = "active"
    last: tuple[Any, ...] | None = None
    limit: int = 50


class CustomerService:
    """Use cases of customers.

    Args:
        store: The hub's database.
        clock: Time.
        jobs: Durable work; None where nothing is submitted.

    Attributes:
        editing, erasing, fields, imports, price_books, setup, views, works: Further use
            cases.
    """

    def __init__(self, store: Store, clock: Clock, jobs: Jobs | None = None) -> None:
        self._store = store
        self._clock = clock
        self.editing = CustomerEditing(store, clock)
        self.erasing = CustomerErasing(store, clock)
        self.fields = CustomFields(store, clock)
        self.imports = CustomerImports(store, clock)
        self.price_books = PriceBooks(store, clock)
        self.works = CustomerWorks(store, clock, jobs, self.imports)
        self.setup = ListSetup(store)
        self.views = ListViews(store, clock)

    def list(self, actor: Actor, query: CustomerQuery) -> Slice[CustomerView]:
        """Customers in the order of their names.

        Raises:
            PermissionDenied: Without ``customers:read``.
        """
        actor.require("customers:read")
        wanted = select(Customer).where(Customer.tenant_id == actor.tenant_id)
        if query.state is not None:
            wanted = wanted.where(Customer.state == query.state)
        if query.text:
            wanted = wanted.where(holds(Customer.__table__.c.search_text, query.text))
        if query.connection_id is not None:
            wanted = wanted.where(_has_account(query.connection_id))
        wanted = after(wanted, (Customer.sort_name, Customer.id), query.last)
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            rows = list(session.scalars(wanted.limit(limited(query.limit))))
            part = cut(rows, query.limit, lambda row: (row.sort_name, row.id))
            views = _with_counts(session, list(part.items))
        return Slice(tuple(views), part.has_more, part.last)

    def count(self, actor: Actor) -> int:
        """Number of active customers."""
        actor.require("customers:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return session.execute(
                select(func.count())
                .select_from(Customer)
                .where(
                    Customer.tenant_id == actor.tenant_id, Customer.state == "active"
                )
            ).scalar_one()

    def get(self, actor: Actor, customer_id: str) -> CustomerView:
        """One customer.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require("customers:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return _with_counts(session, [_customer(session, customer_id)])[0]

    def accounts(self, actor: Actor, customer_id: str) -> tuple[AccountView, ...]:
        """The customer's accounts, in order of age.

        Raises:
            NotFound: There is no such customer.
        """
        actor.require("customers:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            _customer(session, customer_id)
            rows = session.scalars(
                select(CustomerAccount)
                .where(CustomerAccount.customer_id == customer_id)
                .order_by(CustomerAccount.id)
            )
            return tuple(account_view(row) for row in rows)

    def contacts(self, actor: Actor, customer_id: str) -> tuple[ContactView, ...]:
        """People at the customer's accounts."""
        actor.require("customers:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            _customer(session, customer_id)
            rows = session.scalars(
                select(Contact)
                .join(
                    CustomerAccount,
                    (CustomerAccount.connection_id == Contact.connection_id)
                    & (CustomerAccount.vendor_id == Contact.owner_id)
                    & (CustomerAccount.tenant_id == Contact.tenant_id),
                )
                .where(
                    CustomerAccount.customer_id == customer_id,
                    Contact.gone_at.is_(None),
                )
                .order_by(Contact.is_primary.desc(), Contact.id)
            )
            return tuple(_contact_view(row) for row in rows)

    def history(self, actor: Actor, account_id: str) -> tuple[dict[str, Any], ...]:
        """What was known of an account, newest first; empty when nothing is."""
        actor.require("customers:read")
        fact = CustomerAccountFact
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            rows = session.scalars(
                select(fact)
                .where(fact.object_id == account_id)
                .order_by(fact.known_at.desc())
                .limit(HISTORY)
            )
            return tuple(
                {
                    "known_at": row.known_at,
                    "valid_from": row.valid_from,
                    "change": row.change,
                    "run_id": row.run_id,
                    "state": row.payload,
                }
                for row in rows
            )

    # The hub's own fields

    def rename(
        self, actor: Actor, customer_id: str, *, version: int, **fields: str
    ) -> CustomerView:
        """Change ``name`` or ``custom_id``: fields that are the hub's, not a vendor's.

        Raises:
            Conflict: Somebody changed the customer meanwhile (`version` differs).
            Rejected: Empty name, or a field that is not the hub's.
        """
        actor.require("customers:write")
        unknown = set(fields) - {"name", "custom_id"}
        if unknown:
            name = sorted(unknown)[0]
            raise Rejected(
                "not_the_hubs_field",
                f"{name} is not kept by the hub.",
                field=name,
                remedy="Change it at the vendor; the next sync brings it here.",
            )
        if not fields.get("name", "x").strip():
            raise Rejected("empty", "A customer needs a name.", field="name")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            row = _customer(session, customer_id)
            if row.version != version:
                raise Conflict("changed", "The customer was changed by somebody else.")
            before = {name: getattr(row, name) for name in fields}
            for name, value in fields.items():
                setattr(row, name, value.strip())
            _touch(session, row, self._clock.now())
            audit(
                session,
                actor,
                action="customer.change",
                subject=("customer", customer_id),
                before=before,
                after=fields,
            )
        return self.get(actor, customer_id)

    def merge(self, actor: Actor, keep_id: str, other_id: str, *, why: str) -> None:
        """Join the accounts of `other_id` to `keep_id`; `split` takes it back.

        Raises:
            NotFound: One of them does not exist.
            Rejected: Both are the same, or one is merged away already.
        """
        actor.require("mappings:write")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            keep, other = _customer(session, keep_id), _customer(session, other_id)
            if keep.id == other.id or "merged" in (keep.state, other.state):
                raise Rejected(
                    "cannot_merge", "Choose two different customers that still exist."
                )
            moved = _account_ids(session, other_id)
            _move(session, moved, keep_id, actor.tenant_id)
            other.state, other.merged_into = "merged", keep_id
            for row in (keep, other):
                _touch(session, row, self._clock.now())
            audit(
                session,
                actor,
                action="customer.merge",
                subject=("customer", keep_id),
                why=why,
                before={"customer": other_id, "accounts": moved},
                after={"customer": keep_id},
            )

    def split(self, actor: Actor, account_id: str, *, why: str) -> str:
        """Give an account a customer of its own again; returns that customer's id.

        A customer that was merged away comes back when it owned the account.

        Raises:
            NotFound: There is no such account.
            Rejected: It is the only account of its customer.
        """
        actor.require("mappings:write")
        now = self._clock.now()
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            account = session.scalars(
                select(CustomerAccount).where(CustomerAccount.id == account_id)
            ).first()
            if account is None:
                raise NotFound("no_such_account", "There is no such account.")
            owner = _customer(session, account.customer_id)
            if len(_account_ids(session, owner.id)) == 1:
                raise Rejected("only_account", "It is the customer's only account.")
            fresh = Customer(**customer_row(account.name, actor.tenant_id, now))
            session.add(fresh)
            session.flush()
            account.customer_id = fresh.id
            for row in (owner, fresh):
                _touch(session, row, now)
            audit(
                session,
                actor,
                action="customer.split",
                subject=("customer", owner.id),
                why=why,
                after={"account": account_id, "customer": fresh.id},
            )
            return fresh.id


def account_view(row: CustomerAccount) -> AccountView:
    """An account's row as a view."""
    names = AccountView.__slots__
    return AccountView(**{name: getattr(row, name) for name in names})


def _contact_view(row: Contact) -> ContactView:
    names = ContactView.__slots__
    return ContactView(**{name: getattr(row, name) for name in names})


def _customer(session: Session, customer_id: str) -> Customer:
    row = session.scalars(select(Customer).where(Customer.id == customer_id)).first()
    if row is None:
        raise NotFound("no_such_customer", "There is no such customer.")
    return row


def _account_ids(session: Session, customer_id: str) -> list[str]:
    return list(
        session.scalars(
            select(CustomerAccount.id).where(CustomerAccount.customer_id == customer_id)
        )
    )


def _move(session: Session, ids: list[str], customer_id: str, tenant: str) -> None:
    session.execute(
        update(CustomerAccount)
        .where(CustomerAccount.tenant_id == tenant, CustomerAccount.id.in_(ids))
        .values(customer_id=customer_id)
    )


def _touch(session: Session, row: Customer, at: datetime) -> None:
    row.updated_at = at
    row.version += 1
    session.flush()
    derive(session, row.tenant_id, [row.id])


def _has_account(connection_id: str) -> Any:  # noqa: ANN401 - a criterion
    return (
        select(CustomerAccount.id)
        .where(
            CustomerAccount.customer_id == Customer.id,
            CustomerAccount.tenant_id == Customer.tenant_id,
            CustomerAccount.connection_id == connection_id,
        )
        .exists()
    )


def _with_counts(session: Session, rows: list[Customer]) -> list[CustomerView]:
    """Views of these customers, their accounts counted in two statements."""
    ids = [row.id for row in rows]
    accounts: dict[str, list[Any]] = {}
    found = session.execute(
        select(
            CustomerAccount.customer_id,
            CustomerAccount.id,
            CustomerAccount.connection_id,
            CustomerAccount.domain,
        )
        .where(CustomerAccount.customer_id.in_(ids))
        .order_by(CustomerAccount.id)
    ).all()
    for account in found:
        accounts.setdefault(account.customer_id, []).append(account)
    counted = session.execute(
        select(SubscriptionRow.account_id, func.count())
        .where(
            SubscriptionRow.account_id.in_([account.id for account in found]),
            SubscriptionRow.status != "ended",
            SubscriptionRow.gone_at.is_(None),
        )
        .group_by(SubscriptionRow.account_id)
    )
    numbers: dict[str, int] = dict(counted.all())
    return [_view(row, accounts.get(row.id, []), numbers) for row in rows]


def _view(row: Customer, accounts: list[Any], numbers: dict[str, int]) -> CustomerView:
    return CustomerView(
        id=row.id,
        name=row.name,
        custom_id=row.custom_id,
        state=row.state,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        connections=tuple(dict.fromkeys(one.connection_id for one in accounts)),
        domains=tuple(dict.fromkeys(one.domain for one in accounts if one.domain)),
        subscriptions=sum(numbers.get(one.id, 0) for one in accounts),
    )
