"""Usage and charges as the bulk writer sees them."""

from __future__ import annotations

from sqlalchemy import Table

from entrepot.hub.charges import rules
from entrepot.hub.charges.tables import ChargeFact, ChargeRow, UsageFact, UsageRow
from entrepot.hub.sync.targets import Target
from entrepot.store.base import Base


def _table(row: type[Base]) -> Table:
    return Base.metadata.tables[row.__tablename__]


TARGETS = {
    rules.CHARGES: Target(
        name=rules.CHARGES,
        table=_table(ChargeRow),
        fact=_table(ChargeFact),
        prefix="chg",
        columns=rules.CHARGE_COLUMNS,
        values=rules.charge_values,
        vendor_id=lambda record: str(record.vendor_id),
        owner=lambda record: str(record.customer_id),
        owner_column="customer_vendor_id",
        since=rules.charge_since,
    ),
    rules.USAGE: Target(
        name=rules.USAGE,
        table=_table(UsageRow),
        fact=_table(UsageFact),
        prefix="usg",
        columns=rules.USAGE_COLUMNS,
        values=rules.usage_values,
        vendor_id=lambda record: str(record.vendor_id),
        owner=lambda record: str(record.customer_id),
        owner_column="customer_vendor_id",
        since=lambda record: record.starts_at,
    ),
}
