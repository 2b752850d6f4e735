"""Subscriptions with their history, from projection and facts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime
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

Prices = dict[tuple[str, str], tuple[Decimal | None, Decimal | None]]
"""Unit cost and list price by connection and offer key."""


def load_subscriptions(
    session: Session, tenant_id: str, owners: set[tuple[str, str]], zone: str
) -> tuple[tuple[VendorSubscription, ...], tuple[HubMirror, ...]]:
    """All subscriptions of some vendor customers, ended ones included.

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
    clock = ZoneInfo(zone)
    records = tuple(
        _record(row, facts.get(row.id, []), prices, clock)
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
                select(Offer.vendor_id, Offer.unit_cost, Offer.list_price).where(
                    Offer.tenant_id == tenant_id,
                    Offer.connection_id == connection,
                    Offer.vendor_id.in_(keys[start : start + _CHUNK]),
                )
            )
            for offer in offers:
                prices = (offer.unit_cost, offer.list_price)
                found[connection, offer.vendor_id] = prices
    return found


def _record(
    row: SubscriptionRow, facts: list[SubscriptionFact], prices: Prices, zone: ZoneInfo
) -> VendorSubscription:
    kept = _standing(facts)
    ends = _ends(row, kept, zone)
    status = SubscriptionStatus(row.status)
    ended = status is SubscriptionStatus.ENDED
    suspended = status is SubscriptionStatus.SUSPENDED
    return VendorSubscription(
        id=row.id,
        connection=row.connection_id,
        customer=row.customer_vendor_id,
        phases=_phases(row, kept, prices, zone),
        name=row.name,
        product=row.product_id,
        segment=row.segment,
        currency=row.currency,
        status=status,
        ends=ends,
        free=row.is_trial or (not row.billed and not ended and not suspended),
        charged_when_suspended=row.billed,
        renews=_day(row.term_end, zone) if row.auto_renew else None,
        absent_syncs=0 if row.gone_at else row.missing_runs,
        assigned=row.assigned,
        changes=tuple(
            QuantityChange(at=fact.known_at, quantity=fact.quantity)
            for fact in facts
            if fact.change != _GONE
        ),
        sequence=row.known_at.isoformat(),
    )


def _day(moment: datetime | None, zone: ZoneInfo) -> date | None:
    return None if moment is None else moment.astimezone(zone).date()


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
    row: SubscriptionRow, facts: list[SubscriptionFact], zone: ZoneInfo
) -> date | None:
    if row.status == SubscriptionStatus.ENDED:
        last = facts[-1].valid_from if facts else row.known_at
        return _day(row.ended_at or row.gone_at or last, zone)
    planned = [
        _day(_moment(change.get("effective_at")), zone)
        for change in row.scheduled
        if change.get("kind") == "end"
    ]
    if row.auto_renew is False and row.term_end is not None:
        planned.append(_day(row.term_end, zone))
    return min((day for day in planned if day is not None), default=None)


def _moment(text: str | None) -> datetime | None:
    return None if not text else datetime.fromisoformat(text)


def _phases(
    row: SubscriptionRow, facts: list[SubscriptionFact], prices: Prices, zone: ZoneInfo
) -> tuple[Phase, ...]:
    listed = prices.get((row.connection_id, row.offer_key), (None, None))
    current = Phase(
        starts=_day(row.started_at, zone) or _day(row.known_at, zone) or date.min,
        quantity=row.quantity,
        sku=row.sku,
        unit_cost=row.unit_cost if row.unit_cost is not None else listed[0],
        list_price=listed[1],
        term=row.term,
        billing_cycle=BillingCycle(row.billing_cycle),
    )
    past = [_past(fact, current, zone) for fact in facts if fact.change != _GONE]
    if past:
        # The newest fact is the projection; the oldest reaches back to the start.
        newest = past[-1]
        past[-1] = _with(current, starts=newest.starts, estimated=newest.estimated)
        past[0] = _with(past[0], starts=min(past[0].starts, current.starts))
    phases = past or [current]
    for change in row.scheduled:
        planned = _scheduled(change, phases[-1], zone)
        if planned is not None:
            phases.append(planned)
    return tuple(sorted(phases, key=lambda phase: phase.starts))


def _with(phase: Phase, **values: Any) -> Phase:  # noqa: ANN401 - fields of Phase
    return replace(phase, **values)


def _past(fact: SubscriptionFact, current: Phase, zone: ZoneInfo) -> Phase:
    payload = fact.payload
    cost, term = payload.get("unit_cost"), payload.get("term")
    return Phase(
        starts=fact.valid_from.astimezone(zone).date(),
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


def _scheduled(change: dict[str, Any], before: Phase, zone: ZoneInfo) -> Phase | None:
    starts = _day(_moment(change.get("effective_at")), zone)
    if starts is None or change.get("kind") != "next_term":
        return None
    quantity = change.get("quantity")
    return Phase(
        starts=starts,
        quantity=before.quantity if quantity is None else Decimal(str(quantity)),
        sku=change.get("sku") or before.sku,
        unit_cost=before.unit_cost,
        list_price=before.list_price,
        term=_term(change.get("term")) or before.term,
        billing_cycle=BillingCycle(change.get("billing_cycle") or before.billing_cycle),
        scheduled=True,
    )
