"""The kinds of objects that sync keeps, as the bulk writer sees them.

Column lists are checked against the tables when a target is made, so that they
cannot drift.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Table

from entrepot.hub.catalog.tables import Offer, OfferFact
from entrepot.hub.customers.tables import Contact, CustomerAccount, CustomerAccountFact
from entrepot.hub.psa.tables import (
    PsaAgreement,
    PsaCompany,
    PsaLine,
    PsaLineFact,
    PsaProductRow,
)
from entrepot.hub.subscriptions.skus import Tallied
from entrepot.hub.subscriptions.tables import (
    SubscriptionFact,
    SubscriptionRow,
    VendorOrderRow,
)
from entrepot.hub.sync import values
from entrepot.hub.sync.values import Values


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of object in the books.

    Attributes:
        name: The stream's name.
        table: The projection.
        fact: Where its history goes; None where only the present is kept.
        prefix: Of new ids.
        columns: Columns that the other side fills, in the order of `values`.
        values: A record's values for `columns`.
        vendor_id: A record's identity at the other side.
        owner: The scope a record belongs to (customer, agreement); empty if none.
        owner_column: Column that holds `owner`; empty if none.
        since: When the record's state became true, or None when nobody says.
        began: When the object began to be, for its first state; None when unknown.
        fact_columns: Further columns of `fact` and how a record fills them.
        tallied: Where the values stand that its counts are made of; None = none are.
    """

    name: str
    table: Table
    fact: Table | None
    prefix: str
    columns: tuple[str, ...]
    values: Callable[[Any], Values]
    vendor_id: Callable[[Any], str]
    owner: Callable[[Any], str] = field(default=lambda _: "")
    owner_column: str = ""
    since: Callable[[Any], datetime | None] = field(default=lambda _: None)
    began: Callable[[Any], datetime | None] = field(default=lambda _: None)
    fact_columns: tuple[tuple[str, Callable[[Any], Any]], ...] = ()
    tallied: Tallied | None = None

    def __post_init__(self) -> None:
        unknown = set(self.columns) - set(self.table.columns.keys())
        if unknown:
            msg = f"{self.table.name} has no column {', '.join(sorted(unknown))}"
            raise ValueError(msg)


def _vendor_id(record: Any) -> str:  # noqa: ANN401 - every record of a target has one
    return str(record.vendor_id)


def _table(row: type) -> Table:
    table = row.__table__  # type: ignore[attr-defined]  # a mapped class has one
    if not isinstance(table, Table):
        msg = f"{row.__name__} is not mapped to a table"
        raise TypeError(msg)
    return table


ACCOUNTS = Target(
    name="customers",
    table=_table(CustomerAccount),
    fact=_table(CustomerAccountFact),
    prefix="cac",
    columns=values.ACCOUNT_COLUMNS,
    values=values.account_values,
    vendor_id=_vendor_id,
)
OFFERS = Target(
    name="offers",
    table=_table(Offer),
    fact=_table(OfferFact),
    prefix="off",
    columns=values.OFFER_COLUMNS,
    values=values.offer_values,
    vendor_id=lambda record: str(record.key),
    since=lambda record: record.valid_from,
)
SUBSCRIPTIONS = Target(
    name="subscriptions",
    table=_table(SubscriptionRow),
    fact=_table(SubscriptionFact),
    prefix="sub",
    columns=values.SUBSCRIPTION_COLUMNS,
    values=values.subscription_values,
    vendor_id=_vendor_id,
    owner=lambda record: str(record.customer_id),
    owner_column="customer_vendor_id",
    since=lambda record: record.changed_at,
    began=lambda record: record.started_at,
    fact_columns=(("quantity", lambda record: record.quantity),),
    tallied=Tallied.of(values.SUBSCRIPTION_COLUMNS),
)
ORDERS = Target(
    name="orders",
    table=_table(VendorOrderRow),
    fact=None,
    prefix="vor",
    columns=values.ORDER_COLUMNS,
    values=values.order_values,
    vendor_id=_vendor_id,
    owner=lambda record: str(record.customer_id),
    owner_column="customer_vendor_id",
)
COMPANIES = Target(
    name="companies",
    table=_table(PsaCompany),
    fact=None,
    prefix="pco",
    columns=values.COMPANY_COLUMNS,
    values=values.company_values,
    vendor_id=_vendor_id,
)
PRODUCTS = Target(
    name="products",
    table=_table(PsaProductRow),
    fact=None,
    prefix="ppr",
    columns=values.PRODUCT_COLUMNS,
    values=values.product_values,
    vendor_id=_vendor_id,
)
AGREEMENTS = Target(
    name="agreements",
    table=_table(PsaAgreement),
    fact=None,
    prefix="pag",
    columns=values.AGREEMENT_COLUMNS,
    values=values.agreement_values,
    vendor_id=_vendor_id,
    owner=lambda record: str(record.company_id),
    owner_column="company_vendor_id",
)
LINES = Target(
    name="lines",
    table=_table(PsaLine),
    fact=_table(PsaLineFact),
    prefix="pln",
    columns=values.LINE_COLUMNS,
    values=values.line_values,
    vendor_id=_vendor_id,
    owner=lambda record: str(record.agreement_id),
    owner_column="agreement_vendor_id",
    since=lambda record: record.changed_at,
)
CONTACTS = Target(
    name="contacts",
    table=_table(Contact),
    fact=None,
    prefix="ctc",
    columns=values.CONTACT_COLUMNS,
    values=values.contact_values,
    vendor_id=values.contact_key,
    owner=lambda record: str(record.owner_id),
    owner_column="owner_id",
)

TARGETS = {
    target.name: target
    for target in (
        ACCOUNTS,
        OFFERS,
        SUBSCRIPTIONS,
        ORDERS,
        COMPANIES,
        PRODUCTS,
        AGREEMENTS,
        LINES,
        CONTACTS,
    )
}
