"""What the PSA systems hold: companies, agreements, lines, products."""

from __future__ import annotations

from datetime import date
from typing import Any

from entrepot.hub.psa.tables import PsaAgreement, PsaCompany

from entrepot_web.api import lists
from entrepot_web.api.frame import Answer, Operation, Resource
from entrepot_web.api.problem import not_found
from entrepot_web.api.shapes import (
    Amount,
    ExternalId,
    Moment,
    MoneyShape,
    Page,
    Shape,
    external_ids,
    money,
)
from entrepot_web.context import hub, scope
from entrepot_web.lists.psa import AGREEMENTS, COMPANIES, LINES, PRODUCTS

psa = Resource("psa", "The PSA systems as last read.")


class CompanyView(Shape, frozen=True, kw_only=True):
    """A company of a PSA system."""

    id: str
    connection_id: str
    vendor_id: str
    external_ids: list[ExternalId]
    name: str
    identifier: str
    active: bool
    is_customer: bool
    domains: list[str]
    email: str
    country: str
    city: str
    known_at: Moment
    gone_at: Moment | None


class AgreementView(Shape, frozen=True, kw_only=True):
    """An agreement, with how far it is invoiced."""

    id: str
    connection_id: str
    vendor_id: str
    company_vendor_id: str
    name: str
    type_name: str
    status: str
    vendor_status: str
    start: date | None
    end: date | None
    billing_cycle: str
    billing_mode: str
    currency: str
    prorates: bool | None
    next_invoice: date | None
    invoiced_through: date | None
    invoicing_known: bool
    known_at: Moment
    gone_at: Moment | None


class LineView(Shape, frozen=True, kw_only=True):
    """A line of an agreement: what will be invoiced."""

    id: str
    connection_id: str
    vendor_id: str
    agreement_vendor_id: str
    company_vendor_id: str
    product_vendor_id: str
    product_name: str
    description: str
    quantity: Amount
    included_quantity: Amount
    unit_price: MoneyShape | None
    unit_cost: MoneyShape | None
    bill: str
    effective: date | None
    ends: date | None
    reference: str
    known_at: Moment
    gone_at: Moment | None


class ProductView(Shape, frozen=True, kw_only=True):
    """A product of a PSA system's catalogue."""

    id: str
    connection_id: str
    vendor_id: str
    identifier: str
    name: str
    active: bool
    vendor_sku: str
    part_number: str
    price: MoneyShape | None
    cost: MoneyShape | None
    category: str
    known_at: Moment
    gone_at: Moment | None


@psa.operation(
    "GET",
    "/psa/companies",
    Operation(permission="psa:read", returns=Page[CompanyView], listing=COMPANIES),
)
def list_companies() -> Answer:
    """List companies."""
    return lists.page(COMPANIES, lambda _, rows: [_company(row) for row in rows])


@psa.operation(
    "GET",
    "/psa/companies/<string:company_id>",
    Operation(permission="psa:read", returns=CompanyView, errors=(404,)),
)
def get_company(company_id: str) -> CompanyView:
    """Read one company."""
    query = COMPANIES.base.where(PsaCompany.id == company_id)
    with hub().store.read(scope()) as session:
        row = session.execute(query).one_or_none()
    if row is None:
        raise not_found("company", company_id)
    return _company(row)


@psa.operation(
    "GET",
    "/psa/agreements",
    Operation(permission="psa:read", returns=Page[AgreementView], listing=AGREEMENTS),
)
def list_agreements() -> Answer:
    """List agreements."""
    return lists.page(AGREEMENTS, lambda _, rows: [_agreement(row) for row in rows])


@psa.operation(
    "GET",
    "/psa/agreements/<string:agreement_id>",
    Operation(permission="psa:read", returns=AgreementView, errors=(404,)),
)
def get_agreement(agreement_id: str) -> AgreementView:
    """Read one agreement."""
    query = AGREEMENTS.base.where(PsaAgreement.id == agreement_id)
    with hub().store.read(scope()) as session:
        row = session.execute(query).one_or_none()
    if row is None:
        raise not_found("agreement", agreement_id)
    return _agreement(row)


@psa.operation(
    "GET",
    "/psa/lines",
    Operation(permission="psa:read", returns=Page[LineView], listing=LINES),
)
def list_lines() -> Answer:
    """List agreement lines."""
    return lists.page(LINES, lambda _, rows: [_line(row) for row in rows])


@psa.operation(
    "GET",
    "/psa/products",
    Operation(permission="psa:read", returns=Page[ProductView], listing=PRODUCTS),
)
def list_products() -> Answer:
    """List products of the PSA catalogues."""
    return lists.page(PRODUCTS, lambda _, rows: [_product(row) for row in rows])


def _company(row: Any) -> CompanyView:  # noqa: ANN401 - a row of the list
    return CompanyView(
        id=row.id,
        connection_id=row.connection_id,
        vendor_id=row.vendor_id,
        external_ids=external_ids(row.connection_id, row.external_ids),
        name=row.name,
        identifier=row.identifier,
        active=row.active,
        is_customer=row.is_customer,
        domains=row.domains,
        email=row.email,
        country=row.country,
        city=row.city,
        known_at=row.known_at,
        gone_at=row.gone_at,
    )


def _agreement(row: Any) -> AgreementView:  # noqa: ANN401 - a row of the list
    return AgreementView(
        id=row.id,
        connection_id=row.connection_id,
        vendor_id=row.vendor_id,
        company_vendor_id=row.company_vendor_id,
        name=row.name,
        type_name=row.type_name,
        status=row.status,
        vendor_status=row.vendor_status,
        start=row.start,
        end=row.end,
        billing_cycle=row.billing_cycle,
        billing_mode=row.billing_mode,
        currency=row.currency,
        prorates=row.prorates,
        next_invoice=row.next_invoice,
        invoiced_through=row.lock_through,
        invoicing_known=row.lock_known,
        known_at=row.known_at,
        gone_at=row.gone_at,
    )


def _line(row: Any) -> LineView:  # noqa: ANN401 - a row of the list
    return LineView(
        id=row.id,
        connection_id=row.connection_id,
        vendor_id=row.vendor_id,
        agreement_vendor_id=row.agreement_vendor_id,
        company_vendor_id=row.company_vendor_id,
        product_vendor_id=row.product_vendor_id,
        product_name=row.product_name,
        description=row.description,
        quantity=row.quantity,
        included_quantity=row.included_quantity,
        unit_price=money(row.unit_price, row.currency),
        unit_cost=money(row.unit_cost, row.currency),
        bill=row.bill,
        effective=row.effective,
        ends=row.ends,
        reference=row.reference,
        known_at=row.known_at,
        gone_at=row.gone_at,
    )


def _product(row: Any) -> ProductView:  # noqa: ANN401 - a row of the list
    return ProductView(
        id=row.id,
        connection_id=row.connection_id,
        vendor_id=row.vendor_id,
        identifier=row.identifier,
        name=row.name,
        active=row.active,
        vendor_sku=row.vendor_sku,
        part_number=row.part_number,
        price=money(row.price, row.currency),
        cost=money(row.cost, row.currency),
        category=row.category,
        known_at=row.known_at,
        gone_at=row.gone_at,
    )
