"""Usage and charges: what vendors metered and what they charge, every version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from entrepot.hub.charges import rules
from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy.orm import Session

from entrepot_web.api import lists
from entrepot_web.api.frame import Answer, Operation, Resource
from entrepot_web.api.operations import PREFER, OperationShape, accepted
from entrepot_web.api.problem import not_found
from entrepot_web.api.shapes import (
    Amount,
    Collection,
    ExternalId,
    Moment,
    MoneyShape,
    Page,
    Shape,
    money,
)
from entrepot_web.context import actor, hub, scope
from entrepot_web.lists.charges import CHARGES, READINGS, USAGE

charges = Resource("charges", "What vendors metered and what they charge.")
_MONTH = validate.Regexp(
    r"\A[0-9]{4}-(0[1-9]|1[0-2])\Z", error="Write year and month, such as 2026-03."
)


class LineShape(Shape, frozen=True, kw_only=True):
    """What usage and charges have in common.

    Attributes:
        month: The billing month in which the vendor listed the line last.
        subscription_id: None when the line names no subscription that we know.
        estimated: The vendor may still change it.
        source: Where the vendor states the line.
    """

    id: str
    connection_id: str
    customer_id: str | None
    customer_name: str | None
    subscription_id: str | None
    external_ids: list[ExternalId]
    month: str
    sku: str
    name: str
    quantity: Amount | None
    unit: str
    estimated: bool
    source: str
    attributes: dict[str, str]
    known_at: Moment


class ChargeShape(LineShape, frozen=True, kw_only=True):
    """One line of what a vendor charges, before tax."""

    kind: str
    vendor_kind: str
    period_start: date
    period_end: date
    amount: MoneyShape
    unit_price: MoneyShape | None
    list_amount: MoneyShape | None
    tax: MoneyShape | None
    invoice_id: str
    invoiced_on: date | None


class UsageShape(LineShape, frozen=True, kw_only=True):
    """One metered quantity; `cost` is null while it is not rated."""

    resource_id: str
    starts_at: Moment
    ends_at: Moment
    cost: MoneyShape | None


class LineVersionShape(Shape, frozen=True, kw_only=True):
    """One version of a line.

    Attributes:
        change: ``new``, ``changed`` (restated), ``gone`` (withdrawn) or ``back``.
        values: The line as the vendor gave it; numbers are exact text.
    """

    known_at: Moment
    valid_from: Moment
    change: str
    run_id: str
    values: dict[str, Any]


class ReadingShape(Shape, frozen=True, kw_only=True):
    """How completely one month of one connection was last read."""

    id: str
    connection_id: str
    kind: str
    month: str
    complete: bool
    complete_at: Moment | None
    attempted_at: Moment
    lines: int
    counts: dict[str, int]
    reason: str


class ReadingBody(Schema):
    """What to read: a connection, and one month of it or all that may change."""

    connection_id = fields.String(required=True, validate=validate.Length(1, 40))
    period = fields.String(validate=_MONTH)


@charges.operation(
    "GET",
    "/charges",
    Operation(
        permission="subscriptions:read", returns=Page[ChargeShape], listing=CHARGES
    ),
)
def list_charges() -> Answer | Response:
    """List charges that the vendors have not withdrawn."""
    return lists.page(CHARGES, charge_views)


@charges.operation(
    "GET",
    "/charges/<string:charge_id>/history",
    Operation(
        permission="subscriptions:read",
        returns=Collection[LineVersionShape],
        errors=(404,),
    ),
)
def list_charge_history(charge_id: str) -> Collection[LineVersionShape]:
    """List every version of a charge, newest knowledge first."""
    return _history(rules.CHARGES, charge_id)


@charges.operation(
    "GET",
    "/usage",
    Operation(permission="subscriptions:read", returns=Page[UsageShape], listing=USAGE),
)
def list_usage() -> Answer | Response:
    """List metered quantities that the vendors have not withdrawn."""
    return lists.page(USAGE, usage_views)


@charges.operation(
    "GET",
    "/usage/<string:usage_id>/history",
    Operation(
        permission="subscriptions:read",
        returns=Collection[LineVersionShape],
        errors=(404,),
    ),
)
def list_usage_history(usage_id: str) -> Collection[LineVersionShape]:
    """List every version of a metered quantity, newest knowledge first."""
    return _history(rules.USAGE, usage_id)


@charges.operation(
    "GET",
    "/charge-readings",
    Operation(
        permission="subscriptions:read", returns=Page[ReadingShape], listing=READINGS
    ),
)
def list_charge_readings() -> Answer | Response:
    """List how completely every month of every connection was read."""
    return lists.page(READINGS, reading_views)


@charges.operation(
    "GET",
    "/charge-readings/<string:reading_id>",
    Operation(permission="subscriptions:read", returns=ReadingShape, errors=(404,)),
)
def get_charge_reading(reading_id: str) -> ReadingShape:
    """Read how completely one month of one connection was read."""
    query = READINGS.base.where(READINGS.key == reading_id)
    with hub().store.read(scope()) as session:
        found = reading_views(session, session.execute(query).all())
    if not found:
        raise not_found("charge reading", reading_id)
    return found[0]


@charges.operation(
    "POST",
    "/charge-readings",
    Operation(
        permission="sync:write",
        returns=OperationShape,
        status=202,
        body=ReadingBody,
        errors=(404, 409),
        remembered=True,
        parameters=(PREFER,),
    ),
)
def start_charge_reading(body: dict[str, Any]) -> Answer:
    """Start reading usage and charges, or join the run that reads the same already."""
    started = hub().charges.start(
        actor(), body["connection_id"], body.get("period", ""), cause="api"
    )
    return accepted(started.run_id)


def charge_views(_session: Session, rows: Sequence[Any]) -> list[ChargeShape]:
    """Return rows of the charges' list as answers."""
    return [
        ChargeShape(
            **_common(row),
            kind=row.kind,
            vendor_kind=row.vendor_kind,
            period_start=row.period_start,
            period_end=row.period_end,
            amount=MoneyShape(amount=_plain(row.amount), currency=row.currency),
            unit_price=money(_plain(row.unit_price), row.currency),
            list_amount=money(_plain(row.list_amount), row.currency),
            tax=money(_plain(row.tax), row.currency),
            invoice_id=row.invoice_id,
            invoiced_on=row.invoiced_on,
        )
        for row in rows
    ]


