"""Subscriptions as they are, as they were, and what they were bought from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from entrepot.hub.subscriptions.tables import SubscriptionFact, SubscriptionRow
from flask import request
from marshmallow import Schema, fields, validate
from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot_web.api import lists
from entrepot_web.api.describe import query as parameter
from entrepot_web.api.frame import Answer, Operation, Resource, check_match
from entrepot_web.api.problem import bad_request, not_found
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
from entrepot_web.lists.subscriptions import SUBSCRIPTIONS

subscriptions = Resource("subscriptions", "What customers have bought.")

AS_OF = (
    parameter("as_of", "State at this moment.", format="date-time"),
    parameter("known_at", "As known at this moment.", format="date-time"),
)


class SubscriptionView(Shape, frozen=True, kw_only=True):
    """A subscription in its current state."""

    id: str
    connection_id: str
    customer_id: str | None
    account_id: str | None
    external_ids: list[ExternalId]
    name: str
    friendly_name: str
    nickname: str
    customer_po: str
    reseller_po: str
    sku: str
    product_id: str
    quantity: Amount
    assigned: Amount | None
    unit: str
    status: str
    vendor_status: str
    billed: bool
    term: str
    billing_cycle: str
    segment: str
    unit_cost: MoneyShape | None
    is_trial: bool
    is_addon: bool
    parent_vendor_id: str
    started_at: Moment | None
    term_start: Moment | None
    term_end: Moment | None
    ended_at: Moment | None
    auto_renew: bool | None
    cancellable_until: Moment | None
    scheduled: list[dict[str, Any]]
    known_at: Moment
    missing_since: Moment | None
    gone_at: Moment | None


_SHOWN = tuple(
    "vendor_id" if name == "external_ids" else name
    for name in SubscriptionView.__struct_fields__
)
_COLUMNS = {column.key: column for column in SUBSCRIPTIONS.base.selected_columns}
_LISTED = replace(
    SUBSCRIPTIONS,
    base=SUBSCRIPTIONS.base.with_only_columns(
        *(_COLUMNS[name] for name in (*_SHOWN, "currency"))
    ),
)
"""The list in the order of its answers, and without the customer's name, so that
databases leave out its table."""

_PlainRow = msgspec.defstruct(
    "_PlainRow", SubscriptionView.__struct_fields__, frozen=True, gc=False
)
_NOTED = ("nickname", "customer_po", "reseller_po")
_AT = {name: at for at, name in enumerate(_SHOWN)}


class SubscriptionPatch(Schema):
    """What the reseller writes beside a subscription; what is left out stays."""

    nickname = fields.String(validate=validate.Length(max=200))
    customer_po = fields.String(validate=validate.Length(max=100))
    reseller_po = fields.String(validate=validate.Length(max=100))


class SubscriptionState(Shape, frozen=True, kw_only=True):
    """A subscription at a moment: true from `valid_from`, known from `known_at`.

    Attributes:
        change: ``new``, ``changed``, ``gone`` or ``back``.
        date_estimated: Whether the vendor gave no date, so the day of reading stands.
        values: The fields as the vendor gave them; amounts are text.
    """

    subscription_id: str
    valid_from: Moment
    known_at: Moment
    date_estimated: bool
    change: str
    quantity: Amount
    run_id: str
    values: dict[str, Any]


class ExchangeShape(Shape, frozen=True, kw_only=True):
    """One request to the vendor and its answer, without secrets."""

    method: str
    address: str
    status: int
    body: str
    cut: bool


class VendorRecordShape(Shape, frozen=True, kw_only=True):
    """What was exchanged with the vendor to read one subscription."""

    read_at: Moment
    found: bool
    exchanges: list[ExchangeShape]


@subscriptions.operation(
    "GET",
    "/subscriptions",
    Operation(
        permission="subscriptions:read",
        returns=Page[SubscriptionView],
        listing=SUBSCRIPTIONS,
    ),
)
def list_subscriptions() -> Answer:
    """List subscriptions."""
    return lists.page(_LISTED, subscription_views, plain=_plain_views)


@subscriptions.operation(
    "GET",
    "/subscriptions/<string:subscription_id>",
    Operation(permission="subscriptions:read", returns=SubscriptionView, errors=(404,)),
)
def get_subscription(subscription_id: str) -> SubscriptionView:
    """Read one subscription as it is now."""
    return _found(subscription_id)


@subscriptions.operation(
    "PATCH",
    "/subscriptions/<string:subscription_id>",
    Operation(
        permission="subscriptions:write",
        returns=SubscriptionView,
        body=SubscriptionPatch,
        errors=(404, 409),
        matched=True,
    ),
)
def update_subscription(body: dict[str, Any], subscription_id: str) -> SubscriptionView:
    """Rename a subscription or note order numbers; nothing changes at the vendor."""
    version = hub().subscriptions.note(actor(), subscription_id).version
    check_match(_found(subscription_id))
    if body:
        hub().subscriptions.annotate(actor(), subscription_id, version=version, **body)
    return _found(subscription_id)


@subscriptions.operation(
    "GET",
    "/subscriptions/<string:subscription_id>/history",
    Operation(
        permission="subscriptions:read",
        returns=Collection[SubscriptionState],
        errors=(404,),
        parameters=AS_OF,
    ),
)
def list_subscription_history(subscription_id: str) -> Collection[SubscriptionState]:
    """List every state we have known, newest knowledge first."""
    facts = _facts(subscription_id)
    return Collection(data=[_state(fact) for fact in facts])


@subscriptions.operation(
    "GET",
    "/subscriptions/<string:subscription_id>/record",
    Operation(
        permission="sync:write",
        returns=VendorRecordShape,
        errors=(404, 422, 502, 503),
    ),
)
def get_vendor_record(subscription_id: str) -> VendorRecordShape:
    """Read a subscription at its vendor now, word for word; nothing is kept."""
    found = hub().records.read(actor(), subscription_id)
    return VendorRecordShape(
        read_at=found.read_at,
        found=found.found,
        exchanges=[
            ExchangeShape(
                method=one.method,
                address=one.address,
                status=one.status,
                body=one.body,
                cut=one.cut,
            )
            for one in found.exchanges
        ],
    )


@subscriptions.operation(
    "GET",
    "/subscriptions/<string:subscription_id>/state",
    Operation(
        permission="subscriptions:read",
        returns=SubscriptionState,
        errors=(404,),
        parameters=AS_OF,
    ),
)
def get_subscription_state(subscription_id: str) -> SubscriptionState:
    """Read the state that held at ``as_of``, as known at ``known_at``."""
    facts = _facts(subscription_id)
    if not facts:
        raise not_found("state of subscription", subscription_id)
    return _state(facts[0])


def _found(subscription_id: str) -> SubscriptionView:
    query = _LISTED.of(actor().tenant_id).where(_LISTED.key == subscription_id)
    with hub().store.read(scope()) as session:
        found = subscription_views(session, session.execute(query).all())
    if not found:
        raise not_found("subscription", subscription_id)
    return found[0]


def _facts(subscription_id: str) -> Sequence[SubscriptionFact]:
    """Return the facts within the asked times, newest knowledge first."""
    fact = SubscriptionFact
    query = (
        select(fact)
        .where(fact.object_id == subscription_id)
        .order_by(fact.known_at.desc())
    )
    valid, known = moment_parameter("as_of"), moment_parameter("known_at")
    if valid is not None:
        query = query.where(fact.valid_from <= valid)
    if known is not None:
        query = query.where(fact.known_at <= known)
    with hub().store.read(scope()) as session:
        if session.get(SubscriptionRow, subscription_id) is None:
            raise not_found("subscription", subscription_id)
        found: Sequence[SubscriptionFact] = session.scalars(query).all()
        return found


def moment_parameter(name: str) -> datetime | None:
    """Return a moment from the query string, or None when it isn't given.

    Raises:
        ApiError: 400 for what isn't a moment with a zone.
    """
    text = request.args.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        if moment.tzinfo is None:
            raise ValueError(text)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise bad_request(
            "moment_invalid",
            f"{name} must be a moment with a zone, such as 2026-11-21T14:31:00Z.",
            name,
        ) from error


def subscription_views(
    _session: Session, rows: Sequence[Any]
) -> list[SubscriptionView]:
    """Return rows of the subscriptions' list as answers."""
    return [_view(row) for row in rows]


