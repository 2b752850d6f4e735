"""Ledgerline's JSON."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import msgspec


class Office(msgspec.Struct):
    """The reseller's own tenant."""

    name: str
    currency: str
    zone: str


class Firm(msgspec.Struct):
    """A company."""

    id: str
    name: str
    kind: str
    domain: str = ""
    vat: str = ""
    archived: bool = False


class Article(msgspec.Struct):
    """A product of the catalogue."""

    id: str
    code: str
    title: str
    price: Decimal
    cost: Decimal
    active: bool = True


class Contract(msgspec.Struct):
    """An agreement; `ends` is its last day."""

    id: str
    firm: str
    title: str
    state: str
    begins: date
    ends: date | None = None


class Position(msgspec.Struct):
    """A line; `until` is its last billed day, `version` grows with each change."""

    id: str
    contract: str
    firm: str
    article: str
    text: str
    amount: Decimal
    price: Decimal
    billed: bool
    since: date
    version: int
    changed: datetime
    until: date | None = None
    reference: str = ""


class Closing(msgspec.Struct):
    """How far an agreement is invoiced."""

    through: date | None = None
    next: date | None = None


class Ticket(msgspec.Struct):
    """A service ticket."""

    id: str
    reference: str


class Listing(msgspec.Struct):
    """One page; `next` is the marker of the following one."""

    items: list[msgspec.Raw]
    next: str | None = None


class Fault(msgspec.Struct):
    """The body of a refusal."""

    code: str = ""
    text: str = ""
