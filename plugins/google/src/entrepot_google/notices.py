"""Pushed events: registering for them and judging what arrives (reference §9)."""

from __future__ import annotations

import msgspec
from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import Notification, NotificationRegistration

from entrepot_google import listening, signature
from entrepot_google.changes import hints_of
from entrepot_google.runtime import Runtime, client_of
from entrepot_google.settings import GoogleSettings
from entrepot_google.wire import pubsub


def receive(ctx: PluginContext, query: ask.ReceiveNotification) -> Notification:
    """Verify a delivery and say what to read again.

    The token's audience is the connection's own address, so a token caught elsewhere
    is worth nothing here.
    """
    settings: GoogleSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    client = client_of(ctx)
    with runtime.lock:
        keys = dict(runtime.keys)
    signature.check(
        query.headers,
        query.received_at,
        audience=ctx.notification_url,
        account=listening.push_account(ctx),
        keys=keys,
        fetch=client.certificates,
    )
    with runtime.lock:
        runtime.keys = keys
    found = _delivery(query.body)
    if settings.subscription and found.subscription != settings.subscription:
        raise Rejected(
            "subscription_foreign",
            "The notification comes from another Pub/Sub subscription.",
            detail=found.subscription[:200],
            remedy="Let only the subscription in the settings push to this address.",
        )
    events = hints_of(ctx, client, found.message)
    return Notification(
        events=events, reply_status=204, replay_key=found.message.message_id
    )


def _delivery(body: bytes) -> pubsub.PushWire:
    try:
        found = pubsub.PUSH.decode(body)
    except msgspec.MsgspecError:
        raise Rejected(
            "notification_unreadable", "The notification cannot be read."
        ) from None
    if not found.message.message_id:
        raise Rejected("notification_unreadable", "The notification has no id.")
    return found


def register(
    ctx: PluginContext, command: ask.RegisterNotifications
) -> NotificationRegistration:
    """Let the service account listen, and the subscription push to our address.

    A connection that names no subscription has nothing to register.
    """
    settings: GoogleSettings = ctx.settings
    if not settings.subscription:
        return NotificationRegistration(
            registered=False, detail="The settings name no Pub/Sub subscription."
        )
    topic = listening.ensure(ctx, command.url)
    return NotificationRegistration(
        registered=True, detail=f"{settings.subscription} on {topic}"
    )
