"""What is told of customers, to whom, and what was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from entrepot.hub.notifications import rules, words
from entrepot.hub.notifications.views import SettingView
from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy.orm import Session

from entrepot_web.api import lists
from entrepot_web.api.frame import Answer, Operation, Resource, check_match
from entrepot_web.api.problem import not_found
from entrepot_web.api.shapes import Moment, Page, Shape
from entrepot_web.context import actor, hub, scope
from entrepot_web.lists.notifications import NOTIFICATIONS

notifications = Resource(
    "notifications", "What people are told of customers, by mail and here."
)


class NotificationMailShape(Shape, frozen=True, kw_only=True):
    """A mail that told a notification.

    Attributes:
        to_kind: ``user`` or ``contact``.
        state: ``waiting``, ``sending``, ``sent``, ``failed`` or ``unknown``.
        error: Why it was not sent, or empty.
    """

    id: str
    to_kind: str
    name: str
    state: str
    error: str


class NotificationShape(Shape, frozen=True, kw_only=True):
    """One thing that was told of a customer.

    Attributes:
        subject_id: The subscription, account or difference it is about.
        text: One sentence.
        source: The sync run or comparison that found it.
        state: ``new``, ``shown`` (nobody was to be mailed), ``waiting``, ``sent`` or
            ``failed``.
    """

    id: str
    customer_id: str
    kind: str
    subject_kind: str
    subject_id: str
    text: str
    source: str
    state: str
    mails: list[NotificationMailShape]
    created_at: Moment


class NotificationSettingsShape(Shape, frozen=True, kw_only=True):
    """What is told of a customer, or of all of the reseller.

    Attributes:
        customer_id: None for what holds for all customers.
        own: Whether the customer has its own; otherwise these are the reseller's.
        renewal_days: How many days ahead a renewal is told.
        owners: Whether every owner of the reseller's account gets mails.
        people: Ids of the reseller's people who get mails besides.
        contact: Whether the customer's primary contact gets mails; never of
            differences or of accounts that can't be read.
        language: Of mails to those who chose none.
    """

    customer_id: str | None
    own: bool
    kinds: list[str]
    renewal_days: int
    owners: bool
    people: list[str]
    contact: bool
    language: str
    version: int


class NotificationSettingsPatch(Schema):
    """New values; those left out stay. ``own: false`` follows the reseller's again."""

    own = fields.Boolean()
    kinds = fields.List(
        fields.String(validate=validate.OneOf(rules.KINDS)),
        validate=validate.Length(0, len(rules.KINDS)),
    )
    renewal_days = fields.Integer(
        strict=True, validate=validate.Range(rules.SHORTEST, rules.LONGEST)
    )
    owners = fields.Boolean()
    people = fields.List(
        fields.String(validate=validate.Length(1, 40)), validate=validate.Length(0, 50)
    )
    contact = fields.Boolean()
    language = fields.String(validate=validate.OneOf(rules.LANGUAGES))


@notifications.operation(
    "GET",
    "/customer-notifications",
    Operation(
        permission="customers:read",
        returns=Page[NotificationShape],
        listing=NOTIFICATIONS,
    ),
)
def list_notifications() -> Answer | Response:
    """List what was told of customers, newest first."""
    return lists.page(NOTIFICATIONS, notification_views)


@notifications.operation(
    "GET",
    "/customer-notifications/<string:notification_id>",
    Operation(permission="customers:read", returns=NotificationShape, errors=(404,)),
)
def get_notification(notification_id: str) -> NotificationShape:
    """Read one notification with its mails."""
    return _find(notification_id)


