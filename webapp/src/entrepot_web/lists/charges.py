"""Lists of charges, of metered usage, and of how completely they were read."""

from __future__ import annotations

from entrepot.hub.charges import rules
from entrepot.hub.charges.tables import ChargeReading, ChargeRow, UsageRow
from entrepot.hub.charges.views import joined
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.sdk.model import ChargeKind
from sqlalchemy import select

from entrepot_web.criteria import Field
from entrepot_web.listing import Listing, columns_of

CHARGE_KINDS = tuple(kind.value for kind in ChargeKind)


def _common(row: type[ChargeRow] | type[UsageRow]) -> dict[str, Field]:
    return {
        "id": Field(row.id, "id"),
        "connection_id": Field(row.connection_id, "id"),
        "customer_id": Field(CustomerAccount.customer_id, "id"),
        "subscription_id": Field(SubscriptionRow.id, "id"),
        "month": Field(row.month),
        "vendor_id": Field(row.vendor_id),
        "sku": Field(row.sku),
        "currency": Field(row.currency),
        "estimated": Field(row.estimated, "bool"),
        "known_at": Field(row.known_at, "moment"),
    }


CHARGES = Listing(
    name="charges",
    base=joined(rules.CHARGES).where(ChargeRow.gone_at.is_(None)),
    key=ChargeRow.id,
    fields={
        **_common(ChargeRow),
        "kind": Field(ChargeRow.kind, "enum", CHARGE_KINDS),
        "invoice_id": Field(ChargeRow.invoice_id),
        "period_start": Field(ChargeRow.period_start, "date"),
        "amount": Field(ChargeRow.amount, "decimal"),
    },
    sorts=("id", "month", "amount", "period_start"),
    default_sort="id",
    search=ChargeRow.name,
    streams=(rules.CHARGES,),
)

USAGE = Listing(
    name="usage",
    base=joined(rules.USAGE).where(UsageRow.gone_at.is_(None)),
    key=UsageRow.id,
    fields={
        **_common(UsageRow),
        "resource_id": Field(UsageRow.resource_id),
        "starts_at": Field(UsageRow.starts_at, "moment"),
    },
    sorts=("id", "month", "starts_at"),
    default_sort="id",
    search=UsageRow.name,
    streams=(rules.USAGE,),
)

READINGS = Listing(
    name="charge-readings",
    base=select(*columns_of(ChargeReading)),
    key=ChargeReading.id,
    fields={
        "connection_id": Field(ChargeReading.connection_id, "id"),
        "kind": Field(ChargeReading.kind, "enum", rules.KINDS),
        "month": Field(ChargeReading.month),
        "complete": Field(ChargeReading.complete, "bool"),
        "attempted_at": Field(ChargeReading.attempted_at, "moment"),
    },
    sorts=("month", "attempted_at"),
    default_sort="-month",
)
