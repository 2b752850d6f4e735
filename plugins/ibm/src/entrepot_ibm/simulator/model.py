"""Records of the simulated vendor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from entrepot.sdk.simulator import CompanyFacts

Wire = dict[str, Any]


def stamp(moment: datetime | None) -> str | None:
    """A moment as the vendor writes it: milliseconds and Z."""
    if moment is None:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


@dataclass(slots=True, kw_only=True)
class LastOperation:
    """What was last done to an instance.

    Attributes:
        due: When an operation under way ends; None for one that has ended.
        fails: Whether it will end badly.
    """

    type: str = "create"
    state: str = "succeeded"
    is_async: bool = False
    description: str = ""
    reason_code: str = ""
    cancelable: bool = False
    due: datetime | None = None
    fails: bool = False


@dataclass(slots=True, kw_only=True)
class Instance:
    """A resource instance.

    Attributes:
        since: When the present state began; usage ends with an active state.
        reclaim_at: When a scheduled removal becomes final.
        reclamation_id: Id of that schedule; empty without one.
        keys: Number of resource keys.
        wanted_plan: Plan of an update under way.
    """

    guid: str
    account_id: str
    name: str
    plan_id: str
    region: str
    group_id: str
    created: datetime
    updated: datetime
    since: datetime
    state: str = "active"
    parameters: Wire = field(default_factory=dict)
    extensions: Wire = field(default_factory=dict)
    operation: LastOperation = field(default_factory=LastOperation)
    locked: bool = False
    plans: list[tuple[str, datetime]] = field(default_factory=list)
    deleted: datetime | None = None
    restored: datetime | None = None
    reclaim_at: datetime | None = None
    reclamation_id: str = ""
    reclamation_state: str = ""
    keys: int = 0
    tags: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Option:
    """A billing option: a commitment.

    Attributes:
        restated: Amounts of single months that were corrected afterwards.
    """

    id: str
    start: datetime
    end: datetime
    months: int
    monthly: Decimal
    part: str
    category: str = "PLATFORM"
    type: str = "SUBSCRIPTION"
    state: str = "ACTIVE"
    order_id: str = ""
    po_number: str = ""
    updated: datetime | None = None
    restated: dict[str, Decimal] = field(default_factory=dict)

    def amount(self, month: str) -> Decimal:
        """What it costs in a month."""
        return self.restated.get(month, self.monthly)


@dataclass(slots=True, kw_only=True)
class Licence:
    """A licence that no API tells of (track S)."""

    part: str
    quantity: int
    start: datetime
    end: datetime
    order_id: str
    agreement: str


@dataclass(slots=True, kw_only=True)
class Account:
    """An account: a customer, or the reseller's own.

    Attributes:
        index: Number in the generator; -1 for our own, -2 for one that was added.
        market: Price country, whose currency it pays in as a partner's customer.
        visible_from: Not readable before (B04).
        parent_due: When a move to `parent_wanted` takes effect (B09).
        restated: Factors on the cost of a month and plan that was corrected.
    """

    id: str
    index: int
    name: str
    make_facts: Callable[[], CompanyFacts]
    created: datetime
    updated: datetime
    state: str = "ACTIVE"
    market: str = "USA"
    group_id: str = ""
    parent: str = ""
    instances: dict[str, Instance] = field(default_factory=dict)
    options: list[Option] = field(default_factory=list)
    licences: list[Licence] = field(default_factory=list)
    owner_iam_id: str = ""
    owner_email: str = ""
    visible_from: datetime | None = None
    parent_wanted: str = ""
    parent_due: datetime | None = None
    group_state: str = "ACTIVE"
    deleted: bool = False
    forbidden: bool = False
    restated: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    @property
    def facts(self) -> CompanyFacts:
        """The company behind the account."""
        return self.make_facts()
