"""What the simulated vendor knows."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

ACTIVE = "ACTIVE"


@dataclass(slots=True)
class Account:
    """An account of the organization."""

    id: str
    name: str
    email: str
    joined: datetime
    unit: str
    state: str = ACTIVE
    method: str = "CREATED"


@dataclass(slots=True)
class Unit:
    """An organizational unit; a customer's one has a company behind it.

    Attributes:
        company: Number of the company in `entrepot.sdk.simulator.people`; -1 for a
            unit that is no customer.
    """

    id: str
    name: str
    parent: str
    company: int = -1
    tags: dict[str, str] = field(default_factory=dict)
    units: list[str] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Transfer:
    """A billing transfer to us."""

    id: str
    name: str
    account: str
    email: str
    start: datetime
    status: str = "ACCEPTED"
    end: datetime | None = None
    company: int = -1


@dataclass(slots=True)
class Agreement:
    """A Marketplace agreement.

    Attributes:
        first: Id of the first agreement of its chain.
        quantities: How many of each dimension.
        price: Factor on the product's list price.
        proposer: Account of its seller; empty for the simulated software maker.
        parts: In how many equal instalments it is paid.
    """

    id: str
    first: str
    account: str
    product: str
    selector: str
    quantities: dict[str, int]
    start: datetime
    end: datetime
    renews: bool = True
    status: str = ACTIVE
    price: Decimal = Decimal(1)
    updated: datetime | None = None
    proposer: str = ""
    parts: int = 1


@dataclass(slots=True)
class Relationship:
    """A customer or downstream seller registered with the partner programme."""

    id: str
    account: str
    name: str
    kind: str
    start: datetime


@dataclass(slots=True)
class Plan:
    """A Savings Plan; `kind` is an index into the catalogue's offerings."""

    id: str
    account: str
    kind: int
    commitment: Decimal
    start: datetime
    end: datetime
    state: str = "active"


@dataclass(slots=True)
class Group:
    """A billing group with a pricing plan and rule of its own.

    Attributes:
        owner: Unit or transfer it is for.
        percent: Mark-up; negative for a discount.
    """

    suffix: str
    name: str
    primary: str
    owner: str
    transfer: str = ""
    percent: Decimal = Decimal(10)


@dataclass(order=True, slots=True)
class Due:
    """Something that time brings."""

    at: datetime
    number: int
    kind: str = field(compare=False)
    subject: str = field(compare=False)


@dataclass(slots=True)
class Book:
    """All state of one vendor. The caller holds the simulator's lock."""

    seed: int
    management: str
    organization: str
    root: str
    customers_parent: str
    email: str
    units: dict[str, Unit] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    transfers: dict[str, Transfer] = field(default_factory=dict)
    agreements: dict[str, Agreement] = field(default_factory=dict)
    bought: dict[str, list[str]] = field(default_factory=dict)
    plans: dict[str, list[Plan]] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    relationships: list[Relationship] = field(default_factory=list)
    locked: set[str] = field(default_factory=set)
    due: list[Due] = field(default_factory=list)
    numbers: int = 0

    def number(self) -> int:
        """A number that was not given out before."""
        self.numbers += 1
        return self.numbers

    def later(self, at: datetime, kind: str, subject: str) -> None:
        """Remember what time will bring."""
        heapq.heappush(self.due, Due(at, self.number(), kind, subject))

    def add_unit(self, unit: Unit) -> Unit:
        """A unit below its parent."""
        self.units[unit.id] = unit
        if unit.parent in self.units:
            self.units[unit.parent].units.append(unit.id)
        return unit

    def add_account(self, account: Account) -> Account:
        """An account in its unit."""
        self.accounts[account.id] = account
        self.units[account.unit].accounts.append(account.id)
        return account

    def drop_account(self, account: Account) -> None:
        """The account leaves the organization, or is closed for good."""
        self.units[account.unit].accounts.remove(account.id)
        del self.accounts[account.id]

    def add_agreement(self, agreement: Agreement) -> Agreement:
        """An agreement of an account; its end is remembered."""
        self.agreements[agreement.id] = agreement
        self.bought.setdefault(agreement.account, []).append(agreement.id)
        self.later(agreement.end, "agreement_ends", agreement.id)
        return agreement

    def customer_units(self) -> list[Unit]:
        """Units that are customers, in order."""
        return [self.units[u] for u in self.units[self.customers_parent].units]

    def accounts_below(self, unit: str) -> list[Account]:
        """All accounts below a unit, at any depth."""
        found = [self.accounts[a] for a in self.units[unit].accounts]
        for child in self.units[unit].units:
            found += self.accounts_below(child)
        return found


def twelve(seed: int, number: int) -> str:
    """An account id; equal numbers of one seed give equal ids."""
    return f"{(100_000_000_000 + seed * 7_368_787 + number * 7_919) % 10**12:012d}"


def letters(seed: int, number: int, length: int) -> str:
    """Lower-case letters and digits that name a number of a seed."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    value = (seed * 1_000_003 + number) * 48_271 + 12_345
    found = ""
    for _ in range(length):
        value, rest = divmod(value, 36)
        found = digits[rest] + found
    return found
