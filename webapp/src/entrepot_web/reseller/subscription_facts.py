"""What the page of one subscription tells beside its row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from entrepot.hub.catalog.price_lists import list_costs
from entrepot.hub.customers.tables import Contact
from entrepot.hub.mapping.tables import CustomerMap
from entrepot.hub.psa.tables import PsaAgreement, PsaLine
from entrepot.hub.reconciliation.tables import LineLinkRow
from entrepot.hub.subscriptions.panels import Layout, laid_out
from entrepot.hub.subscriptions.tables import SubscriptionFact, SubscriptionRow
from entrepot.hub.sync.tables import SyncRun
from entrepot.hub.users.tables import UserRow
from entrepot.sdk.errors import ConfigInvalid
from entrepot.store.audit_tables import AuditEntry, AuditPayload
from flask_babel import gettext, lazy_gettext
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from entrepot_web.context import actor, hub
from entrepot_web.reseller.customer_facts import MONTHS
from entrepot_web.reseller.present import quantity

LINKS = 500
ACTIONS = 100
CHANGES = {
    "new": lazy_gettext("First seen"),
    "changed": lazy_gettext("Changed"),
    "gone": lazy_gettext("Gone at the vendor"),
    "back": lazy_gettext("Back at the vendor"),
}
_ACTIONS = {"subscription.annotate": lazy_gettext("Own name or order numbers changed")}
_UNSHOWN = ("attributes", "vendor_version", "changed_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a subscription.

    Attributes:
        at: When the hub learnt it.
        what: In words.
        changes: (field, before, after), the fields as the vendor gives them.
        who: The person, or what started the read.
        person: The person's id, or empty.
        email: The person's address, or empty.
        source: Where it was learnt, in words; `href` leads there.
        since: From when it is true, or None.
        estimated: `since` is the day it was first seen.
        seen: Address of the state as it was, or empty.
    """

    at: datetime
    what: str
    changes: tuple[tuple[str, str, str], ...] = ()
    who: str = ""
    person: str = ""
    email: str = ""
    source: str = ""
    href: str = ""
    since: datetime | None = None
    estimated: bool = False
    seen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Cost and price of one unit on the same basis.

    Attributes:
        months: How many months both are for; 0 when no basis is known.
        cost: What the reseller pays, or None.
        price: What the customer pays by the agreement's line, or None.
        why: Why there is no price or margin; empty when there is one.
        agreement: Name of the agreement with the line, or empty.
        basis: Where a cost that the vendor does not tell itself is from, in words.
    """

    months: int
    cost: Decimal | None
    price: Decimal | None
    currency: str
    why: str = ""
    agreement: str = ""
    basis: str = ""

    @property
    def margin(self) -> Decimal | None:
        """Price less cost, or None."""
        if self.cost is None or self.price is None or self.why:
            return None
        return self.price - self.cost

    @property
    def share(self) -> Decimal | None:
        """Margin in percent of the price; None without one, or of a price of zero."""
        if self.margin is None or not self.price:
            return None
        return 100 * self.margin / self.price


@dataclass(frozen=True, slots=True)
class _Cost:
    """What the reseller pays for a unit and billing cycle, and how we know."""

    amount: Decimal | None
    currency: str
    basis: str = ""


def prices(session: Session, row: SubscriptionRow) -> Prices:
    """Return cost, price and margin of a unit; says why where one is missing."""
    own, cost = MONTHS.get(row.billing_cycle, 0), _cost(session, row)
    found = _line(session, row) if actor().may("psa:read") else None
    alone = Prices(
        months=own,
        cost=cost.amount,
        price=None,
        currency=cost.currency,
        basis=cost.basis,
    )
    if found is None:
        why = gettext("No line of an agreement is linked to this subscription.")
        return replace(alone, why=why)
    line, agreement = found
    theirs = MONTHS.get(agreement.billing_cycle, 0)
    currency = line.currency or agreement.currency
    if line.unit_price is None:
        why = gettext("The PSA does not show the line's price.")
        return replace(alone, why=why)
    if not own or not theirs or currency != cost.currency:
        return replace(
            alone,
            months=theirs,
            cost=cost.amount if own == theirs else None,
            price=line.unit_price,
            currency=currency,
            why=gettext("Cost and price have no common currency or billing period."),
            agreement=agreement.name,
        )
    months = max(own, theirs)
    return replace(
        alone,
        months=months,
        cost=None if cost.amount is None else cost.amount * (months // own),
        price=line.unit_price * (months // theirs),
        agreement=agreement.name,
        why="" if cost.amount is not None else gettext("The vendor tells no cost."),
    )


def _cost(session: Session, row: SubscriptionRow) -> _Cost:
    """Return the vendor's own word; else what the price list says of the offer."""
    if row.unit_cost is not None:
        return _Cost(row.unit_cost, row.currency)
    listed = list_costs(session, [row]).get(row.id)
    if listed is None:
        return _Cost(None, row.currency)
    held = listed.since and row.term_start and listed.since <= row.term_start
    words = (
        gettext("The cost is the price list's, in force since the term began.")
        if held
        else gettext(
            "The cost is today's price list's; this term may hold an earlier price."
        )
    )
    return _Cost(listed.amount, listed.currency, words)


def contact(session: Session, row: SubscriptionRow) -> Contact | None:
    """Return the first person at the account that owns it, or None."""
    return session.scalars(
        select(Contact)
        .where(
            Contact.connection_id == row.connection_id,
            Contact.owner_id == row.customer_vendor_id,
            Contact.gone_at.is_(None),
        )
        .order_by(Contact.is_primary.desc(), Contact.id)
        .limit(1)
    ).first()


