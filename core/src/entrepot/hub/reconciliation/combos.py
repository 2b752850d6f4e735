"""Kinds of subscriptions that occur, and what the rules make of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from importlib.metadata import version
from typing import Any

import msgspec
import xxhash
from sqlalchemy import delete, insert, select
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
_RULES = version("entrepot")
"""Rules may judge otherwise after an upgrade."""

MANY = 20_000
"""Combinations above which working each out costs more than it saves."""


def put_combos(session: Session, base: Base) -> str:
    """Work out every kind of subscription anew.

    Returns:
        Digest of what they were judged by; empty when there are too many.
    """
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
        return ""
    session.execute(
        delete(ReconCombo)
        .where(
            ReconCombo.tenant_id == base.tenant_id,
            ReconCombo.psa_connection_id == base.psa_connection_id,
        )
        .execution_options(synchronize_session=False)
    )
    judge = Judge(session, base)
    _insert(session, [judge.of(tuple(row)) for row in found])
    if session.get_bind().dialect.name == "postgresql":
        # The planner knows nothing of rows that this transaction has just written;
        # unasked it joins them in loops, whose time grows with the square of the books.
        connection = session.connection()
        connection.exec_driver_sql("ANALYZE recon_combo")
    return judge.digest


def renew_combos(
    session: Session, base: Base, kinds: Iterable[tuple[Any, ...]], before: str
) -> str:
    """Add kinds of subscriptions to those that are known.

    Args:
        session: The unit's.
        base: The connection.
        kinds: Values of `DIMENSIONS` and the unit cost, known ones among them.
        before: Digest of what the known ones were judged by.

    Returns:
        Digest of what all were judged by; empty when known ones are judged otherwise
        now, or when there are too many.
    """
    judge = Judge(session, base)
    known = session.execute(
        select(*_COLUMNS).where(
            ReconCombo.tenant_id == base.tenant_id,
            ReconCombo.psa_connection_id == base.psa_connection_id,
        )
    ).all()
    if judge.digest != before and any(judge.differs(row) for row in known):
        return ""
    keys = {_kind_of(row) for row in known}
    fresh = [judge.of(kind) for kind in dict.fromkeys(kinds) if kind not in keys]
    if len(keys) + len(fresh) > MANY:
        return ""
    _insert(session, fresh)
    return judge.digest


def _kind_of(row: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a row
    cost = row.unit_cost
    dimensions = (getattr(row, name) for name in DIMENSIONS)
    return (*dimensions, None if cost == NO_COST else UnitPrice.from_stored(cost))


def _insert(session: Session, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(ReconCombo), rows)


_COLUMNS = tuple(ReconCombo.__table__.columns)
_NAMES = tuple(column.name for column in _COLUMNS)


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


class Judge:
    """What the rules make of kinds of subscriptions.

    Args:
        session: For reading price lists.
        base: The connection.
    """

    def __init__(self, session: Session, base: Base) -> None:
        self._base = base
        self._prices = _price_lists(session, base)
        self._books = Books(
            Inputs(
                as_of=base.as_of,
                psa=PsaSide(catalogue=base.catalogue),
                policy=policy_of(base, ()),
                zone=base.zone,
            )
        )
        self._entries = _by_sku(self._books.policy.products)

    @cached_property
    def digest(self) -> str:
        """Of everything that judging depends on."""
        prices = sorted(tuple(row) for row in self._prices.values())
        given = (_RULES, self._books.policy, self._base.catalogue, prices)
        content = msgspec.json.encode((*given, self._books.today))
        return xxhash.xxh3_128_hexdigest(content)

    def differs(self, row: Any) -> bool:  # noqa: ANN401 - a row
        """Whether a known kind is judged otherwise now."""
        judged = self.of(_kind_of(row))
        return tuple(judged[name] for name in _NAMES) != tuple(row)

    def of(self, kind: tuple[Any, ...]) -> dict[str, Any]:
        """The row of one kind: values of `DIMENSIONS`, then the unit cost or None."""
        *values, unit_cost = kind
        given = dict(zip(DIMENSIONS, values, strict=True))
        one, phase = self._example(given, unit_cost)
        entries, sku = self._entries, given["sku"]
        fitting = (*entries.get("", ()), *(entries.get(sku, ()) if sku else ()))
        return {
            **given,
            "tenant_id": self._base.tenant_id,
            "psa_connection_id": self._base.psa_connection_id,
            "unit_cost": NO_COST
            if unit_cost is None
            else UnitPrice.to_stored(unit_cost),
            "billed_in": one.currency,
            **_judged(self._books, fitting, one, phase),
        }

    def _example(
        self, given: dict[str, Any], unit_cost: Decimal | None
    ) -> tuple[VendorSubscription, Phase]:
        """One subscription of the kind, one unit of it."""
        listed = self._prices.get((given["connection_id"], given["offer_key"]))
        cost = unit_cost
        if cost is None and listed is not None:
            cost = listed.unit_cost
        phase = Phase(
            starts=date.min,
            quantity=ONE,
            sku=given["sku"],
            unit_cost=cost,
            list_price=listed.list_price if listed is not None else None,
            term=given["term"],
            billing_cycle=BillingCycle(given["billing_cycle"]),
        )
        currency = given["currency"]
        one = VendorSubscription(
            id="combo",
            connection=given["connection_id"],
            customer="",
            phases=(phase,),
            product=given["product_id"],
            segment=given["segment"],
            currency=currency or (listed.currency if listed is not None else ""),
        )
        return one, phase


def _judged(
    books: Books,
    entries: Sequence[ProductMapEntry],
    one: VendorSubscription,
    phase: Phase,
) -> dict[str, Any]:
    """Product, price and cost where sums can tell enough."""
    choice = choose_entries(entries, one, phase, books.today)
    if choice.problem or len(choice.entries) != 1:
        return _UNCLEAR
    entry = choice.entries[0]
    if entry.kind is EntryKind.IGNORE:
        return {**_UNCLEAR, "plain": True}  # excluded: nothing is expected of it
    if not _is_plain(entry):
        return _UNCLEAR
    agreement = Agreement(
        id="", company="", billing_cycle=phase.billing_cycle, currency=one.currency
    )
    part = Contribution(subscription=one, phase=phase, entry=entry, quantity=ONE)
    priced = quote(books, "", entry.psa_product, agreement, [part], books.today)
    if priced.problems or priced.floor is not None:
        return _UNCLEAR
    return {
        "plain": True,
        "psa_product": entry.psa_product,
        "price": _scaled(priced.price),
        "cost": _scaled(priced.cost),
    }


_UNCLEAR = {"plain": False, "psa_product": "", "price": None, "cost": None}


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
