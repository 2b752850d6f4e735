"""Customers and their contact (reference §2; pure)."""

from __future__ import annotations

import msgspec
from entrepot.sdk.model import (
    AccountStatus,
    Address,
    Contact,
    ContentHash,
    RawItems,
    VendorCustomer,
)

import entrepot_microsoft.wire as wire
from entrepot_microsoft.mapping.spelling import word
from entrepot_microsoft.mapping.version import MAPPING_VERSION

DEFAULT_DOMAIN = ".onmicrosoft.com"
_RELATION = {
    "reseller": AccountStatus.ACTIVE,
    "none": AccountStatus.CLOSED,
    "advisor": AccountStatus.ACTIVE,
    "syndication": AccountStatus.ACTIVE,
}


def customer(found: wire.CustomerWire, *, complete: bool) -> VendorCustomer:
    """A customer; `complete` says that it was read by id (§2.1)."""
    profile = found.company_profile or wire.CompanyProfile()
    billing = found.billing_profile or wire.BillingProfile()
    domains = tuple(found.custom_domains or ())
    given = profile.domain or ""
    own = [d for d in (*domains, given) if d and not d.endswith(DEFAULT_DOMAIN)]
    defaults = [d for d in (given, *domains) if d.endswith(DEFAULT_DOMAIN)]
    phone = billing.default_address.phone_number if billing.default_address else None
    return VendorCustomer(
        vendor_id=found.id.lower(),
        name=profile.company_name or "",
        domain=own[0] if own else "",
        domains=domains or ((given,) if given else ()),
        default_domain=defaults[0] if defaults else "",
        tax_id=profile.organization_registration_number or "",
        email=billing.email or "",
        phone=phone or "",
        address=_address(billing.default_address),
        language=billing.culture or "",
        status=_RELATION.get(
            word(found.relationship_to_partner), AccountStatus.UNKNOWN
        ),
        vendor_status=found.relationship_to_partner or "",
        detail_complete=complete,
    )


def decode_customer(data: bytes) -> VendorCustomer:
    """A listed customer from its bytes; details are still missing."""
    return customer(wire.CUSTOMER.read(data), complete=False)


def project_customer(data: bytes) -> bytes:
    """The mapped fields of a listed customer, for the content hash."""
    return msgspec.msgpack.encode(wire.CUSTOMER.read(data))


def raw_customers(items: list[bytes]) -> RawItems[VendorCustomer]:
    """A page of listed customers in the fast form."""
    return RawItems(
        items=items,
        decode=decode_customer,
        content_hash=ContentHash.PROJECTION,
        mapping_version=MAPPING_VERSION,
        project=project_customer,
    )


def contact(customer_id: str, found: wire.BillingProfile) -> Contact | None:
    """The person of the billing profile; None when it names nobody."""
    if not (found.email or found.last_name):
        return None
    address = found.default_address or wire.PostalAddress()
    return Contact(
        vendor_id=f"{customer_id.lower()}/billing",
        owner_id=customer_id.lower(),
        first_name=found.first_name or "",
        last_name=found.last_name or "",
        email=found.email or "",
        phone=address.phone_number or "",
        role="billing",
        primary=True,
    )


def _address(found: wire.PostalAddress | None) -> Address:
    if found is None:
        return Address()
    return Address(
        line1=found.address_line1 or "",
        line2=found.address_line2 or "",
        city=found.city or "",
        region=found.state or found.region or "",
        postal_code=found.postal_code or "",
        country=(found.country or "").upper(),
    )
