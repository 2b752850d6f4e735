"""The change feed: events, the estate check, and the longest unread (§9, §10.4)."""

from __future__ import annotations

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import NotFound
from entrepot.sdk.model import ChangeEvent, Page

from entrepot_google import listening
from entrepot_google.client import Client
from entrepot_google.mapping import feed
from entrepot_google.mapping.estate import differing, estate_of
from entrepot_google.mapping.spelling import last_part
from entrepot_google.partners import every_customer, links_of
from entrepot_google.runtime import Cursor, Reading, Runtime, client_of
from entrepot_google.settings import GoogleSettings
from entrepot_google.wire import channel, pubsub

_NO_FEED = "Neither events nor the estate check are set up for this connection."
_JUST_LISTENING = "Events are listened to from now on; earlier ones are not known."
_FIRST_LOOK = "The first estate check after a start has nothing to compare with."


def list_changes(ctx: PluginContext, query: ask.ListChanges) -> Page[ChangeEvent]:
    """Waiting events, page by page, then what else deserves a look.

    A page's events are acknowledged when the caller comes back with its cursor: until
    then the vendor keeps them, and a lost page is delivered again.
    """
    settings: GoogleSettings = ctx.settings
    client, cursor = client_of(ctx), Cursor.of(query.cursor)
    pulls = bool(settings.subscription) and settings.delivery == "pull"
    if pulls:
        if cursor.acks:
            client.acknowledge(cursor.acks)
        try:
            received = client.pull()
        except NotFound:
            # Events are kept from now on; what was before is not known.
            listening.ensure(ctx, "")
            return Page(complete=False, incomplete_reason=_JUST_LISTENING)
        if received:
            acks = [each.ack_id for each in received if each.ack_id]
            made = _hints(ctx, client, received)
            return Page(items=made, next_cursor=Cursor(acks=acks).text())
    return _last_page(ctx, client, has_events=bool(settings.subscription))


def _last_page(
    ctx: PluginContext, client: Client, *, has_events: bool
) -> Page[ChangeEvent]:
    settings: GoogleSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    checks = settings.estate_check == "on"
    if not has_events and not checks:
        return Page(complete=False, incomplete_reason=_NO_FEED)
    _know_customers(ctx, client)
    made: list[ChangeEvent] = []
    if checks:
        found = _estate_hints(ctx, client)
        if found is None and not has_events:
            return Page(complete=False, incomplete_reason=_FIRST_LOOK)
        made += found or []
    return Page(items=[*made, *_stalest(runtime, settings.stalest)])


def _estate_hints(ctx: PluginContext, client: Client) -> list[ChangeEvent] | None:
    """Customers whose Workspace subscriptions differ; None at the first look.

    Workspace customers carry the same Cloud Identity in both APIs (§1).
    """
    runtime: Runtime = ctx.runtime
    now = estate_of(client.estate())
    with runtime.lock:
        reading = runtime.reading
        before, reading.estate = reading.estate, now
    if before is None:
        return None
    changed = differing(before, now)
    with runtime.lock:
        known = all(each in runtime.reading.identities for each in changed)
    if not known:
        # New customers; a filtered listing would not show them yet (§3.5).
        _read_customers(ctx, client)
    with runtime.lock:
        found = [runtime.reading.identities.get(each) for each in changed]
    return [feed.differs(customer) for customer in found if customer]


def _customer_of(ctx: PluginContext, client: Client, identity: str) -> str:
    """Our customer of a Cloud Identity id; empty when it is no customer of ours.

    The listing that can be asked for an identity shows no partner's customers.
    """
    runtime: Runtime = ctx.runtime
    if links_of(ctx):
        _know_customers(ctx, client)
    with runtime.lock:
        customer = runtime.reading.identities.get(identity, "")
    if customer:
        return customer
    found = client.customer_of_identity(identity)
    if found is None:
        return ""
    with runtime.lock:
        _take(runtime.reading, [found])
    return last_part(found.name)


def _stalest(runtime: Runtime, count: int) -> list[ChangeEvent]:
    """The customers that were not read for longest: the backstop (§10.4)."""
    with runtime.lock:
        read_at = runtime.reading.read_at
        oldest = sorted(read_at, key=lambda customer: (read_at[customer], customer))
    return [feed.stale(customer) for customer in oldest[:count]]


def _know_customers(ctx: PluginContext, client: Client) -> None:
    """Read who is a customer, once per process."""
    runtime: Runtime = ctx.runtime
    with runtime.lock:
        known = runtime.reading.known
    if not known:
        _read_customers(ctx, client)


def _read_customers(ctx: PluginContext, client: Client) -> None:
    runtime: Runtime = ctx.runtime
    found = list(every_customer(ctx, client))
    with runtime.lock:
        _take(runtime.reading, found)
        runtime.reading.known = True


def _take(reading: Reading, found: list[channel.CustomerWire]) -> None:
    for each in found:
        customer = last_part(each.name)
        reading.read_at.setdefault(customer, 0.0)
        if each.cloud_identity_id:
            reading.identities[each.cloud_identity_id] = customer


def _hints(
    ctx: PluginContext, client: Client, received: list[pubsub.ReceivedMessage]
) -> list[ChangeEvent]:
    made: dict[str, ChangeEvent] = {}
    for each in received:
        if each.message is None:
            continue
        for event in hints_of(ctx, client, each.message):
            made.setdefault(event.event_id, event)
    return list(made.values())


def hints_of(
    ctx: PluginContext, client: Client, message: pubsub.PubsubMessage
) -> tuple[ChangeEvent, ...]:
    """What a message asks to read again.

    Events of the Reseller API name the Cloud Identity; the customer is looked up.
    """
    identity = feed.identity_of(message)
    known = {identity: _customer_of(ctx, client, identity)} if identity else {}
    return feed.hints(message, known)
