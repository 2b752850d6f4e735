"""What happened to a customer: changes at the vendors, and what people did here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.subscriptions.tables import SubscriptionFact, SubscriptionRow
from entrepot.hub.sync.tables import SyncRun
from entrepot.store.audit_tables import AuditEntry, AuditPayload
from entrepot.store.search import fold
from flask_babel import gettext, lazy_gettext
from sqlalchemy import String, and_, func, literal, or_, select
from sqlalchemy.orm import Session

from entrepot_web.reseller.subscription_facts import CHANGES

EVENTS = 50
LOOKED_AT = 5_000
"""Events that one search looks at; then it says how far it came."""
_BATCH = 500
_ACTIONS = {
    "customer.change": lazy_gettext("Customer information changed"),
    "customer.create": lazy_gettext("Customer added"),
    "customer.delete": lazy_gettext("Customer deleted"),
    "customer.erase": lazy_gettext("Personal data erased"),
    "customer.import": lazy_gettext("Customer imported"),
    "customer.mail_again": lazy_gettext("A notification was mailed again"),
    "customer.merge": lazy_gettext("Another customer was joined"),
    "customer.notify": lazy_gettext("Notifications changed"),
    "customer.price_book": lazy_gettext("Price book assigned"),
    "customer.revive": lazy_gettext("Customer brought back"),
    "customer.split": lazy_gettext("An account was split off"),
    "subscription.annotate": lazy_gettext("Own name or order numbers changed"),
    "subscription.vendor_record": lazy_gettext("Vendor's record read"),
}
_SERVICES = {
    "customer": lazy_gettext("Customers"),
    "subscription": lazy_gettext("Subscriptions"),
}
_ENTRIES = {
    "user": lazy_gettext("Console"),
    "client": lazy_gettext("API"),
    "operator": lazy_gettext("Operator"),
    "schedule": lazy_gettext("Schedule"),
    "notification": lazy_gettext("Vendor's notification"),
    "button": lazy_gettext("Refresh"),
}
_SHOWN = ("customer.change", "customer.notify", "subscription.annotate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        at: When the hub learnt it.
        key: With `at`, its place among all events.
        what: In words.
        subject: Name of the subscription, or empty.
        href: Where to look, or empty.
        detail: Before and after, or a reason.
        who: The person, or what read it.
        service: The vendor's connection, or the part of the hub.
        status: How it came out, in words.
        source: How it came in: by a page, the API, a schedule.
        foreign: Whether it was done elsewhere, not through the hub.
    """

    at: datetime
    key: str
    what: str
    subject: str = ""
    href: str = ""
    detail: str = ""
    who: str = ""
    service: str = ""
    status: str = ""
    source: str = ""
    foreign: bool = False

    def holds(self, wanted: str) -> bool:
        """Whether its person, action, service or status holds a folded text."""
        told = (self.who, self.what, self.subject, self.service, self.status)
        return any(wanted in fold(text) for text in told)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of events goes on: after this one."""

    at: datetime
    key: str


@dataclass(frozen=True, slots=True)
class Told:
    """One page of events.

    Attributes:
        events: Newest first.
        older: Where the next page begins, or None at the end.
        cut: Whether a search stopped at `LOOKED_AT` before the page was full.
    """

    events: Sequence[Event]
    older: Place | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose events are asked for, and which.

    Attributes:
        customer_id: Whose.
        names: Names of connections by id.
        audit: Whether what people did is told, which needs the right to see it.
        text: Only events that hold it.
        before: Only older ones.
        most: Events of a page.
    """

    customer_id: str
    names: Mapping[str, str]
    audit: bool
    text: str = ""
    before: Place | None = None
    most: int = EVENTS


def events(session: Session, asked: Asked) -> Told:
    """Return what happened to a customer, newest first."""
    if not asked.text:
        found = _batch(session, asked, asked.before, asked.most + 1)
        return _page(found, asked.most)
    wanted, place, kept, seen = fold(asked.text), asked.before, list[Event](), 0
    while seen < LOOKED_AT:
        batch = _batch(session, asked, place, _BATCH)
        kept += [one for one in batch if one.holds(wanted)]
        if len(kept) > asked.most:
            return _page(kept, asked.most)
        if len(batch) < _BATCH:
            return Told(kept)
        seen, place = seen + len(batch), Place(batch[-1].at, batch[-1].key)
    return Told(kept, place, cut=True)


def _page(found: Sequence[Event], most: int) -> Told:
    shown = found[:most]
    more = len(found) > most
    return Told(shown, Place(shown[-1].at, shown[-1].key) if more else None)


