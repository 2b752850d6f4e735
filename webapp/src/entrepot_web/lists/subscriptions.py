"""Lists of subscriptions and of the offers they were bought from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from entrepot.hub.catalog.tables import Offer
from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers import facets
from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.hub.subscriptions.tables import SubscriptionNote, SubscriptionRow
from entrepot.hub.sync.driver import among
from entrepot.sdk.model import BillingCycle, SubscriptionStatus
from entrepot.store import search
from sqlalchemy import ColumnElement, false, func, literal, literal_column, or_, select
from sqlalchemy.orm import Session

from entrepot_web.criteria import Field
from entrepot_web.listing import Listing, columns_of
from entrepot_web.lists.customers import hits_of

STATUSES = tuple(status.value for status in SubscriptionStatus)
CYCLES = tuple(cycle.value for cycle in BillingCycle)

KINDS = ("business", "personal")
MOST_PLANS = 5_000
"""Different names up to which they are looked through before the subscriptions."""

FIRST = 1_500
"""Customers whose subscriptions are looked up at first."""

_S: Any = SubscriptionRow
_N: Any = SubscriptionNote
_A: Any = CustomerAccount
_C: Any = Customer
HOT = (
    *("id", "connection_id", "account_id", "vendor_id", "name", "friendly_name"),
    *("sku", "product_id", "quantity", "assigned", "unit", "status"),
    *("vendor_status", "billed", "term", "billing_cycle", "segment", "unit_cost"),
    *("currency", "is_trial", "is_addon", "parent_vendor_id", "started_at"),
    *("term_start", "term_end", "ended_at", "auto_renew", "cancellable_until"),
    *("scheduled", "known_at", "missing_since", "gone_at"),
)
"""Columns of a row of the list, in order; then the customer's and the note's."""


def _named(text: str) -> ColumnElement[bool]:
    wanted = " ".join(text.casefold().split())
    return search.contained(func.lower(_S.name), literal(wanted))


def _plans(session: Session, tenant_id: str) -> Sequence[str] | None:
    """Return the names that occur, each once; None when they are too many.

    Jumps from name to name along their index: a million subscriptions have a few
    hundred.
    """
    if "plans" not in session.info:
        own = select(_S.name).where(_S.tenant_id == tenant_id).order_by(_S.name)
        names = select(own.limit(1).scalar_subquery().label("name")).cte(
            "plans", recursive=True
        )
        after = own.where(_S.name > names.c.name).limit(1).correlate(names)
        names = names.union_all(
            select(after.scalar_subquery()).where(names.c.name.is_not(None))
        )
        found = session.scalars(select(names.c.name).limit(MOST_PLANS + 1)).all()
        known = [name for name in found if name is not None]
        session.info["plans"] = known if len(known) <= MOST_PLANS else None
    plans: Sequence[str] | None = session.info["plans"]
    return plans


def _plan_holds(
    session: Session, tenant_id: str, text: str, *, walked: bool = False
) -> ColumnElement[bool]:
    """Return the condition that a subscription's name holds a text.

    Args:
        session: In the reseller's scope.
        tenant_id: Whose.
        text: As typed.
        walked: The list is walked in its order: no index of names is to be taken, all
            that it finds would have to be sorted.
    """
    plans, wanted = _plans(session, tenant_id), " ".join(text.casefold().split())
    if plans is None:
        return _named(text)
    found = [one for one in plans if wanted in one.casefold()]
    name = func.coalesce(_S.name, _S.name) if walked else _S.name
    return among(session.connection(), name, found)


class SubscriptionSearch:
    """Free text over plans, own names, order numbers, vendor ids and customers."""

    def hits(
        self, session: Session, tenant_id: str, text: str, most: int
    ) -> Sequence[str]:
        """Return ids of subscriptions that match, in no order, at most `most`.

        Names, ids and customers have indexes of their own, notes are few.
        """
        customers = hits_of(session, tenant_id, text, most)
        parts = {
            "plan": select(_S.id).where(
                _S.tenant_id == tenant_id, _plan_holds(session, tenant_id, text)
            ),
            "note": select(_N.id).where(
                _N.tenant_id == tenant_id, search.holds(_N.search_text, text)
            ),
            "vendor_id": select(_S.id).where(
                _S.connection_id.in_(
                    select(Connection.id).where(Connection.tenant_id == tenant_id)
                ),
                _S.vendor_id == text,
            ),
        }
        found: dict[str, None] = {}
        barren = set() if customers else {"customer"}
        for name, part in parts.items():
            ids = session.scalars(part.limit(most)).all()
            found.update(dict.fromkeys(ids))
            barren |= set() if ids else {name}
        # For the condition of a walk: it need not look where nothing is.
        session.info.setdefault("barren", {})[tenant_id, text] = barren
        for some in _portions(customers):
            if len(found) >= most:
                break
            owned = (
                select(_S.id)
                .join(_A, _A.id == _S.account_id)
                .where(among(session.connection(), _A.customer_id, some))
            )
            found.update(dict.fromkeys(session.scalars(owned.limit(most))))
        return list(found)[:most]

    def condition(
        self, session: Session, tenant_id: str, text: str
    ) -> ColumnElement[bool]:
        """Return the condition that a subscription matches, for a walk."""
        barren = session.info.get("barren", {}).get((tenant_id, text), ())
        parts = {
            "plan": _plan_holds(session, tenant_id, text, walked=True),
            "note": search.holds(_N.search_text, text),
            "vendor_id": _S.vendor_id == text,
            "customer": search.holds(_C.search_text, text),
        }
        return or_(
            false(), *(part for name, part in parts.items() if name not in barren)
        )


def _portions(customers: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield some customers first: of many, they have subscriptions enough."""
    start = 0
    while start < len(customers):
        size = max(FIRST, start)
        yield customers[start : start + size]
        start += size


