"""Kinds of subscriptions that occur, and what the rules make of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.catalog.tables import Offer
from entrepot.hub.reconciliation.loading import Base, policy_of
from entrepot.hub.reconciliation.rules.books import Books, Inputs
from entrepot.hub.reconciliation.rules.mapping import choose_entries
from entrepot.hub.reconciliation.rules.policy import (
    EntryKind,
    ProductMapEntry,
    Rounding,
)
from entrepot.hub.reconciliation.rules.pricing import Contribution, quote
from entrepot.hub.reconciliation.rules.psa_records import Agreement, PsaSide
from entrepot.hub.reconciliation.rules.records import ONE, Phase, VendorSubscription
from entrepot.hub.reconciliation.tables import ReconCombo
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.sdk.model import BillCustomer, BillingCycle
from entrepot.store import UnitPrice

DIMENSIONS = (
    "connection_id",
    "product_id",
    "sku",
    "offer_key",
    "term",
    "billing_cycle",
    "segment",
    "currency",
)
NO_COST = -1
MANY = 20_000
"""Combinations above which working each out costs more than it saves."""


def put_combos(session: Session, base: Base, run_id: str) -> bool:
    """Write a row per kind of subscription; False when there are too many."""
    columns = [getattr(SubscriptionRow, name) for name in DIMENSIONS]
    found = session.execute(
        select(*columns, SubscriptionRow.unit_cost)
        .where(
            SubscriptionRow.tenant_id == base.tenant_id,
            SubscriptionRow.status != "ended",
        )
        .distinct()
        .limit(MANY + 1)
    ).all()
    if len(found) > MANY:
        return False
    prices = _price_lists(session, base)
    books = Books(
        Inputs(
            as_of=base.as_of,
            psa=PsaSide(catalogue=base.catalogue),
            policy=policy_of(base, ()),
            zone=base.zone,
        )
    )
    entries = _by_sku(books.policy.products)
    session.add_all(_combo(books, entries, base, run_id, row, prices) for row in found)
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        # The planner knows nothing of rows that this transaction has just written;
        # unasked it joins them in loops, whose time grows with the square of the books.
        connection = session.connection()
        connection.exec_driver_sql("ANALYZE recon_combo")
        connection.exec_driver_sql("SET LOCAL work_mem = '64MB'")
    return True


def _price_lists(session: Session, base: Base) -> dict[tuple[str, str], Any]:
    rows = session.execute(
        select(
            Offer.connection_id,
            Offer.vendor_id,
            Offer.unit_cost,
            Offer.list_price,
            Offer.currency,
        ).where(Offer.tenant_id == base.tenant_id)
    )
    return {(row.connection_id, row.vendor_id): row for row in rows}


Entries = dict[str, tuple[ProductMapEntry, ...]]
"""Product mappings by the SKU they name; under "" those that hold for any."""


def _by_sku(entries: Iterable[ProductMapEntry]) -> Entries:
    found: dict[str, list[ProductMapEntry]] = defaultdict(list)
    for entry in entries:
        found[entry.sku].append(entry)
    return {sku: tuple(own) for sku, own in found.items()}


def _combo(
    books: Books,
    entries: Entries,
    base: Base,
    run_id: str,
    row: Any,  # noqa: ANN401 - a row
    prices: dict[Any, Any],
) -> ReconCombo:
    listed = prices.get((row.connection_id, row.offer_key))
    cost = row.unit_cost
    if cost is None and listed is not None:
        cost = listed.unit_cost
    phase = Phase(
        starts=date.min,
        quantity=ONE,
        sku=row.sku,
        unit_cost=cost,
        list_price=listed.list_price if listed is not None else None,
        term=row.term,
        billing_cycle=BillingCycle(row.billing_cycle),
    )
    one = VendorSubscription(
        id="combo",
        connection=row.connection_id,
        customer="",
        phases=(phase,),
        product=row.product_id,
        segment=row.segment,
        currency=row.currency or (listed.currency if listed is not None else ""),
    )
    made = ReconCombo(
        run_id=run_id,
        tenant_id=base.tenant_id,
        unit_cost=NO_COST
        if row.unit_cost is None
        else UnitPrice.to_stored(row.unit_cost),
        plain=False,
        billed_in=one.currency,
        **{name: getattr(row, name) for name in DIMENSIONS},
    )
    fitting = (*entries.get("", ()), *(entries.get(row.sku, ()) if row.sku else ()))
    _judge(books, fitting, made, one, phase)
    return made


def _judge(
    books: Books,
    entries: Sequence[ProductMapEntry],
    made: ReconCombo,
    one: VendorSubscription,
    phase: Phase,
) -> None:
    """Fill in product, price and cost where sums can tell enough."""
    choice = choose_entries(entries, one, phase, books.today)
    if choice.problem or len(choice.entries) != 1:
        return
    entry = choice.entries[0]
    if entry.kind is EntryKind.IGNORE:
        made.plain = True  # excluded: nothing is expected of it
        return
    if not _is_plain(entry):
        return
    agreement = Agreement(
        id="", company="", billing_cycle=phase.billing_cycle, currency=one.currency
    )
    part = Contribution(subscription=one, phase=phase, entry=entry, quantity=ONE)
    priced = quote(books, "", entry.psa_product, agreement, [part], books.today)
    if priced.problems or priced.floor is not None:
        return
    made.psa_product, made.plain = entry.psa_product, True
    made.price = _scaled(priced.price)
    made.cost = _scaled(priced.cost)


def _is_plain(entry: ProductMapEntry) -> bool:
    return (
        entry.kind is EntryKind.LICENSE
        and entry.factor == ONE
        and entry.rounding is Rounding.EXACT
        and entry.included_quantity == 0
        and entry.bill is BillCustomer.BILLABLE
        and entry.manage_flags
        and entry.ends is None
    )


def _scaled(amount: Decimal | None) -> int | None:
    return None if amount is None else UnitPrice.to_stored(amount)
