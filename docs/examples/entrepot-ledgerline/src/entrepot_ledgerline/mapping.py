"""From Ledgerline's words to ours. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
from entrepot.sdk.model import (
    Agreement,
    AgreementLine,
    AgreementStatus,
    BillCustomer,
    BillingCycle,
    BillingLock,
    BillingMode,
    Company,
    ContentHash,
    Page,
    PsaProduct,
    RawItems,
)

from entrepot_ledgerline import wire

T = TypeVar("T")
VERSION = "1"
"""Raise it whenever a function below gives another record for the same bytes."""

_FIRM = msgspec.json.Decoder(wire.Firm)
_ARTICLE = msgspec.json.Decoder(wire.Article)
_CONTRACT = msgspec.json.Decoder(wire.Contract)
_POSITION = msgspec.json.Decoder(wire.Position)
_STATES = {
    "running": AgreementStatus.ACTIVE,
    "stopped": AgreementStatus.CANCELLED,
    "over": AgreementStatus.EXPIRED,
}


def page(listing: wire.Listing, decode: Callable[[bytes], T]) -> Page[T]:
    """A page whose items are decoded only where they changed."""
    items = RawItems(
        items=[bytes(item) for item in listing.items],
        decode=decode,
        content_hash=ContentHash.RAW,
        mapping_version=VERSION,
    )
    return Page(raw=items, next_cursor=listing.next)


def decode_company(item: bytes) -> Company:
    """A company out of a listing."""
    firm = _FIRM.decode(item)
    return Company(
        vendor_id=firm.id,
        name=firm.name,
        active=not firm.archived,
        is_customer=firm.kind == "customer",
        domains=(firm.domain,) if firm.domain else (),
        tax_id=firm.vat,
        status=firm.kind,
    )


def decode_product(currency: str) -> Callable[[bytes], PsaProduct]:
    """Reads a product of a tenant that reckons in `currency`."""

    def decode(item: bytes) -> PsaProduct:
        article = _ARTICLE.decode(item)
        return PsaProduct(
            vendor_id=article.id,
            identifier=article.code,
            name=article.title,
            active=article.active,
            price=article.price,
            cost=article.cost,
            currency=currency,
        )

    return decode


def decode_agreement(currency: str) -> Callable[[bytes], Agreement]:
    """Reads an agreement of a tenant that reckons in `currency`."""

    def decode(item: bytes) -> Agreement:
        contract = _CONTRACT.decode(item)
        return Agreement(
            vendor_id=contract.id,
            company_id=contract.firm,
            name=contract.title,
            status=_STATES.get(contract.state, AgreementStatus.UNKNOWN),
            vendor_status=contract.state,
            start=contract.begins,
            end=contract.ends,
            billing_cycle=BillingCycle.MONTHLY,
            billing_mode=BillingMode.ADVANCE,
            currency=currency,
        )

    return decode


def decode_line(item: bytes) -> AgreementLine:
    """A line out of a listing."""
    return line(_POSITION.decode(item))


def line(position: wire.Position) -> AgreementLine:
    """A line."""
    return AgreementLine(
        vendor_id=position.id,
        agreement_id=position.contract,
        company_id=position.firm,
        product_id=position.article,
        invoice_text=position.text,
        quantity=position.amount,
        unit_price=position.price,
        bill=BillCustomer.BILLABLE if position.billed else BillCustomer.DO_NOT_BILL,
        effective=position.since,
        ends=position.until,
        reference=position.reference,
        changed_at=position.changed,
        change_token=str(position.version),
    )


def lock(agreement_id: str, closing: wire.Closing) -> BillingLock:
    """How far an agreement is invoiced."""
    return BillingLock(
        agreement_id=agreement_id,
        known=True,
        locked_through=closing.through,
        next_invoice=closing.next,
        billing_mode=BillingMode.ADVANCE,
    )
