"""Notifications: registering for them and judging what arrives (§6.4)."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import Notification, NotificationRegistration

from entrepot_microsoft import wire
from entrepot_microsoft.mapping import feed
from entrepot_microsoft.runtime import Runtime, client_of
from entrepot_microsoft.settings import HOST_PATTERNS, MicrosoftSettings
from entrepot_microsoft.signature import Verifier

_OLDEST = timedelta(days=7)
_AHEAD = timedelta(hours=1)
_EVENTS = (
    "subscription-updated",
    "reseller-relationship-accepted-by-customer",
    "granular-admin-relationship-approved",
    "granular-admin-relationship-terminated",
    "dap-admin-relationship-terminated",
    "dap-admin-relationship-terminated-by-microsoft",
    "new-commerce-migration-completed",
    "test-created",
)


def receive(ctx: PluginContext, query: ask.ReceiveNotification) -> Notification:
    """Verify a delivery and say what to read again."""
    settings: MicrosoftSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    own = (settings.own_host,) if settings.own_host else ()
    verifier = Verifier(
        (*HOST_PATTERNS, *own),
        settings.certificate_authority,
        client_of(ctx).certificate,
        runtime.certificates,
    )
    verifier.check(query.headers, query.body, query.received_at)
    try:
        found = wire.NOTIFICATION.read(query.body)
    except msgspec.MsgspecError:
        raise Rejected(
            "notification_unreadable", "The notification cannot be read."
        ) from None
    events = feed.hints(found)
    _check_age([e.at for e in events if e.at is not None], query.received_at)
    return Notification(events=events, replay_key=feed.replay_key(found))


def _check_age(moments: list[datetime], now: datetime) -> None:
    # Deliveries may be two days late and are tried ten times (§6.4).
    for at in moments:
        if at < now - _OLDEST or at > now + _AHEAD:
            raise Rejected("notification_stale", "The notification is not current.")


def register(
    ctx: PluginContext, command: ask.RegisterNotifications
) -> NotificationRegistration:
    """Create or replace the registration; nothing is sent when it fits already."""
    client = client_of(ctx)
    offered = client.registered_events()
    events = [name for name in _EVENTS if name in offered]
    present = client.registration()
    fits = present is not None and (
        present.webhook_url == command.url
        and sorted(present.webhook_events or ()) == sorted(events)
    )
    if not fits:
        client.register(command.url, events, exists=present is not None)
    return NotificationRegistration(registered=True, detail=", ".join(events))
