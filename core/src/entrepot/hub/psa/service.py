"""The PSA's side of the books: companies, products, agreements, lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import func, select

from entrepot.hub.paging import Slice, after, cut, limited
from entrepot.hub.psa.tables import (
    PsaAgreement,
    PsaCompany,
    PsaLine,
    PsaLineFact,
    PsaProductRow,
)
from entrepot.sdk.errors import NotFound
from entrepot.store.actor import Actor
from entrepot.store.scope import TenantScope
from entrepot.store.search import contains
from entrepot.store.unit import Store

V = TypeVar("V")
HISTORY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyView:
    """A company of the PSA."""

    id: str
    connection_id: str
    vendor_id: str
    name: str
    identifier: str
    active: bool
    is_customer: bool
    deleted: bool
    merged_into: str
    domains: list[str]
    status: str
    country: str
    known_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductView:
    """A product of the PSA's catalogue."""

    id: str
    connection_id: str
    vendor_id: str
    identifier: str
    name: str
    active: bool
    vendor_sku: str
    part_number: str
    price: Decimal | None
    cost: Decimal | None
    currency: str
    category: str
    usable_on_lines: bool
    known_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementView:
    """An agreement; `lock_through` is the last invoiced day, inclusive."""

    id: str
    connection_id: str
    vendor_id: str
    company_vendor_id: str
    name: str
    type_id: str
    type_name: str
    status: str
    start: date | None
    end: date | None
    billing_cycle: str
    billing_mode: str
    currency: str
    prorates: bool | None
    next_invoice: date | None
    lock_known: bool
    lock_through: date | None
    lock_reason: str
    known_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """A line of an agreement; `effective` and `ends` are inclusive days."""

    id: str
    connection_id: str
    vendor_id: str
    agreement_vendor_id: str
    company_vendor_id: str
    product_vendor_id: str
    product_name: str
    description: str
    invoice_text: str
    quantity: Decimal
    included_quantity: Decimal
    unit_price: Decimal | None
    unit_cost: Decimal | None
    currency: str
    bill: str
    taxable: bool | None
    effective: date | None
    ends: date | None
    reference: str
    changed_at: datetime | None
    changed_by: str
    known_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PsaQuery:
    """What a list of the PSA's objects shall hold; None or empty = any.

    Attributes:
        owner: Vendor id of the company (agreements) or agreement (lines).
        company: Vendor id of the company (lines).
    """

    connection_id: str | None = None
    owner: str | None = None
    company: str | None = None
    text: str = ""
    last: tuple[Any, ...] | None = None
    limit: int = 50


class PsaService:
    """Use cases of the PSA's mirror.

    Args:
        store: The hub's database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def companies(self, actor: Actor, query: PsaQuery) -> Slice[CompanyView]:
        """Companies in the order of connection and id."""
        return self._list(actor, query, PsaCompany, CompanyView, PsaCompany.name)

    def products(self, actor: Actor, query: PsaQuery) -> Slice[ProductView]:
        """Products in the order of connection and id."""
        return self._list(actor, query, PsaProductRow, ProductView, PsaProductRow.name)

    def agreements(self, actor: Actor, query: PsaQuery) -> Slice[AgreementView]:
        """Agreements in the order of connection and id; `owner` is a company."""
        row = PsaAgreement
        return self._list(
            actor, query, row, AgreementView, row.name, row.company_vendor_id
        )

    def lines(self, actor: Actor, query: PsaQuery) -> Slice[LineView]:
        """Lines in the order of connection and id; `owner` is an agreement."""
        row = PsaLine
        return self._list(
            actor,
            query,
            row,
            LineView,
            row.product_name,
            row.agreement_vendor_id,
            row.company_vendor_id,
        )

    def company(self, actor: Actor, company_id: str) -> CompanyView:
        """One company by our id.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require("psa:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            row = session.scalars(
                select(PsaCompany).where(PsaCompany.id == company_id)
            ).first()
        if row is None:
            raise NotFound("no_such_company", "There is no such company.")
        return _view(row, CompanyView)

    def line(self, actor: Actor, line_id: str) -> LineView:
        """One line by our id.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require("psa:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            row = session.scalars(select(PsaLine).where(PsaLine.id == line_id)).first()
        if row is None:
            raise NotFound("no_such_line", "There is no such line.")
        return _view(row, LineView)

    def line_history(self, actor: Actor, line_id: str) -> list[dict[str, Any]]:
        """What was known of a line, newest first; empty when nothing is."""
        actor.require("psa:read")
        fact = PsaLineFact
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            rows = session.scalars(
                select(fact)
                .where(fact.object_id == line_id)
                .order_by(fact.known_at.desc())
                .limit(HISTORY)
            )
            return [
                {
                    "known_at": row.known_at,
                    "valid_from": row.valid_from,
                    "change": row.change,
                    "run_id": row.run_id,
                    "state": row.payload,
                }
                for row in rows
            ]

    def _list(
        self,
        actor: Actor,
        query: PsaQuery,
        row: Any,  # noqa: ANN401 - a mapped class
        view: type[V],
        text: Any,  # noqa: ANN401 - a column
        owner: Any = None,  # noqa: ANN401 - a column
        company: Any = None,  # noqa: ANN401 - a column
    ) -> Slice[V]:
        actor.require("psa:read")
        wanted = select(row).where(
            row.tenant_id == actor.tenant_id, row.gone_at.is_(None)
        )
        if query.connection_id is not None:
            wanted = wanted.where(row.connection_id == query.connection_id)
        if query.owner is not None and owner is not None:
            wanted = wanted.where(owner == query.owner)
        if query.company is not None and company is not None:
            wanted = wanted.where(company == query.company)
        if query.text:
            pattern = contains(query.text.casefold())
            wanted = wanted.where(func.lower(text).like(pattern, escape="\\"))
        wanted = after(wanted, (row.connection_id, row.vendor_id), query.last)
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            rows = session.scalars(wanted.limit(limited(query.limit))).all()
        return cut(
            [_view(one, view) for one in rows],
            query.limit,
            lambda item: (item.connection_id, item.vendor_id),
        )


def _view(row: Any, view: type[V]) -> V:  # noqa: ANN401 - a mapped object
    names: tuple[str, ...] = view.__slots__  # type: ignore[attr-defined]  # slotted
    return view(**{name: getattr(row, name) for name in names})
