"""A subscription as it was: the state asked for, and its licences over a year."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from entrepot.hub.subscriptions.tables import SubscriptionFact
from flask import request
from flask_babel import gettext, lazy_gettext

from entrepot_web.charts import Line, stairs

YEAR = timedelta(days=365)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d[0-9:.]*Z")
_LABELS = {
    "quantity": lazy_gettext("Licences"),
    "status": lazy_gettext("Status"),
    "vendor_status": lazy_gettext("Vendor status"),
    "unit_cost": lazy_gettext("Unit cost"),
    "auto_renew": lazy_gettext("Auto-renew"),
    "term_end": lazy_gettext("Term ends"),
    "term_start": lazy_gettext("Term starts"),
    "sku": lazy_gettext("SKU"),
    "billing_cycle": lazy_gettext("Billing"),
    "term": lazy_gettext("Term"),
    "assigned": lazy_gettext("Assigned"),
    "unit": lazy_gettext("Unit"),
    "currency": lazy_gettext("Currency"),
    "name": lazy_gettext("Vendor's name"),
    "friendly_name": lazy_gettext("Name given at the vendor"),
    "segment": lazy_gettext("Segment"),
    "billed": lazy_gettext("Billed"),
    "is_trial": lazy_gettext("Trial"),
    "is_addon": lazy_gettext("Add-on"),
    "parent_id": lazy_gettext("Add-on of"),
    "started_at": lazy_gettext("Effective date"),
    "ended_at": lazy_gettext("Ended"),
    "cancellable_until": lazy_gettext("Can be cancelled until"),
    "reducible_quantity": lazy_gettext("Licences that may be given back"),
    "scheduled": lazy_gettext("Will happen by itself"),
    "product_id": lazy_gettext("Product"),
    "offer_key": lazy_gettext("Offer"),
    "order_id": lazy_gettext("Order"),
    "customer_id": lazy_gettext("Customer at the vendor"),
    "vendor_id": lazy_gettext("Subscription id"),
    "attributes": lazy_gettext("Additional information"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a past state beside what it is now."""

    label: str
    then: str
    now: str

    @property
    def differs(self) -> bool:
        """Whether it has changed since."""
        return self.then != self.now


def step_of(facts: Sequence[SubscriptionFact]) -> int:
    """Return which state is asked for: 0 is the oldest; the newest when none is.

    ``as_of`` names a moment and stays right while states are added; ``state`` is
    where the slider stands.
    """
    newest = max(0, len(facts) - 1)
    text = request.args.get("state", "")
    if text.isascii() and text.isdigit():
        return min(int(text), newest)
    moment = _moment(request.args.get("as_of", ""))
    if moment is None:
        return newest
    return max(0, sum(fact.known_at <= moment for fact in facts) - 1)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def compared(facts: Sequence[Any], step: int) -> list[Field]:
    """Return the fields of a state beside those of the newest one."""
    if not facts:
        return []
    then, now = facts[len(facts) - 1 - step].payload, facts[0].payload
    return [
        Field(label(name), _text(then.get(name)), _text(now.get(name)))
        for name in sorted(then.keys() | now.keys(), key=_order)
        if then.get(name) not in (None, "", [], {})
        or now.get(name) not in (None, "", [], {})
    ]


def _order(name: str) -> tuple[int, str]:
    known = list(_LABELS)
    return (known.index(name) if name in known else len(known), name)


def label(name: str) -> str:
    """Return a field's name in words."""
    return str(_LABELS.get(name) or name.replace("_", " ").capitalize())


def _text(value: object) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, dict) and len(value) == 1:
        return _text(*value.values())
    if isinstance(value, list | dict):
        return gettext("%(count)s entries", count=len(value)) if value else "–"
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return f"{value[:10]} {value[11:16]} UTC"
    return "–" if value in (None, "") else str(value)


@dataclass(frozen=True, slots=True)
class State:
    """How many licences there were from a moment on; None = not reported."""

    at: datetime
    bought: Decimal
    assigned: Decimal | None


@dataclass(frozen=True, slots=True)
class Licences:
    """The licences of the last twelve months, step by step.

    Attributes:
        states: The first at the left end of the picture; at least two.
        until: The right end.
        top: The most there were.
    """

    states: Sequence[State]
    until: datetime
    lines: Sequence[Line]
    top: Decimal


def licences(facts: Sequence[SubscriptionFact], now: datetime) -> Licences | None:
    """Return how licences developed in a year; None when they stayed as they were.

    Args:
        facts: The subscription's states, newest first.
        now: Where the picture ends.
    """
    states = _within(_states(facts), now - YEAR)
    if len(states) < 2 or states[0].at >= now:
        return None
    first, whole = states[0].at, now - states[0].at
    places = [(one.at - first) / whole if whole else 0.0 for one in states]
    series = [
        ("bought", [(at, one.bought) for at, one in zip(places, states, strict=True)])
    ]
    assigned = [
        (at, one.assigned)
        for at, one in zip(places, states, strict=True)
        if one.assigned is not None
    ]
    if assigned:
        series.append(("assigned", assigned))
    top = max(value for _, steps in series for _, value in steps)
    return Licences(states, now, stairs(series), top)


def _states(facts: Sequence[SubscriptionFact]) -> list[State]:
    """Return states, oldest first, without those in which nothing of it changed.

    A state that began before the one we knew earlier stands in its place.
    """
    found: list[State] = []
    for fact in reversed(facts):
        bought = Decimal(0) if fact.change == "gone" else fact.quantity
        told = fact.payload.get("assigned")
        assigned = None if told is None else Decimal(str(told))
        if found and (found[-1].bought, found[-1].assigned) == (bought, assigned):
            continue
        at = max(fact.valid_from, found[-1].at) if found else fact.valid_from
        if found and found[-1].at == at:
            found.pop()
        found.append(State(at, bought, assigned))
    return found


def _within(states: Sequence[State], since: datetime) -> list[State]:
    """Return the states since a moment, led by the one that held at it."""
    later = [one for one in states if one.at > since]
    held = [one for one in states if one.at <= since][-1:]
    return [*(State(since, one.bought, one.assigned) for one in held), *later]