def usage_views(_session: Session, rows: Sequence[Any]) -> list[UsageShape]:
    """Return rows of the usage list as answers."""
    return [
        UsageShape(
            **_common(row),
            resource_id=row.resource_id,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            cost=money(_plain(row.cost), row.currency),
        )
        for row in rows
    ]


def reading_views(_session: Session, rows: Sequence[Any]) -> list[ReadingShape]:
    """Return rows of the readings' list as answers."""
    names = ReadingShape.__struct_fields__
    return [
        ReadingShape(**{name: getattr(row, name) for name in names}) for row in rows
    ]


def _history(kind: str, line_id: str) -> Collection[LineVersionShape]:
    names = LineVersionShape.__struct_fields__
    found = hub().charges.history(actor(), kind, line_id)
    return Collection(
        data=[
            LineVersionShape(**{name: getattr(one, name) for name in names})
            for one in found
        ]
    )


def _common(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row of either list
    known = ("line", row.vendor_id), ("customer", row.customer_vendor_id)
    named = (*known, ("subscription", row.subscription_vendor_id))
    return {
        "id": row.id,
        "connection_id": row.connection_id,
        "customer_id": row.customer_id,
        "customer_name": row.customer_name,
        "subscription_id": row.subscription_id,
        "external_ids": [
            ExternalId(system=row.connection_id, type=kind, value=value)
            for kind, value in named
            if value
        ],
        "month": row.month,
        "sku": row.sku,
        "name": row.name,
        "quantity": _plain(row.quantity),
        "unit": row.unit,
        "estimated": row.estimated,
        "source": row.source,
        "attributes": row.attributes,
        "known_at": row.known_at,
    }


def _plain(value: Decimal | None) -> Any:  # noqa: ANN401 - text where a Decimal is
    """Return a number as text without an exponent, however small or large it is."""
    return None if value is None else format(value, "f")
