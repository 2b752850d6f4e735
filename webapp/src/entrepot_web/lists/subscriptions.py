"""Lists of subscriptions and of the offers they were bought from."""

from __future__ import annotations

from entrepot.hub.catalog.tables import Offer
from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.sdk.model import BillingCycle, SubscriptionStatus
from sqlalchemy import select

from entrepot_web.criteria import Field
from entrepot_web.listing import Listing, columns_of

STATUSES = tuple(status.value for status in SubscriptionStatus)
CYCLES = tuple(cycle.value for cycle in BillingCycle)

_S = SubscriptionRow
_A = CustomerAccount
_C = Customer
HOT = (
    *("id", "connection_id", "account_id", "vendor_id", "name", "friendly_name"),
    *("sku", "product_id", "quantity", "assigned", "unit", "status"),
    *("vendor_status", "billed", "term", "billing_cycle", "segment", "unit_cost"),
    *("currency", "is_trial", "is_addon", "parent_vendor_id", "started_at"),
    *("term_start", "term_end", "ended_at", "auto_renew", "cancellable_until"),
    *("scheduled", "known_at", "missing_since", "gone_at"),
)
"""Columns of a row of the list, in order; then the customer's id and name."""

SUBSCRIPTIONS = Listing(
    name="subscriptions",
    base=select(
        *(getattr(_S, name) for name in HOT),
        _A.customer_id,
        _C.name.label("customer_name"),
    )
    .outerjoin(_A, _A.id == _S.account_id)
    .outerjoin(_C, _C.id == _A.customer_id),
    key=_S.id,
    fields={
        "id": Field(_S.id, "id"),
        "connection_id": Field(_S.connection_id, "id"),
        "customer_id": Field(_A.customer_id, "id"),
        "account_id": Field(_S.account_id, "id"),
        "vendor_id": Field(_S.vendor_id),
        "name": Field(_S.name),
        "sku": Field(_S.sku),
        "status": Field(_S.status, "enum", STATUSES),
        "billing_cycle": Field(_S.billing_cycle, "enum", CYCLES),
        "quantity": Field(_S.quantity, "decimal"),
        "is_trial": Field(_S.is_trial, "bool"),
        "is_addon": Field(_S.is_addon, "bool"),
        "auto_renew": Field(_S.auto_renew, "bool"),
        "term_end": Field(_S.term_end, "moment"),
        "known_at": Field(_S.known_at, "moment"),
    },
    sorts=("id", "name", "quantity", "known_at"),
    default_sort="id",
    search=_S.name,
    streams=("subscriptions",),
)

OFFERS = Listing(
    name="offers",
    base=select(*columns_of(Offer)),
    key=Offer.id,
    fields={
        "id": Field(Offer.id, "id"),
        "connection_id": Field(Offer.connection_id, "id"),
        "sku": Field(Offer.sku),
        "product_id": Field(Offer.product_id),
        "name": Field(Offer.name),
        "billing_cycle": Field(Offer.billing_cycle, "enum", CYCLES),
        "term": Field(Offer.term),
        "segment": Field(Offer.segment),
        "currency": Field(Offer.currency),
        "purchasable": Field(Offer.purchasable, "bool"),
    },
    sorts=("name", "sku"),
    default_sort="sku",
    search=Offer.name,
    streams=("offers",),
)
