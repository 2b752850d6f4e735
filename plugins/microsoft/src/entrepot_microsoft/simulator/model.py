"""State records of the simulated partner tenant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from entrepot.sdk.model.time import Term
from entrepot.sdk.simulator import CompanyFacts

Wire = dict[str, Any]
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@dataclass(slots=True, kw_only=True)
class Batch:
    """Seats bought together, which may be given back for seven days (§5.7)."""

    quantity: int
    until: datetime


@dataclass(slots=True, kw_only=True)
class NextTerm:
    """What was scheduled for the renewal (``scheduledNextTermInstructions``)."""

    quantity: int | None = None
    sku_key: str = ""
    term: str = ""
    cycle: str = ""


@dataclass(slots=True, kw_only=True)
class Sub:
    """One subscription at the vendor.

    Attributes:
        item: ``P:S`` for new commerce, the offer's GUID for legacy.
        availability: Third part of the catalogue item; empty for legacy.
        term: ``P1M``, ``P1Y`` …; empty for legacy and usage.
        term_start: Start of the present term.
        term_end: First moment after the present term; ``None`` is open-ended.
        cost: Price per cycle that the term protects (§3.2).
        version: Grows with each change; the legacy etag carries it.
        spelling: Which of the observed spellings the wire uses (§1.4).
        extended: In an extended service term (§5.9).
    """

    id: str
    item: str
    name: str
    friendly_name: str
    quantity: int
    cycle: str
    term: str
    created: datetime
    term_start: datetime
    term_end: datetime | None
    order_id: str
    cost: Decimal
    erp: Decimal
    availability: str = ""
    kind: str = ""
    status: str = "active"
    status_since: datetime | None = None
    auto_renew: bool = True
    is_trial: bool = False
    is_addon: bool = False
    parent_id: str = ""
    batches: list[Batch] = field(default_factory=list)
    next_term: NextTerm | None = None
    next_charge: Wire | None = None
    actions: list[Wire] = field(default_factory=list)
    promotion_id: str = ""
    version: int = 1
    spelling: int = 0
    extended: bool = False
    updates: int = 0
    hidden_until: datetime | None = None
    mpn_id: str = ""

    @property
    def is_legacy(self) -> bool:
        """Whether the old rule set applies."""
        return ":" not in self.item

    @property
    def cancellable_until(self) -> datetime | None:
        """End of the seven days in which it may be cancelled (§5.7)."""
        if self.is_legacy or self.kind == "Azure":
            return None
        return self.term_start + WEEK

    def refundable(self, now: datetime) -> list[Batch]:
        """Batches of seats still inside their seven days."""
        if self.is_legacy or self.status != "active":
            return []
        return [b for b in self.batches if b.until > now and b.quantity > 0]

    def new_term(self, start: datetime, term: str) -> None:
        """Begin a term; all seats may be given back for a week again."""
        self.term, self.term_start = term, start
        self.term_end = end_of(start, term)
        self.batches = [Batch(quantity=self.quantity, until=start + WEEK)]

    def touch(self) -> None:
        """Note that something changed."""
        self.version += 1
        self.updates += 1


@dataclass(slots=True, kw_only=True)
class Order:
    """An order as the vendor keeps it."""

    id: str
    created: datetime
    status: str
    sub_ids: list[str]
    currency: str
    cycle: str
    hidden_until: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Customer:
    """A customer with everything it bought.

    Attributes:
        index: Number in the generator; -1 for one that was added by hand.
        make_facts: Makes its company when somebody asks for it.
        known_facts: The company, once it was made or changed.
        related: False once the relationship was removed (§2.1).
        forbidden: Code that every call about this customer is refused with.
        subs: Subscriptions by id, in order of creation.
        orders: Orders by id.
        next_due: When time changes something again; ``None`` is never.
        encoded: The subscription listing, ready to send.
        changed: Whether it differs from what the generator gives.
    """

    id: str
    index: int
    market: str
    make_facts: Callable[[], CompanyFacts]
    known_facts: CompanyFacts | None = None
    related: bool = True
    forbidden: str = ""
    subs: dict[str, Sub] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    next_due: datetime | None = None
    encoded: bytes | None = None
    changed: bool = False
    etag: int = 0

    @property
    def facts(self) -> CompanyFacts:
        """Its company."""
        if self.known_facts is None:
            self.known_facts = self.make_facts()
        return self.known_facts


def end_of(start: datetime, term: str) -> datetime | None:
    """First moment after a term that starts at ``start``; terms end at midnight."""
    if not term:
        return None
    last = Term(term).end_of(start.date())
    return datetime(last.year, last.month, last.day, tzinfo=start.tzinfo)
