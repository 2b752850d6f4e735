"""Subscriptions with their history, from projection and facts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.catalog.tables import Offer
from entrepot.hub.reconciliation.rows import by_connection
from entrepot.hub.reconciliation.rules.records import (
    HubMirror,
    Phase,
    QuantityChange,
    VendorSubscription,
)
from entrepot.hub.subscriptions.tables import SubscriptionFact, SubscriptionRow
from entrepot.sdk.model import BillingCycle, SubscriptionStatus

_CHUNK = 5_000
_GONE = "gone"

_CARRIED_ON = timedelta(days=2)
"""A term that ended longer ago, of what is still active, did not end the service."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What an offer's price list says."""

    unit_cost: Decimal | None = None
    list_price: Decimal | None = None
    currency: str = ""


Prices = dict[tuple[str, str], Listed]
"""Price lists by connection and offer key."""

_NOT_LISTED = Listed()


def load_subscriptions(
    session: Session,
    tenant_id: str,
    owners: set[tuple[str, str]],
    zone: str,
    as_of: datetime,
) -> tuple[tuple[VendorSubscription, ...], tuple[HubMirror, ...]]:
    """All subscriptions of some vendor customers, ended ones included.

    What the vendor doesn't say of cost and currency is taken from the offer.

    Returns:
        The subscriptions as the vendor last reported them, and the hub's mirror of
        each: the books themselves.
    """
    found: list[SubscriptionRow] = []
    for connection, ids in by_connection(owners).items():
        for start in range(0, len(ids), _CHUNK):
            found += session.scalars(
                select(SubscriptionRow).where(
                    SubscriptionRow.tenant_id == tenant_id,
                    SubscriptionRow.connection_id == connection,
                    SubscriptionRow.customer_vendor_id.in_(ids[start : start + _CHUNK]),
                )
            ).all()
    facts = _facts(session, tenant_id, [row.id for row in found])
    prices = _prices(session, tenant_id, found)
    days = _Days(ZoneInfo(zone), as_of)
    records = tuple(
        _record(row, facts.get(row.id, []), prices, days)
        for row in sorted(found, key=lambda row: row.id)
    )
    return records, tuple(HubMirror(subscription=one.id) for one in records)


def _facts(
    session: Session, tenant_id: str, ids: list[str]
) -> dict[str, list[SubscriptionFact]]:
    found: dict[str, list[SubscriptionFact]] = defaultdict(list)
    for start in range(0, len(ids), _CHUNK):
        rows = session.scalars(
            select(SubscriptionFact)
            .where(
                SubscriptionFact.tenant_id == tenant_id,
                SubscriptionFact.object_id.in_(ids[start : start + _CHUNK]),
            )
            .order_by(SubscriptionFact.object_id, SubscriptionFact.known_at)
        )
        for row in rows:
            found[row.object_id].append(row)
    return found


def _prices(session: Session, tenant_id: str, rows: list[SubscriptionRow]) -> Prices:
    """Price lists of offers, for subscriptions whose vendor names no price."""
    wanted = {(row.connection_id, row.offer_key) for row in rows if row.offer_key}
    found: Prices = {}
    for connection, keys in by_connection(wanted).items():
        for start in range(0, len(keys), _CHUNK):
            offers = session.execute(
                select(
                    Offer.vendor_id, Offer.unit_cost, Offer.list_price, Offer.currency
                ).where(
                    Offer.tenant_id == tenant_id,
                    Offer.connection_id == connection,
                    Offer.vendor_id.in_(keys[start : start + _CHUNK]),
                )
            )
            for offer in offers:
                found[connection, offer.vendor_id] = Listed(
                    offer.unit_cost, offer.list_price, offer.currency
                )
    return found


@dataclass(frozen=True, slots=True)
class _Days:
    """The billing zone's calendar, and the moment of the comparison."""

    zone: ZoneInfo
    as_of: datetime

    def of(self, moment: datetime | None) -> date | None:
        return None if moment is None else moment.astimezone(self.zone).date()


def _record(
    row: SubscriptionRow, facts: list[SubscriptionFact], prices: Prices, days: _Days
) -> VendorSubscription:
    kept = _standing(facts)
    ends = _ends(row, kept, days)
    listed = prices.get((row.connection_id, row.offer_key), _NOT_LISTED)
    status = SubscriptionStatus(row.status)
    ended = status is SubscriptionStatus.ENDED
    suspended = status is SubscriptionStatus.SUSPENDED
    return VendorSubscription(
        id=row.id,
        connection=row.connection_id,
        customer=row.customer_vendor_id,
        phases=_phases(row, kept, listed, days),
        name=row.name,
        product=row.product_id,
        segment=row.segment,
        currency=row.currency or listed.currency,
        status=status,
        ends=ends,
        free=row.is_trial or (not row.billed and not ended and not suspended),
        charged_when_suspended=row.billed,
        renews=days.of(row.term_end) if row.auto_renew else None,
        absent_syncs=0 if row.gone_at else row.missing_runs,
        assigned=row.assigned,
        changes=tuple(
            QuantityChange(at=fact.known_at, quantity=fact.quantity)
            for fact in facts
            if fact.change != _GONE
        ),
        sequence=row.known_at.isoformat(),
    )


