"""What setting fields of many customers would change, before anything does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.customers.editing import details_of
from entrepot.hub.customers.records import CustomerDetail, CustomerWorkPart
from entrepot.hub.customers.tables import Customer


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a customer that would change.

    Attributes:
        name: Of the field; the id of a custom one.
        before: What it is.
        after: What it would be; empty when it would be emptied.
    """

    name: str
    before: str
    after: str


def to_change(session: Session, work_id: str) -> list[str]:
    """Ids of the customers that a preview found to differ, in its order."""
    query = (
        select(CustomerWorkPart.rows)
        .where(CustomerWorkPart.work_id == work_id)
        .order_by(CustomerWorkPart.number)
    )
    return [
        str(row["customer_id"])
        for rows in session.scalars(query)
        for row in rows or ()
        if row["outcome"] == "updated"
    ]


def differences(
    session: Session, settings: Mapping[str, Any], ids: Sequence[str]
) -> dict[str, Sequence[Difference]]:
    """What settings of an ``edit`` would change of customers, as they are now.

    They are read when they are shown: what is personal of them is kept nowhere else.
    """
    fields, custom = (settings.get(name, {}) for name in ("fields", "custom"))
    query = (
        select(Customer, CustomerDetail)
        .outerjoin(CustomerDetail, CustomerDetail.customer_id == Customer.id)
        .where(Customer.id.in_(ids))
    )
    found: dict[str, Sequence[Difference]] = {}
    for row, detail in session.execute(query):
        one = details_of(row, detail)
        found[one.id] = [
            Difference(name, had.get(name, ""), value)
            for had, wanted in ((one.fields, fields), (one.custom, custom))
            for name, value in wanted.items()
            if had.get(name, "") != value.strip()
        ]
    return found
