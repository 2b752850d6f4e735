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

SUBSCRIPTIONS = Listing(
    name="subscriptions",
    base=select(
        *columns_of(SubscriptionRow),
        CustomerAccount.customer_id,
        Customer.name.label("customer_name"),
    )
    .outerjoin(CustomerAccount, CustomerAccount.id == SubscriptionRow.account_id)
    .outerjoin(Customer, Customer.id == CustomerAccount.customer_id),
    key=SubscriptionRow.id,
    fields={
        "id": Field(SubscriptionRow.id, "id"),
        "connection_id": Field(SubscriptionRow.connection_id, "id"),
        "customer_id": Field(CustomerAccount.customer_id, "id"),
        "account_id": Field(SubscriptionRow.account_id, "id"),
        "vendor_id": Field(SubscriptionRow.vendor_id),
        "name": Field(SubscriptionRow.name),
        "sku": Field(SubscriptionRow.sku),
        "status": Field(SubscriptionRow.status, "enum", STATUSES),
        "billing_cycle": Field(SubscriptionRow.billing_cycle, "enum", CYCLES),
        "quantity": Field(SubscriptionRow.quantity, "decimal"),
        "is_trial": Field(SubscriptionRow.is_trial, "bool"),
        "is_addon": Field(SubscriptionRow.is_addon, "bool"),
        "term_end": Field(SubscriptionRow.term_end, "moment"),
        "known_at": Field(SubscriptionRow.known_at, "moment"),
    },
    sorts=("id", "name", "quantity", "known_at"),
    default_sort="id",
    search=SubscriptionRow.name,
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
