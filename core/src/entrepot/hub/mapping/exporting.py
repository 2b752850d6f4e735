"""Decisions for others to read: reconciliation, spreadsheets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping import csvfile, reading
from entrepot.hub.mapping.rows import (
    customer_view,
    product_view,
    view_of_document,
)
from entrepot.hub.mapping.tables import CustomerMap, MappingFact, ProductMap
from entrepot.hub.mapping.views import (
    CustomerMapView,
    Decisions,
    Doc,
    ProductMapView,
)
from entrepot.store.facts import as_of


def current(session: Session, psa_connection_id: str) -> Decisions:
    """Rows as they are now, suggestions included and rejected pairs not."""
    customers = session.scalars(
        select(CustomerMap)
        .where(
            CustomerMap.psa_connection_id == psa_connection_id,
            CustomerMap.status != "rejected",
        )
        .order_by(CustomerMap.id)
    )
    products = session.scalars(
        select(ProductMap)
        .where(
            ProductMap.psa_connection_id == psa_connection_id,
            ProductMap.status != "rejected",
        )
        .order_by(ProductMap.id)
    )
    return Decisions(
        customers=tuple(customer_view(row) for row in customers),
        products=tuple(product_view(row) for row in products),
    )


def as_known(
    session: Session, psa_connection_id: str, valid_at: datetime, known_at: datetime
) -> Decisions:
    """Decisions as they held at one moment and were known at another."""
    facts = session.scalars(
        as_of(
            select(MappingFact).order_by(MappingFact.object_id),
            MappingFact,
            valid_at=valid_at,
            known_at=known_at,
        )
    )
    found: dict[str, list[Doc]] = {"customers": [], "products": []}
    for fact in facts:
        doc = fact.payload
        ours = doc["psa_connection_id"] == psa_connection_id
        if ours and doc["status"] != "rejected":
            found[doc["what"]].append(doc)
    return Decisions(
        customers=tuple(
            view_of_document(CustomerMapView, doc) for doc in found["customers"]
        ),
        products=tuple(
            view_of_document(ProductMapView, doc) for doc in found["products"]
        ),
    )


def customers_csv(session: Session, psa_connection_id: str) -> str:
    """Every vendor customer, with one line per mapping."""
    names = _connection_names(session)
    wanted: Select[*tuple[Any, ...]] = (
        select(CustomerAccount, CustomerMap)
        .outerjoin(
            CustomerMap,
            (CustomerMap.account_id == CustomerAccount.id)
            & (CustomerMap.psa_connection_id == psa_connection_id),
        )
        .where(
            CustomerAccount.gone_at.is_(None),
            CustomerAccount.connection_id.in_(reading.vendor_connections(session)),
        )
        .order_by(CustomerAccount.name, CustomerAccount.id, CustomerMap.id)
    )
    rows = session.execute(wanted).all()
    taken = Counter(
        (row[1].vendor_connection_id, row[1].psa_company_id)
        for row in rows
        if row[1] is not None and row[1].status == "confirmed"
    )
    return csvfile.write(
        csvfile.CUSTOMER_COLUMNS,
        (_customer_line(row[0], row[1], names, taken) for row in rows),
    )


def _customer_line(
    account: CustomerAccount,
    mapping: CustomerMap | None,
    names: dict[str, str],
    taken: Counter[tuple[str, str]],
) -> dict[str, object]:
    line: dict[str, object] = {
        "vendor_connection": names[account.connection_id],
        "vendor_customer_id": account.vendor_id,
        "vendor_name": account.name,
        "status": "undecided",
    }
    if mapping is None:
        return line
    view = customer_view(mapping)
    return line | {
        "psa_company_id": view.psa_company_id,
        "company_name": view.target_name,
        "status": view.status,
        "share": view.share,
        "share_value": view.share_value,
        "shared": taken[view.vendor_connection_id, view.psa_company_id] > 1,
        "confidence": view.confidence,
        "method": view.method,
        "reason": view.reason,
    }


def products_csv(session: Session, psa_connection_id: str) -> str:
    """The product map, one line per entry or suggestion."""
    names = _connection_names(session)
    rows = session.scalars(
        select(ProductMap)
        .where(ProductMap.psa_connection_id == psa_connection_id)
        .order_by(ProductMap.sku_name, ProductMap.id)
    )
    return csvfile.write(csvfile.PRODUCT_COLUMNS, _product_lines(rows, names))


def _product_lines(
    rows: Iterable[ProductMap], names: dict[str, str]
) -> Iterator[dict[str, object]]:
    for row in rows:
        view = product_view(row)
        line = {
            column: getattr(view, column)
            for column in csvfile.PRODUCT_COLUMNS
            if column not in ("vendor_connection", "psa_product_name")
        }
        connection = view.vendor_connection_id
        line["vendor_connection"] = names.get(connection, connection)
        line["psa_product_name"] = view.target_name
        yield line


def _connection_names(session: Session) -> dict[str, str]:
    rows = session.execute(
        select(Connection.id, Connection.name).where(Connection.state != "removed")
    )
    return {row.id: row.name for row in rows}