def _standing(facts: list[SubscriptionFact]) -> list[SubscriptionFact]:
    """Facts that still tell a part of the history.

    Later knowledge replaces what it overlaps.
    """
    kept: list[SubscriptionFact] = []
    for fact in facts:
        while kept and kept[-1].valid_from >= fact.valid_from:
            kept.pop()
        kept.append(fact)
    return kept


def _ends(
    row: SubscriptionRow, facts: list[SubscriptionFact], days: _Days
) -> date | None:
    """First day without service, past or announced; None when none is known.

    Without renewal a service ends with its term, unless the vendor says what comes
    then: what is not renewed may run on in another form. What is still active days
    after its term evidently does.
    """
    if row.status == SubscriptionStatus.ENDED:
        last = facts[-1].valid_from if facts else row.known_at
        return days.of(row.ended_at or row.gone_at or last)
    planned = [
        _moment(change.get("effective_at"))
        for change in row.scheduled
        if change.get("kind") == "end"
    ]
    if row.auto_renew is False and not row.scheduled:
        planned.append(row.term_end)
    since = days.as_of - _CARRIED_ON
    return days.of(
        min((one for one in planned if one is not None and one > since), default=None)
    )


def _moment(text: str | None) -> datetime | None:
    return None if not text else datetime.fromisoformat(text)


def _phases(
    row: SubscriptionRow, facts: list[SubscriptionFact], listed: Listed, days: _Days
) -> tuple[Phase, ...]:
    current = Phase(
        starts=days.of(row.started_at) or days.of(row.known_at) or date.min,
        quantity=row.quantity,
        sku=row.sku,
        unit_cost=row.unit_cost if row.unit_cost is not None else listed.unit_cost,
        list_price=listed.list_price,
        term=row.term,
        billing_cycle=BillingCycle(row.billing_cycle),
    )
    past = [_past(fact, current, days) for fact in facts if fact.change != _GONE]
    if past:
        # The newest fact is the projection; the oldest reaches back to the start.
        newest = past[-1]
        past[-1] = _with(current, starts=newest.starts, estimated=newest.estimated)
        past[0] = _with(past[0], starts=min(past[0].starts, current.starts))
    phases = past or [current]
    for change in row.scheduled:
        planned = _scheduled(change, phases[-1], days)
        if planned is not None:
            phases.append(planned)
    return tuple(sorted(phases, key=lambda phase: phase.starts))


def _with(phase: Phase, **values: Any) -> Phase:  # noqa: ANN401 - fields of Phase
    return replace(phase, **values)


def _past(fact: SubscriptionFact, current: Phase, days: _Days) -> Phase:
    payload = fact.payload
    cost, term = payload.get("unit_cost"), payload.get("term")
    return Phase(
        starts=days.of(fact.valid_from) or date.min,
        quantity=fact.quantity,
        sku=payload.get("sku") or current.sku,
        unit_cost=Decimal(str(cost)) if cost is not None else current.unit_cost,
        list_price=current.list_price,
        term=_term(term) or current.term,
        billing_cycle=BillingCycle(
            payload.get("billing_cycle") or current.billing_cycle
        ),
        estimated=fact.date_estimated,
    )


def _term(value: Any) -> str:  # noqa: ANN401 - text, or a record with one
    if isinstance(value, dict):
        return str(value.get("text") or "")
    return str(value or "")


def _scheduled(change: dict[str, Any], before: Phase, days: _Days) -> Phase | None:
    starts = days.of(_moment(change.get("effective_at")))
    if starts is None or change.get("kind") != "next_term":
        return None
    quantity = change.get("quantity")
    planned = replace(
        before,
        starts=starts,
        quantity=before.quantity if quantity is None else Decimal(str(quantity)),
        sku=change.get("sku") or before.sku,
        term=_term(change.get("term")) or before.term,
        billing_cycle=BillingCycle(change.get("billing_cycle") or before.billing_cycle),
        estimated=False,
        scheduled=True,
    )
    if _way_to_buy(planned) == _way_to_buy(before):
        return planned
    # What another plan will cost is not told before it begins.
    return replace(planned, unit_cost=None, list_price=None)


def _way_to_buy(phase: Phase) -> tuple[str, str, BillingCycle]:
    return phase.sku, phase.term, phase.billing_cycle