def _view(row: Any) -> SubscriptionView:  # noqa: ANN401 - a row of the list
    values = dict(zip(_SHOWN, row, strict=False))
    vendor_id, connection = values.pop("vendor_id"), values["connection_id"]
    own = ExternalId(system=connection, type="subscription", value=vendor_id)
    values["external_ids"] = [own]
    values["unit_cost"] = money(values["unit_cost"], row.currency)
    values["account_id"] = values["account_id"] or None
    for name in _NOTED:
        values[name] = values[name] or ""
    return SubscriptionView(**values)


def _plain_views(_session: Session, rows: Sequence[Any]) -> list[Any]:
    """Return what `_view` does, of values that are only passed on."""
    connection, account = _AT["connection_id"], _AT["account_id"]
    vendor, cost = _AT["vendor_id"], _AT["unit_cost"]
    noted = [_AT[name] for name in _NOTED]
    width = len(_SHOWN)
    found = []
    for row in rows:
        values = list(row[:width])
        values[vendor] = (
            ExternalId(
                system=values[connection], type="subscription", value=values[vendor]
            ),
        )
        values[cost] = money(values[cost], row[width])
        values[account] = values[account] or None
        for at in noted:
            values[at] = values[at] or ""
        found.append(_PlainRow(*values))
    return found


def _state(fact: SubscriptionFact) -> SubscriptionState:
    return SubscriptionState(
        subscription_id=fact.object_id,
        valid_from=fact.valid_from,
        known_at=fact.known_at,
        date_estimated=fact.date_estimated,
        change=fact.change,
        quantity=fact.quantity,
        run_id=fact.run_id,
        values=fact.payload,
    )
