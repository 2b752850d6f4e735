"""A vendor's state in neutral words, for another simulator to plant.

The vendor simulator dumps a ``Seed``; the PSA simulator loads it and plants
companies, products, agreements and lines that fit (and some that don't).
Money is exact: amounts travel as JSON strings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedContact:
    """A person at a customer.

    Attributes:
        role: ``owner``, ``billing`` or ``technical``.
    """

    first_name: str
    last_name: str
    email: str
    phone: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedCustomer:
    """A customer as the vendor knows it.

    Attributes:
        vendor_id: The vendor's id.
        index: Position in the generator; ``people.company(index, seed)`` gives
            the same company again.
        country: ISO 3166 alpha-2.
        status: ``active`` or ``removed``.
    """

    vendor_id: str
    index: int
    name: str
    domain: str
    country: str
    city: str
    state: str
    postal_code: str
    street: str
    phone: str
    tax_id: str
    currency: str
    contacts: tuple[SeedContact, ...] = ()
    status: str = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedOffer:
    """Something that can be bought, in one term and billing cycle.

    Attributes:
        sku: The vendor's stable key of the item (without term and cycle).
        product_id: The vendor's product the item belongs to.
        term: ISO 8601 duration, empty when there is none.
        billing_cycle: ``monthly``, ``annual``, ``triennial``, ``one_time`` or
            ``none``.
        unit_cost: Price to the reseller for one unit and one billing cycle.
        unit_price: Suggested price to the customer, same basis.
    """

    sku: str
    product_id: str
    name: str
    term: str
    billing_cycle: str
    unit_cost: Decimal
    unit_price: Decimal
    currency: str
    is_addon: bool = False
    is_trial: bool = False
    is_legacy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedNextTerm:
    """Another way to buy that is agreed for the next term.

    Attributes:
        start: First day of the next term.
        term: ISO 8601 duration, empty when there is none.
        billing_cycle: As of `SeedOffer`.
    """

    start: date
    term: str
    billing_cycle: str
    quantity: int
    unit_cost: Decimal
    unit_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSubscription:
    """A subscription as the vendor has it.

    Attributes:
        start: First day of the current term.
        end: Last day of the current term; ``None`` when open.
        status: The neutral status word (``active``, ``suspended``, ``trial`` …).
        billed: Whether the vendor charges for it now.
        renews: Whether it goes on after `end`.
        following: What the next term is, where it is another one than this.
    """

    vendor_id: str
    customer_vendor_id: str
    sku: str
    name: str
    term: str
    billing_cycle: str
    quantity: int
    unit_cost: Decimal
    unit_price: Decimal
    currency: str
    start: date
    end: date | None
    status: str
    billed: bool
    parent_vendor_id: str = ""
    renews: bool = True
    following: SeedNextTerm | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A whole vendor, as of one day."""

    vendor: str
    seed: int
    as_of: date
    customers: tuple[SeedCustomer, ...] = ()
    offers: tuple[SeedOffer, ...] = ()
    subscriptions: tuple[SeedSubscription, ...] = field(default_factory=tuple)

    def to_json(self) -> bytes:
        """The seed as one JSON document."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> Seed:
        """Read what ``to_json`` wrote.

        Raises:
            msgspec.ValidationError: If a member is missing or has a wrong type.
        """
        return msgspec.json.decode(data, type=cls)

    def save(self, path: Path) -> None:
        """Write the seed to a file."""
        path.write_bytes(self.to_json())

    @classmethod
    def load(cls, path: Path) -> Seed:
        """Read a seed file; raises as ``from_json`` does."""
        return cls.from_json(path.read_bytes())