class InventorySearch:
    """Free text within one customer: plan, provider, status and order numbers."""

    def condition(
        self, session: Session, tenant_id: str, text: str
    ) -> ColumnElement[bool]:
        """Return the condition that a subscription matches, for a walk."""
        wanted = search.fold(text)
        providers = [
            key
            for key, *names in session.execute(
                select(Connection.id, Connection.name, Connection.plugin).where(
                    Connection.tenant_id == tenant_id
                )
            )
            if wanted in search.fold(" ".join(names))
        ]
        statuses = [
            key for key in STATUSES if wanted in f"{key} {_STATUS_WORDS.get(key, '')}"
        ]
        return or_(
            _named(text),
            search.holds(_N.search_text, text),
            _S.vendor_id == text,
            _S.connection_id.in_(providers),
            _S.status.in_(statuses),
            func.lower(_S.vendor_status) == wanted,
        )


_STATUS_WORDS = {"pending": "being set up", "ended": "cancelled", "active": "complete"}


def _of_kind(_tenant: str, values: tuple[Any, ...]) -> ColumnElement[bool]:
    return facets.has("kind", values)


def _rare(column: Any, usual: str) -> Any:  # noqa: ANN401 - of `Field.rare`
    """Return what finds the index of rows that aren't as most are."""
    # No parameter: both databases look for the condition of the index.
    index: ColumnElement[bool] = column != literal_column(f"'{usual}'")

    def rare(values: tuple[Any, ...]) -> ColumnElement[bool] | None:
        plain = all(isinstance(one, str) and one != usual for one in values)
        return index if plain else None

    return rare


def _trial(values: tuple[Any, ...]) -> ColumnElement[bool] | None:
    trial: ColumnElement[bool] = _S.is_trial.is_(True)
    return trial if values == (True,) else None


SUBSCRIPTIONS = Listing(
    name="subscriptions",
    base=select(
        *(getattr(_S, name) for name in HOT),
        _A.customer_id,
        _C.name.label("customer_name"),
        _N.nickname,
        _N.customer_po,
        _N.reseller_po,
    )
    .outerjoin(_N, _N.id == _S.id)
    .outerjoin(_A, _A.id == _S.account_id)
    .outerjoin(_C, _C.id == _A.customer_id),
    key=_S.id,
    fields={
        "id": Field(_S.id, "id"),
        "connection_id": Field(_S.connection_id, "id"),
        "customer_id": Field(_A.customer_id, "id"),
        "customer_kind": Field(None, "related", KINDS, related=_of_kind),
        "account_id": Field(_S.account_id, "id"),
        "vendor_id": Field(_S.vendor_id),
        "name": Field(_S.name),
        "sku": Field(_S.sku),
        "status": Field(_S.status, "enum", STATUSES, rare=_rare(_S.status, "active")),
        "billing_cycle": Field(
            _S.billing_cycle, "enum", CYCLES, rare=_rare(_S.billing_cycle, "monthly")
        ),
        "quantity": Field(_S.quantity, "decimal"),
        "is_trial": Field(_S.is_trial, "bool", rare=_trial),
        "is_addon": Field(_S.is_addon, "bool"),
        "auto_renew": Field(_S.auto_renew, "bool"),
        "started_at": Field(_S.started_at, "moment"),
        "term_end": Field(_S.term_end, "moment"),
        "known_at": Field(_S.known_at, "moment"),
    },
    sorts=("id", "name", "quantity", "known_at"),
    default_sort="id",
    search=SubscriptionSearch(),
    streams=("subscriptions",),
)

INVENTORY = replace(SUBSCRIPTIONS, name="inventory", search=InventorySearch())
"""The subscriptions of one customer; the page adds that criterion."""

OFFERS = Listing(
    name="offers",
    base=select(*columns_of(Offer)),
    key=Offer.id,
    fields={
        "id": Field(Offer.id, "id"),
        "connection_id": Field(Offer.connection_id, "id"),
        "sku": Field(Offer.sku),
        "product_id": Field(Offer.product_id),
        "name": Field(Offer.name),
        "billing_cycle": Field(Offer.billing_cycle, "enum", CYCLES),
        "term": Field(Offer.term),
        "segment": Field(Offer.segment),
        "currency": Field(Offer.currency),
        "purchasable": Field(Offer.purchasable, "bool"),
    },
    sorts=("name", "sku"),
    default_sort="sku",
    search=Offer.name,
    streams=("offers",),
)