@notifications.operation(
    "POST",
    "/customer-notifications/<string:notification_id>/mails",
    Operation(
        permission="customers:write",
        returns=NotificationShape,
        status=201,
        errors=(404,),
        remembered=True,
    ),
)
def send_notification_again(notification_id: str) -> Answer:
    """Send the mails of a notification again that did not arrive."""
    found = _find(notification_id)
    hub().customer_notifications.send_again(actor(), found.customer_id, notification_id)
    location = {"Location": f"/api/v1/customer-notifications/{notification_id}"}
    return Answer(body=_find(notification_id), headers=location)


@notifications.operation(
    "GET",
    "/customers/<string:customer_id>/notification-settings",
    Operation(
        permission="customers:read", returns=NotificationSettingsShape, errors=(404,)
    ),
)
def get_customer_notification_settings(customer_id: str) -> NotificationSettingsShape:
    """Read what is told of a customer."""
    return _settings(hub().customer_notifications.setting(actor(), customer_id))


@notifications.operation(
    "PATCH",
    "/customers/<string:customer_id>/notification-settings",
    Operation(
        permission="customers:write",
        returns=NotificationSettingsShape,
        body=NotificationSettingsPatch,
        errors=(404, 409),
        matched=True,
    ),
)
def update_customer_notification_settings(
    body: dict[str, Any], customer_id: str
) -> NotificationSettingsShape:
    """Choose what is told of a customer; others keep what holds for all."""
    return _change(customer_id, body)


@notifications.operation(
    "GET",
    "/notification-settings",
    Operation(permission="customers:read", returns=NotificationSettingsShape),
)
def get_notification_settings() -> NotificationSettingsShape:
    """Read what is told of customers that have no settings of their own."""
    return _settings(hub().customer_notifications.setting(actor()))


@notifications.operation(
    "PATCH",
    "/notification-settings",
    Operation(
        permission="customers:write",
        returns=NotificationSettingsShape,
        body=NotificationSettingsPatch,
        errors=(409,),
        matched=True,
    ),
)
def update_notification_settings(body: dict[str, Any]) -> NotificationSettingsShape:
    """Choose what is told of customers that have no settings of their own."""
    return _change("", body)


def notification_views(
    session: Session, rows: Sequence[Any]
) -> list[NotificationShape]:
    """Return rows of the list with their mails."""
    ids = [row.id for row in rows]
    mails = hub().customer_notifications.mails(session, ids)
    return [
        NotificationShape(
            id=row.id,
            customer_id=row.customer_id,
            kind=row.kind,
            subject_kind=row.subject_kind,
            subject_id=row.subject_id,
            text=words.sentence(row.kind, row.facts),
            source=row.source,
            state=row.state,
            mails=[
                NotificationMailShape(
                    id=mail.id,
                    to_kind=mail.to_kind,
                    name=mail.name,
                    state=mail.state,
                    error=mail.error,
                )
                for mail in mails.get(row.id, [])
            ],
            created_at=row.created_at,
        )
        for row in rows
    ]


def _find(notification_id: str) -> NotificationShape:
    query = NOTIFICATIONS.of(actor().tenant_id)
    query = query.where(NOTIFICATIONS.key == notification_id)
    with hub().store.read(scope()) as session:
        found = notification_views(session, session.execute(query).all())
    if not found:
        raise not_found("notification", notification_id)
    return found[0]


def _change(customer_id: str, body: dict[str, Any]) -> NotificationSettingsShape:
    service = hub().customer_notifications
    known = service.setting(actor(), customer_id)
    check_match(_settings(known))
    own = body.pop("own", True)
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in body.items()
    }
    choice = replace(known.choice, **given)
    made = service.choose(actor(), customer_id, choice, version=known.version, own=own)
    return _settings(made)


def _settings(found: SettingView) -> NotificationSettingsShape:
    choice = found.choice
    return NotificationSettingsShape(
        customer_id=found.customer_id or None,
        own=found.own,
        kinds=list(choice.kinds),
        renewal_days=choice.renewal_days,
        owners=choice.owners,
        people=list(choice.people),
        contact=choice.contact,
        language=choice.language,
        version=found.version,
    )