def layout(row: SubscriptionRow) -> Layout:
    """Return the plugin's own facts of a subscription in its panels."""
    plugin = hub().connections.get(actor(), row.connection_id).plugin
    try:
        panels = hub().plugins.info(plugin).panels
    except ConfigInvalid:
        # The facts stay readable while their plugin is not loaded.
        panels = ()
    return laid_out(panels, row.product_id, row.attributes or {})


def record(facts: Sequence[SubscriptionFact]) -> str:
    """Return the newest record as the plugin read it, secrets taken out; or empty."""
    if not facts:
        return ""
    text = json.dumps(
        facts[0].payload, indent=2, ensure_ascii=False, sort_keys=True, default=str
    )
    return hub().redactor.text(text)


def history(
    session: Session,
    facts: Sequence[SubscriptionFact],
    names: Mapping[str, str],
    label: Any,  # noqa: ANN401 - a function of a field's name
) -> list[Event]:
    """Return everything that happened, newest first.

    Args:
        session: The reseller's.
        facts: The subscription's states, newest first.
        names: Names of connections.
        label: Gives a field's name in words.
    """
    runs = _runs(session, {fact.run_id for fact in facts})
    events = [
        _learnt(fact, older, runs.get(fact.run_id), names, label)
        for fact, older in zip_longest(facts, facts[1:])
    ]
    if facts and actor().may("audit:read"):
        events += _done(session, facts[0].object_id, label)
    return sorted(events, key=lambda one: one.at, reverse=True)


def _learnt(
    fact: SubscriptionFact,
    older: SubscriptionFact | None,
    run: Any,  # noqa: ANN401 - a row of a run, or None
    names: Mapping[str, str],
    label: Any,  # noqa: ANN401 - see `history`
) -> Event:
    now, then = fact.payload, older.payload if older else {}
    changed = () if fact.change in ("new", "gone") else _differing(then, now, label)
    if fact.change == "new":
        changed = ((label("quantity"), "", str(quantity(fact.quantity))),)
    who = gettext("a read") if run is None else run.requested_by or run.cause
    return Event(
        at=fact.known_at,
        what=str(CHANGES.get(fact.change, fact.change)),
        changes=changed,
        who=str(who),
        source=names.get(fact.connection_id, fact.connection_id),
        href=f"/sync-runs/{run.id}" if run and actor().may("sync:read") else "",
        since=fact.valid_from,
        estimated=fact.date_estimated,
        seen=fact.known_at.isoformat(),
    )


def _differing(
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    label: Any,  # noqa: ANN401 - see `history`
) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (label(name), _plain(then.get(name)), _plain(now.get(name)))
        for name in sorted(then.keys() | now.keys())
        if name not in _UNSHOWN and then.get(name) != now.get(name)
    )


def _plain(value: object) -> str:
    if isinstance(value, list | dict):
        return gettext("%(count)s entries", count=len(value)) if value else "–"
    return "–" if value in (None, "") else str(value)


def _runs(session: Session, ids: set[str]) -> dict[str, Any]:
    found = session.execute(
        select(SyncRun.id, SyncRun.cause, SyncRun.requested_by).where(
            SyncRun.id.in_(ids)
        )
    )
    return {row.id: row for row in found}


def _done(session: Session, subscription_id: str, label: Any) -> list[Event]:  # noqa: ANN401 - see `history`
    entry, payload = AuditEntry, AuditPayload
    found = session.execute(
        select(entry.at, entry.action, entry.actor_id, payload.document, UserRow.email)
        .outerjoin(
            payload,
            and_(payload.id == entry.payload_id, payload.tenant_id == entry.tenant_id),
        )
        .outerjoin(
            UserRow, and_(UserRow.id == entry.actor_id, entry.actor_kind == "user")
        )
        .where(
            entry.subject_kind == "subscription", entry.subject_id == subscription_id
        )
        .order_by(entry.seq.desc())
        .limit(ACTIONS)
    )
    return [
        Event(
            at=at,
            what=str(_ACTIONS.get(action, action.replace(".", " "))),
            changes=_differing(
                (document or {}).get("before") or {},
                (document or {}).get("after") or {},
                label,
            ),
            who=str((document or {}).get("actor_name") or actor_id),
            person=actor_id,
            email=email or "",
            source=gettext("this console or its API"),
        )
        for at, action, actor_id, document, email in found
    ]


def _line(
    session: Session, row: SubscriptionRow
) -> tuple[PsaLine, PsaAgreement] | None:
    """Return the line that stands for a subscription with its agreement, or None."""
    link = LineLinkRow
    companies = select(CustomerMap.psa_company_id).where(
        CustomerMap.account_id == row.account_id,
        CustomerMap.status == "confirmed",
        CustomerMap.psa_company_id != "",
    )
    links = session.scalars(
        select(link)
        .where(
            link.company_id.in_(companies),
            link.state == "active",
            link.role == "main",
        )
        .order_by(link.id)
        .limit(LINKS)
    )
    mine = next((one for one in links if row.id in one.subscriptions), None)
    if mine is None:
        return None
    found = session.execute(
        select(PsaLine, PsaAgreement)
        .join(
            PsaAgreement,
            (PsaAgreement.connection_id == PsaLine.connection_id)
            & (PsaAgreement.vendor_id == PsaLine.agreement_vendor_id)
            & (PsaAgreement.tenant_id == PsaLine.tenant_id),
        )
        .where(
            PsaLine.connection_id == mine.psa_connection_id,
            PsaLine.vendor_id == mine.line_id,
        )
    ).first()
    return None if found is None else (found[0], found[1])
