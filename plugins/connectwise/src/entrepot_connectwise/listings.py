"""Everything the plugin lists, page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import ConfigInvalid, NotFound
from entrepot.sdk.model import (
    Agreement,
    AgreementLine,
    Company,
    Contact,
    ContentHash,
    Page,
    PsaProduct,
    RawItems,
)

from . import mapping, wire
from .client import PAGE_SIZE, RawPage
from .runtime import Session, number

T = TypeVar("T")
_COMPANY = msgspec.json.Decoder(wire.Company)
_CONTACT = msgspec.json.Decoder(wire.Contact)
_AGREEMENT = msgspec.json.Decoder(wire.Agreement)
_ADDITION = msgspec.json.Decoder(wire.Addition)
_PRODUCT = msgspec.json.Decoder(wire.CatalogItem)


def companies(session: Session, query: ask.ListCompanies) -> Page[Company]:
    """All companies; prospects, inactive and deleted ones included."""
    rules = session.company_rules()
    page = _page(session, "company/companies", query, fast=True)

    def decode(item: bytes) -> Company:
        return mapping.company(_COMPANY.decode(item), rules)

    def project(item: bytes) -> bytes:
        return msgspec.json.encode(_COMPANY.decode(item))

    return _answer(page, query, decode, project)


def contacts(session: Session, query: ask.ListContacts) -> Page[Contact]:
    """People of one company, or of all; former ones are left out."""
    conditions = "inactiveFlag=false"
    if query.owner_id is not None:
        conditions += f" and company/id={number(query.owner_id)}"
    page = _page(session, "company/contacts", query, conditions)
    people = (mapping.contact(_CONTACT.decode(item)) for item in page.items)
    return _plain(page, [one for one in people if one.owner_id])


def agreements(session: Session, query: ask.ListAgreements) -> Page[Agreement]:
    """Agreements of one company, or of all, in every state."""
    conditions = ""
    if query.company_id is not None:
        conditions = f"company/id={number(query.company_id)}"
    page = _page(session, "finance/agreements", query, conditions, fast=True)
    setup, billing_mode = session.setup(), session.settings.billing_mode
    records = [_AGREEMENT.decode(item) for item in page.items]
    for record in records:
        session.learn_owner(record)
    return _plain(
        page, [mapping.agreement(one, setup, billing_mode) for one in records]
    )


def lines(session: Session, query: ask.ListAgreementLines) -> Page[AgreementLine]:
    """Lines of one agreement, ended ones included.

    Raises:
        ConfigInvalid: No agreement is named; there is no listing over all (§9.1).
        NotFound: There is no such agreement.
    """
    if query.agreement_id is None:
        raise ConfigInvalid(
            "agreement_needed",
            "ConnectWise lists lines of one agreement at a time.",
            remedy="Name an agreement.",
        )
    owner = session.owner(query.agreement_id)
    field = session.settings.reference_field
    page = _page(session, additions_path(query.agreement_id), query, fast=True)

    def decode(item: bytes) -> AgreementLine:
        return mapping.line(_ADDITION.decode(item), owner, field)

    def project(item: bytes) -> bytes:
        return mapping.line_content(_ADDITION.decode(item), owner)

    return _answer(page, query, decode, project)


def one_line(session: Session, agreement_id: str, line_id: str) -> AgreementLine:
    """One line, read afresh.

    Raises:
        NotFound: There is no such line in that agreement.
    """
    record = read_addition(session, agreement_id, line_id)
    owner = session.owner(agreement_id)
    return mapping.line(record, owner, session.settings.reference_field)


def read_addition(session: Session, agreement_id: str, line_id: str) -> wire.Addition:
    """One addition as the vendor has it.

    Raises:
        NotFound: There is no such addition.
    """
    path = f"{additions_path(agreement_id)}/{number(line_id)}"
    return session.client.read(path, wire.Addition)


def products(session: Session, query: ask.ListProducts) -> Page[PsaProduct]:
    """The catalogue, inactive items included."""
    page = _page(session, "procurement/catalog", query)
    return _plain(page, [mapping.product(_PRODUCT.decode(item)) for item in page.items])


def additions_path(agreement_id: str) -> str:
    """Path of an agreement's additions."""
    return f"finance/agreements/{number(agreement_id)}/additions"


def _page(
    session: Session,
    path: str,
    query: ask.ListPage,
    conditions: str = "",
    *,
    fast: bool = False,
) -> RawPage:
    last, _, seen = (query.cursor or "0.0").partition(".")
    if not (last.isdigit() and seen.isdigit()):
        raise NotFound("cursor_invalid", "This place in the list no longer exists.")
    return session.client.page(
        path,
        last=int(last),
        seen=int(seen),
        size=query.page_size or PAGE_SIZE,
        conditions=conditions,
        fast=fast,
    )


def _cursor(page: RawPage) -> str | None:
    return None if page.next_id is None else f"{page.next_id}.{page.seen}"


def _reason(page: RawPage) -> str | None:
    if not page.missed:
        return None
    return f"ConnectWise counts {page.missed} records more than it listed."


def _plain(page: RawPage, items: list[T]) -> Page[T]:
    return Page(
        items=items,
        next_cursor=_cursor(page),
        complete=not page.missed,
        incomplete_reason=_reason(page),
    )


def _answer(
    page: RawPage,
    query: ask.ListPage,
    decode: Callable[[bytes], T],
    project: Callable[[bytes], bytes],
) -> Page[T]:
    if not query.raw:
        return _plain(page, [decode(item) for item in page.items])
    return Page(
        raw=RawItems(
            items=page.items,
            decode=decode,
            # Links in the raw text carry the release and change with it.
            content_hash=ContentHash.PROJECTION,
            mapping_version=mapping.MAPPING_VERSION,
            project=project,
        ),
        next_cursor=_cursor(page),
        complete=not page.missed,
        incomplete_reason=_reason(page),
    )
