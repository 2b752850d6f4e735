"""Subscriptions: what customers have, and every state it was known in."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.hub.paging import Slice, after, cut, limited
from entrepot.hub.subscriptions.notes import NoteView, note_of, write_note
from entrepot.hub.subscriptions.tables import SubscriptionFact, SubscriptionRow
from entrepot.sdk.errors import NotFound
from entrepot.store.actor import Actor
from entrepot.store.scope import TenantScope
from entrepot.store.search import contains, holds
from entrepot.store.unit import Store

HISTORY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """A subscription as it is known now."""

    id: str
    connection_id: str
    vendor_id: str
    account_id: str
    sku: str
    product_id: str
    offer_key: str
    name: str
    friendly_name: str
    quantity: Decimal
    unit: str
    status: str
    vendor_status: str
    billed: bool
    term: str
    billing_cycle: str
    segment: str
    currency: str
    unit_cost: Decimal | None
    assigned: Decimal | None
    is_trial: bool
    is_addon: bool
    parent_vendor_id: str
    started_at: datetime | None
    term_start: datetime | None
    term_end: datetime | None
    ended_at: datetime | None
    auto_renew: bool | None
    cancellable_until: datetime | None
    reducible_quantity: Decimal | None
    scheduled: list[dict[str, Any]]
    changed_at: datetime | None
    attributes: dict[str, str]
    known_at: datetime
    missing_since: datetime | None
    gone_at: datetime | None
    customer_id: str | None = None
    customer_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionState:
    """One state in a subscription's history.

    Attributes:
        valid_from: When it became true.
        known_at: When the hub learnt it.
        date_estimated: `valid_from` is the day it was first seen.
        change: ``new``, ``changed``, ``gone`` or ``back``.
        state: The record as the plugin gave it; only what ended for ``gone``.
    """

    valid_from: datetime
    known_at: datetime
    date_estimated: bool
    change: str
    quantity: Decimal
    run_id: str
    state: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionQuery:
    """What a list of subscriptions shall hold; None or empty = any."""

    customer_id: str | None = None
    connection_id: str | None = None
    statuses: tuple[str, ...] = ()
    sku: str | None = None
    text: str = ""
    last: tuple[Any, ...] | None = None
    limit: int = 50


_PLAIN = tuple(
    item.name
    for item in fields(SubscriptionView)
    if item.name not in ("customer_id", "customer_name")
)


class SubscriptionService:
    """Use cases of subscriptions.

    Args:
        store: The hub's database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self, actor: Actor, query: SubscriptionQuery) -> Slice[SubscriptionView]:
        """Subscriptions in the order of connection and vendor id.

        Raises:
            PermissionDenied: Without ``subscriptions:read``.
        """
        actor.require("subscriptions:read")
        row = SubscriptionRow
        wanted = _filtered(_joined(), query).where(row.tenant_id == actor.tenant_id)
        wanted = after(wanted, (row.connection_id, row.vendor_id), query.last)
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            found = session.execute(wanted.limit(limited(query.limit))).all()
        return cut(
            [_view(*one) for one in found],
            query.limit,
            lambda item: (item.connection_id, item.vendor_id),
        )

    def count(self, actor: Actor) -> int:
        """Number of subscriptions that are not over."""
        actor.require("subscriptions:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return session.execute(
                select(func.count())
                .select_from(SubscriptionRow)
                .where(
                    SubscriptionRow.tenant_id == actor.tenant_id,
                    SubscriptionRow.status != "ended",
                    SubscriptionRow.gone_at.is_(None),
                )
            ).scalar_one()

    def get(self, actor: Actor, subscription_id: str) -> SubscriptionView:
        """One subscription.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require("subscriptions:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            found = session.execute(
                _joined().where(SubscriptionRow.id == subscription_id)
            ).first()
        if found is None:
            raise NotFound("no_such_subscription", "There is no such subscription.")
        return _view(*found)

    def history(
        self, actor: Actor, subscription_id: str
    ) -> tuple[SubscriptionState, ...]:
        """Every known state, newest first.

        Raises:
            NotFound: There is no such subscription.
        """
        self.get(actor, subscription_id)
        fact = SubscriptionFact
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            rows = session.scalars(
                select(fact)
                .where(fact.object_id == subscription_id)
                .order_by(fact.known_at.desc())
                .limit(HISTORY)
            )
            return tuple(_state(row) for row in rows)

    def as_of(
        self,
        actor: Actor,
        subscription_id: str,
        *,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> SubscriptionState:
        """The state that was true at `as_of` as it was known at `known_at`.

        Args:
            actor: Who asks.
            subscription_id: Which.
            as_of: Moment asked about; None = now.
            known_at: With the knowledge of that moment; None = today's.

        Raises:
            NotFound: Nothing was known, or nothing was there yet.
        """
        actor.require("subscriptions:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            row = _state_row(session, subscription_id, as_of, known_at)
        if row is None:
            raise NotFound(
                "nothing_known", "Nothing is known of this subscription at that time."
            )
        return _state(row)

    def note(self, actor: Actor, subscription_id: str) -> NoteView:
        """What the reseller wrote beside a subscription; empty when nothing."""
        actor.require("subscriptions:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return note_of(session, subscription_id)

    def annotate(
        self, actor: Actor, subscription_id: str, *, version: int, **fields: str
    ) -> NoteView:
        """Write ``nickname``, ``customer_po`` or ``reseller_po``; others stay.

        Args:
            actor: Who writes.
            subscription_id: Beside which one.
            version: `NoteView.version` of what the change was made from.
            **fields: The new texts; an empty one takes the text away.

        Raises:
            PermissionDenied: Without ``subscriptions:write``.
            NotFound: There is no such subscription.
            Conflict: Somebody changed it meanwhile.
            Rejected: A text is too long, or a field that is not the hub's.
        """
        actor.require("subscriptions:write")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            return write_note(
                session,
                actor,
                subscription_id,
                version=version,
                fields=fields,
                now=self._store.clock.now(),
            )


def _joined() -> Any:  # noqa: ANN401 - a select of a row and two columns
    return (
        select(SubscriptionRow, Customer.id, Customer.name)
        .outerjoin(
            CustomerAccount,
            (CustomerAccount.id == SubscriptionRow.account_id)
            & (CustomerAccount.tenant_id == SubscriptionRow.tenant_id),
        )
        .outerjoin(
            Customer,
            (Customer.id == CustomerAccount.customer_id)
            & (Customer.tenant_id == CustomerAccount.tenant_id),
        )
    )


def _filtered(wanted: Any, query: SubscriptionQuery) -> Any:  # noqa: ANN401 - a select
    row = SubscriptionRow
    if query.customer_id is not None:
        wanted = wanted.where(CustomerAccount.customer_id == query.customer_id)
    if query.connection_id is not None:
        wanted = wanted.where(row.connection_id == query.connection_id)
    if query.statuses:
        wanted = wanted.where(row.status.in_(query.statuses))
    if query.sku is not None:
        wanted = wanted.where(row.sku == query.sku)
    if query.text:
        pattern = contains(query.text.casefold())
        wanted = wanted.where(
            func.lower(row.name).like(pattern, escape="\\")
            | holds(Customer.__table__.c.search_text, query.text)
        )
    return wanted


def _view(
    row: SubscriptionRow, customer_id: str | None, customer_name: str | None
) -> SubscriptionView:
    return SubscriptionView(
        **{name: getattr(row, name) for name in _PLAIN},
        customer_id=customer_id,
        customer_name=customer_name,
    )


def _state(row: SubscriptionFact) -> SubscriptionState:
    return SubscriptionState(
        valid_from=row.valid_from,
        known_at=row.known_at,
        date_estimated=row.date_estimated,
        change=row.change,
        quantity=row.quantity,
        run_id=row.run_id,
        state=row.payload,
    )


def _state_row(
    session: Session,
    subscription_id: str,
    as_of: datetime | None,
    known_at: datetime | None,
) -> SubscriptionFact | None:
    fact = SubscriptionFact
    query = select(fact).where(fact.object_id == subscription_id)
    if as_of is not None:
        query = query.where(fact.valid_from <= as_of)
    if known_at is not None:
        query = query.where(fact.known_at <= known_at)
    # What was learnt later holds from its own beginning on, whatever stood there.
    newest = query.order_by(fact.known_at.desc()).limit(1)
    return session.scalars(newest).first()
