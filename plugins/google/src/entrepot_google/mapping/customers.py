"""Customers and the person the vendor knows there (reference §3.2)."""

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

from entrepot_google.mapping.spelling import last_part, moment
from entrepot_google.mapping.version import MAPPING_VERSION
from entrepot_google.wire import channel


def customer(found: channel.CustomerWire) -> VendorCustomer:
    """A customer. The API has no state: who is listed is a customer."""
    identity = found.cloud_identity_info or channel.CloudIdentityInfo()
    person = found.primary_contact_info or channel.ContactInfo()
    domain = (found.domain or identity.primary_domain).lower()
    return VendorCustomer(
        vendor_id=last_part(found.name),
        name=found.org_display_name or domain or last_part(found.name),
        domain=domain,
        domains=(domain,) if domain else (),
        email=person.email or found.alternate_email,
        phone=person.phone,
        address=_address(found.org_postal_address),
        language=found.language_code,
        status=AccountStatus.ACTIVE,
        created_at=moment(found.create_time),
        vendor_version=found.update_time,
        external_ids=tuple(_ids(found)),
        attributes=_facts(found, identity),
    )


def _ids(found: channel.CustomerWire) -> list[tuple[str, str]]:
    given = [
        ("cloud_identity", found.cloud_identity_id),
        ("correlation", found.correlation_id),
    ]
    return [(system, value) for system, value in given if value]


def _facts(
    found: channel.CustomerWire, identity: channel.CloudIdentityInfo
) -> dict[str, str]:
    given = {
        "cloud_identity_id": found.cloud_identity_id,
        "customer_type": identity.customer_type,
        "channel_partner_id": found.channel_partner_id,
        "attestation": found.customer_attestation_state,
        "admin_console": identity.admin_console_uri,
    }
    return {name: value for name, value in given.items() if value}


def _address(found: channel.PostalAddress | None) -> Address:
    if found is None:
        return Address()
    lines = found.address_lines
    return Address(
        line1=lines[0] if lines else "",
        line2=", ".join(lines[1:]),
        city=found.locality,
        region=found.administrative_area,
        postal_code=found.postal_code,
        country=found.region_code.upper(),
    )


def contact(found: channel.CustomerWire) -> Contact | None:
    """The primary contact; None when the vendor has none."""
    person = found.primary_contact_info
    if person is None or not (person.email or person.last_name):
        return None
    owner = last_part(found.name)
    return Contact(
        vendor_id=f"{owner}/primary",
        owner_id=owner,
        first_name=person.first_name,
        last_name=person.last_name,
        email=person.email,
        phone=person.phone,
        role=person.title or "primary",
        primary=True,
    )


def decode_customer(data: bytes) -> VendorCustomer:
    """A customer from its bytes."""
    return customer(channel.CUSTOMER.decode(data))


def project_customer(data: bytes) -> bytes:
    """The mapped fields of a customer, for the content hash."""
    return msgspec.msgpack.encode(channel.CUSTOMER.decode(data))


def raw_customers(items: list[bytes]) -> RawItems[VendorCustomer]:
    """A page of customers in the fast form."""
    return RawItems(
        items=items,
        decode=decode_customer,
        content_hash=ContentHash.PROJECTION,
        mapping_version=MAPPING_VERSION,
        project=project_customer,
    )
