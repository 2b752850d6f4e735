"""What can be told of a customer, to whom, and what holds where nobody chose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

RENEWAL = "renewal"
SUSPENDED = "suspended"
ENDED = "ended"
QUANTITY = "quantity"
DIFFERENCE = "difference"
UNREADABLE = "unreadable"
KINDS = (RENEWAL, SUSPENDED, ENDED, QUANTITY, DIFFERENCE, UNREADABLE)

FOR_CONTACTS = frozenset({RENEWAL, SUSPENDED, ENDED, QUANTITY})
"""What a customer's own contact may be told; the rest is the reseller's business."""

STATES = ("new", "shown", "waiting", "sent", "failed")
LANGUAGES = ("en", "de")
SHORTEST, LONGEST = 1, 180
"""Days before its end that a renewal may be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is told of a customer, and to whom.

    Attributes:
        kinds: Of `KINDS`; what is not among them is not noted at all.
        renewal_days: How many days ahead a renewal is told.
        owners: Whether every owner of the reseller's account gets mails.
        people: Ids of the reseller's people who get mails besides.
        contact: Whether the customer's primary contact gets mails of `FOR_CONTACTS`.
        language: Of mails to the customer's contact; the reseller's own choice is
            that of mails to its people.
    """

    kinds: tuple[str, ...] = KINDS
    renewal_days: int = 30
    owners: bool = True
    people: tuple[str, ...] = ()
    contact: bool = False
    language: str = "en"


USUAL = Choice()
"""What holds until a reseller chooses: its owners are told, no customer is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What two states of a subscription are compared by."""

    status: str
    quantity: Decimal


def changes(before: State, after: State) -> tuple[str, ...]:
    """Return the kinds that a subscription's change from one state to another is.

    A subscription that ends is not told to have lost its units as well.
    """
    if after.status == "ended":
        return (ENDED,) if before.status != "ended" else ()
    found = []
    if after.status == "suspended" and before.status != "suspended":
        found.append(SUSPENDED)
    if before.status != "ended" and before.quantity != after.quantity:
        found.append(QUANTITY)
    return tuple(found)


def is_due(ends: datetime, now: datetime, days: int) -> bool:
    """Whether a term's end is to be told now."""
    return 0 < (ends - now).total_seconds() <= days * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who gets mails.

    Attributes:
        kind: ``user`` or ``contact``.
        id: The person's, or the customer's whose contact it is.
    """

    kind: str
    id: str
    name: str
    address: str
    language: str


def receivers(
    kind: str,
    choice: Choice,
    people: Mapping[str, Person],
    owners: Iterable[str],
    contact: Person | None,
) -> tuple[Person, ...]:
    """Return who gets a mail of one notification, each person once.

    Args:
        kind: Of `KINDS`.
        choice: What holds for the customer.
        people: The reseller's active people by id.
        owners: Ids of those who own its account.
        contact: The customer's contact with an address, or None.
    """
    wanted = dict.fromkeys((*(owners if choice.owners else ()), *choice.people))
    found = [people[one] for one in wanted if one in people]
    if choice.contact and contact is not None and kind in FOR_CONTACTS:
        found.append(contact)
    return tuple({one.address: one for one in reversed(found)}.values())[::-1]


def subscription_facts(row: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    """Return what is kept of a subscription for its notification's sentence."""
    return {"name": row.friendly_name or row.name, **more}
