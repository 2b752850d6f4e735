"""Customers as vendors know them, and people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from entrepot.sdk.model.quick import quick
from entrepot.sdk.model.time import require_aware


class AccountStatus(StrEnum):
    """State of a customer's account at the vendor."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    PENDING = "pending"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address; empty strings where the vendor has nothing."""

    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""  # ISO 3166-1 alpha-2, capital letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person at a customer or company.

    Attributes:
        vendor_id: The vendor's or PSA's id; empty where it has none.
        owner_id: Vendor id of the customer or company the person belongs to.
    """

    vendor_id: str
    owner_id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    role: str = ""
    primary: bool = False


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class VendorCustomer:
    """A customer's account at one vendor.

    Attributes:
        vendor_id: The vendor's immutable id.
        name: Company name as the vendor shows it.
        domain: Primary domain; empty when unknown.
        domains: All verified domains, the primary included.
        default_domain: The vendor-given name-space (for example a sub-domain of the
            vendor's own domain); evidence of lesser weight when matching names.
        tax_id: Tax or registration number; empty when unknown.
        status: Our reading of the state.
        vendor_status: The vendor's own word.
        external_ids: Ids in other systems that the vendor stores (system, id).
        detail_complete: False when a listing carried only part of the fields; core
            then keeps what it knew of the others.
        attributes: Further facts for display, as plain strings.
    """

    vendor_id: str
    name: str
    domain: str = ""
    domains: tuple[str, ...] = ()
    default_domain: str = ""
    tax_id: str = ""
    email: str = ""
    phone: str = ""
    address: Address = field(default_factory=Address)
    language: str = ""
    currency: str = ""
    status: AccountStatus = AccountStatus.ACTIVE
    vendor_status: str = ""
    created_at: datetime | None = None
    vendor_version: str = ""
    external_ids: tuple[tuple[str, str], ...] = ()
    detail_complete: bool = True
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_aware(self.created_at, "created_at")