def _batch(
    session: Session, asked: Asked, before: Place | None, most: int
) -> list[Event]:
    found = _facts(session, asked, before, most)
    if asked.audit:
        found += _entries(session, asked.customer_id, before, most)
    found.sort(key=lambda one: (one.at, one.key), reverse=True)
    return found[:most]


def _facts(
    session: Session, asked: Asked, before: Place | None, most: int
) -> list[Event]:
    fact, row = SubscriptionFact, SubscriptionRow
    earlier = (
        func.lag(fact.quantity, type_=fact.quantity.type)
        .over(partition_by=fact.object_id, order_by=fact.known_at)
        .label("earlier")
    )
    inner = (
        select(fact.object_id, fact.known_at, fact.change, fact.quantity, earlier)
        .join(row, row.id == fact.object_id)
        .join(CustomerAccount, CustomerAccount.id == row.account_id)
        .where(CustomerAccount.customer_id == asked.customer_id)
        .add_columns(row.name, row.friendly_name, fact.connection_id, fact.run_id)
        .subquery()
    )
    known = inner.c
    query = (
        select(inner, SyncRun.cause, SyncRun.requested_by)
        .outerjoin(SyncRun, SyncRun.id == known.run_id)
        .order_by(known.known_at.desc(), known.object_id.desc())
        .limit(most)
    )
    if before is not None:
        place = literal("f:", String) + known.object_id
        query = query.where(_older(known.known_at, place, before))
    return [_fact(item, asked.names) for item in session.execute(query)]


def _fact(item: Any, names: Mapping[str, str]) -> Event:  # noqa: ANN401 - a row
    detail = ""
    if item.earlier is not None and item.earlier != item.quantity:
        detail = f"{item.earlier.normalize():f} → {item.quantity.normalize():f}"
    person = item.requested_by if item.cause == "button" else ""
    return Event(
        at=item.known_at,
        key=f"f:{item.object_id}",
        what=str(CHANGES.get(item.change, item.change)),
        subject=item.friendly_name or item.name,
        href=f"/subscriptions/{item.object_id}",
        detail=detail,
        who=person or gettext("Read from the vendor"),
        service=names.get(item.connection_id, item.connection_id),
        status=gettext("Read"),
        source=str(_ENTRIES.get(item.cause or "", item.cause or "–")),
        foreign=item.change == "changed",
    )


def _entries(
    session: Session, customer_id: str, before: Place | None, most: int
) -> list[Event]:
    entry, payload, row = AuditEntry, AuditPayload, SubscriptionRow
    owned = (
        select(row.id)
        .join(CustomerAccount, CustomerAccount.id == row.account_id)
        .where(CustomerAccount.customer_id == customer_id)
    )
    query = (
        select(entry, payload.document, row.name, row.friendly_name)
        .outerjoin(
            payload,
            and_(payload.id == entry.payload_id, payload.tenant_id == entry.tenant_id),
        )
        .outerjoin(row, row.id == entry.subject_id)
        .where(
            or_(
                and_(entry.subject_kind == "customer", entry.subject_id == customer_id),
                and_(entry.subject_kind == "subscription", entry.subject_id.in_(owned)),
            )
        )
        .order_by(entry.at.desc(), entry.seq.desc())
        .limit(most)
    )
    if before is not None:
        at_once = entry.at == before.at
        if before.key.startswith("a:"):
            at_once = and_(at_once, entry.seq < int(before.key[2:]))
        query = query.where(or_(entry.at < before.at, at_once))
    return [
        _entry(one, document or {}, friendly or name or "")
        for one, document, name, friendly in session.execute(query)
    ]


def _entry(entry: AuditEntry, known: Mapping[str, Any], subject: str) -> Event:
    action = entry.action
    words = _ACTIONS.get(action, action.replace(".", " ").replace("_", " "))
    after = known.get("after") if action in _SHOWN else None
    detail = ", ".join(f"{name}: {value}" for name, value in (after or {}).items())
    kind = entry.subject_kind
    return Event(
        at=entry.at,
        key=f"a:{entry.seq:020}",
        what=str(words),
        subject=subject,
        href=f"/subscriptions/{entry.subject_id}" if subject else "",
        detail=detail or str(known.get("why") or ""),
        who=str(known.get("actor_name") or entry.actor_id),
        service=str(_SERVICES.get(kind, kind)),
        status=gettext("Done"),
        source=str(_ENTRIES.get(entry.actor_kind, entry.actor_kind)),
    )


def _older(at: Any, key: Any, before: Place) -> Any:  # noqa: ANN401 - columns
    """Return the condition that an event comes after a place; facts lead a moment."""
    if not before.key.startswith("f:"):
        return at < before.at
    return or_(at < before.at, and_(at == before.at, key < before.key))
