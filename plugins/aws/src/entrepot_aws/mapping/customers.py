"""Organizational units and transferred organizations as customers (§1.4, §6.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from entrepot.sdk.model import AccountStatus, VendorCustomer

import entrepot_aws.wire as wire
from entrepot_aws.mapping.spelling import domain_of, facts, utc

_ENDED = frozenset({"DECLINED", "CANCELED", "EXPIRED", "WITHDRAWN"})
_RANK = {"ACCEPTED": 3, "REQUESTED": 2}  # which transfer of an account speaks for it
_DOMAIN_TAG = "domain"
_TAX_TAG = "tax_id"


def unit_customer(found: wire.UnitWire) -> VendorCustomer:
    """An organizational unit as listed; e-mail and tags are still missing."""
    return VendorCustomer(
        vendor_id=found.id,
        name=found.name,
        status=AccountStatus.ACTIVE,
        detail_complete=False,
        attributes=facts(layout="shared_payer", arn=found.arn),
    )


def unit_details(
    found: wire.UnitWire,
    accounts: Sequence[wire.AccountWire],
    tags: Iterable[wire.TagWire],
    own_domain: str,
    billing: dict[str, str],
) -> VendorCustomer:
    """An organizational unit with what its accounts, tags and billing group tell.

    Args:
        found: The unit.
        accounts: Its first accounts.
        tags: Its tags; ``domain`` and ``tax_id`` are read, others are external ids.
        own_domain: The reseller's own domain, which says nothing about a customer.
        billing: Attributes of its billing group.
    """
    named = {tag.key.strip().lower(): tag.value.strip() for tag in tags}
    email = accounts[0].email if accounts else ""
    domain = named.pop(_DOMAIN_TAG, "").lower() or domain_of(email)
    known = "" if domain == own_domain else domain
    return VendorCustomer(
        vendor_id=found.id,
        name=found.name,
        domain=known,
        domains=(known,) if known else (),
        tax_id=named.pop(_TAX_TAG, ""),
        email=email,
        status=AccountStatus.ACTIVE,
        external_ids=tuple(sorted(named.items())),
        attributes={**facts(layout="shared_payer", arn=found.arn), **billing},
    )


def speaking(transfers: Iterable[wire.TransferWire]) -> dict[str, wire.TransferWire]:
    """Per customer account the transfer that tells its state, in order of accounts.

    An account that left and came back has several.
    """
    best: dict[str, wire.TransferWire] = {}
    for each in transfers:
        account = each.source.management_account_id
        if account and (account not in best or _weight(each) > _weight(best[account])):
            best[account] = each
    return dict(sorted(best.items()))


def _weight(found: wire.TransferWire) -> tuple[int, float, str]:
    start = found.start_timestamp
    return (
        _RANK.get(found.status, 1),
        start.timestamp() if start else 0.0,
        found.id,
    )


def transfer_status(found: wire.TransferWire, now: datetime) -> AccountStatus:
    """State of the customer behind a transfer (§6.1)."""
    if found.status in _ENDED:
        return AccountStatus.CLOSED
    if found.status == "REQUESTED":
        return AccountStatus.PENDING
    if found.status != "ACCEPTED":
        return AccountStatus.UNKNOWN
    start, end = found.start_timestamp, found.end_timestamp
    if start is not None and start > now:
        return AccountStatus.PENDING
    if end is not None and end <= now:
        return AccountStatus.CLOSED
    return AccountStatus.ACTIVE


def partner(found: wire.RelationshipWire | None) -> dict[str, str]:
    """What the partner programme tells of a customer; empty for nothing (§3.3)."""
    if found is None:
        return {}
    return facts(
        relationship=found.id,
        programme_account=found.program_management_account_id,
        sector=found.sector,
    )


def stranger(
    account: str, found: wire.RelationshipWire | None, now: datetime
) -> VendorCustomer:
    """A customer of whom the account alone is known.

    AWS tells the name only where it is registered with the partner programme.
    """
    start = found.start_date if found else None
    pending = start is not None and start > now
    return VendorCustomer(
        vendor_id=account,
        name=(found.display_name if found else "") or f"AWS account {account}",
        status=AccountStatus.PENDING if pending else AccountStatus.ACTIVE,
        created_at=utc(start),
        attributes={**facts(layout="account"), **partner(found)},
    )


def transfer_customer(
    found: wire.TransferWire, now: datetime, billing: dict[str, str]
) -> VendorCustomer:
    """The organization that transfers its bill to us."""
    email = found.source.management_account_email
    domain = domain_of(email)
    return VendorCustomer(
        vendor_id=found.source.management_account_id,
        name=found.name,
        domain=domain,
        domains=(domain,) if domain else (),
        email=email,
        status=transfer_status(found, now),
        vendor_status=found.status,
        created_at=utc(found.start_timestamp),
        attributes={
            **facts(layout="billing_transfer", transfer=found.id),
            **billing,
        },
    )
