"""Lists of what the PSA systems hold."""

from __future__ import annotations

from entrepot.hub.psa.tables import PsaAgreement, PsaCompany, PsaLine, PsaProductRow
from sqlalchemy import select

from entrepot_web.criteria import Field
from entrepot_web.listing import Listing, columns_of

AGREEMENT_STATUSES = ("active", "inactive", "cancelled", "ended", "unknown")

COMPANIES = Listing(
    name="psa-companies",
    base=select(*columns_of(PsaCompany)),
    key=PsaCompany.id,
    fields={
        "id": Field(PsaCompany.id, "id"),
        "connection_id": Field(PsaCompany.connection_id, "id"),
        "vendor_id": Field(PsaCompany.vendor_id),
        "name": Field(PsaCompany.name),
        "identifier": Field(PsaCompany.identifier),
        "active": Field(PsaCompany.active, "bool"),
    },
    sorts=("name",),
    default_sort="name",
    search=PsaCompany.name,
    streams=("companies",),
)

AGREEMENTS = Listing(
    name="psa-agreements",
    base=select(*columns_of(PsaAgreement)),
    key=PsaAgreement.id,
    fields={
        "id": Field(PsaAgreement.id, "id"),
        "connection_id": Field(PsaAgreement.connection_id, "id"),
        "vendor_id": Field(PsaAgreement.vendor_id),
        "company_vendor_id": Field(PsaAgreement.company_vendor_id),
        "name": Field(PsaAgreement.name),
        "status": Field(PsaAgreement.status),
    },
    sorts=("name",),
    default_sort="name",
    search=PsaAgreement.name,
    streams=("agreements",),
)

LINES = Listing(
    name="psa-lines",
    base=select(*columns_of(PsaLine)),
    key=PsaLine.id,
    fields={
        "id": Field(PsaLine.id, "id"),
        "connection_id": Field(PsaLine.connection_id, "id"),
        "agreement_vendor_id": Field(PsaLine.agreement_vendor_id),
        "company_vendor_id": Field(PsaLine.company_vendor_id),
        "product_vendor_id": Field(PsaLine.product_vendor_id),
        "reference": Field(PsaLine.reference),
        "quantity": Field(PsaLine.quantity, "decimal"),
        "effective": Field(PsaLine.effective, "date"),
        "ends": Field(PsaLine.ends, "date"),
    },
    sorts=("id",),
    default_sort="id",
    search=PsaLine.product_name,
    streams=("lines",),
)

PRODUCTS = Listing(
    name="psa-products",
    base=select(*columns_of(PsaProductRow)),
    key=PsaProductRow.id,
    fields={
        "id": Field(PsaProductRow.id, "id"),
        "connection_id": Field(PsaProductRow.connection_id, "id"),
        "vendor_id": Field(PsaProductRow.vendor_id),
        "identifier": Field(PsaProductRow.identifier),
        "name": Field(PsaProductRow.name),
        "vendor_sku": Field(PsaProductRow.vendor_sku),
        "active": Field(PsaProductRow.active, "bool"),
    },
    sorts=("identifier", "name"),
    default_sort="identifier",
    search=PsaProductRow.name,
    streams=("products",),
)
