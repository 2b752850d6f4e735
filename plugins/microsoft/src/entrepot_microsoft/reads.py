"""What the reading hooks do: ask the client, map, wrap into pages."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import ConfigInvalid
from entrepot.sdk.model import (
    ChangeEvent,
    CheckResult,
    Contact,
    Page,
    Subscription,
    VendorCustomer,
    VendorOrder,
)

from entrepot_microsoft import wire
from entrepot_microsoft.client import PAGE, Client
from entrepot_microsoft.mapping import customers as map_customers
from entrepot_microsoft.mapping import feed
from entrepot_microsoft.mapping import orders as map_orders
from entrepot_microsoft.mapping import subscriptions as map_subscriptions
from entrepot_microsoft.runtime import Cursor, client_of
from entrepot_microsoft.settings import MicrosoftSettings

_FEED_DAYS = 89  # the vendor keeps 90 and refuses the 91st (§6.3)
_FEED_PAGES = 200


def check(ctx: PluginContext) -> CheckResult:
    """Sign in and read one customer."""
    settings: MicrosoftSettings = ctx.settings
    found = client_of(ctx).customers(None, size=1)
    alone = settings.sign_in == "app_only"
    without = settings.export != "off" and not settings.reads_export
    warnings = (
        (alone, "Signed in as the application alone: price lists cannot be read."),
        (without, "This cloud has no billing export: daily usage cannot be read."),
    )
    return CheckResult(
        account_name=settings.tenant_id,
        details=(
            ("Cloud", settings.cloud),
            ("Signed in as", "application" if alone else "user"),
            ("Market", settings.country),
            ("Customers", "at least one" if found.items else "none"),
        ),
        warnings=tuple(text for holds, text in warnings if holds),
        time_zone="UTC",
    )


def customers(ctx: PluginContext, query: ask.ListCustomers) -> Page[VendorCustomer]:
    """One page of customers; the fast form when the caller can use it."""
    cursor = Cursor.of(query.cursor)
    size = min(query.page_size or PAGE, PAGE)
    found = client_of(ctx).customers(cursor.token, size)
    following = Cursor(token=found.token).text() if found.token else None
    raw = map_customers.raw_customers(found.items)
    return (
        Page(raw=raw, next_cursor=following)
        if query.raw
        else Page(
            items=[raw.decode(item) for item in found.items], next_cursor=following
        )
    )


def customer(ctx: PluginContext, query: ask.GetCustomer) -> VendorCustomer:
    """One customer in full."""
    return map_customers.customer(
        client_of(ctx).customer(query.customer_id), complete=True
    )


def contacts(ctx: PluginContext, query: ask.ListContacts) -> Page[Contact]:
    """The person of a customer's billing profile."""
    owner = _required(query.owner_id, "owner_id")
    found = map_customers.contact(owner, client_of(ctx).billing_profile(owner))
    return Page(items=() if found is None else (found,))


def subscriptions(
    ctx: PluginContext, query: ask.ListSubscriptions
) -> Page[Subscription]:
    """All subscriptions of one customer: the vendor has no listing over all (§5.1)."""
    settings: MicrosoftSettings = ctx.settings
    owner = _required(query.customer_id, "customer_id")
    found = client_of(ctx).subscriptions(owner)
    raw = map_subscriptions.raw_subscriptions(
        found.items, owner, settings.segment, settings.country
    )
    if query.raw:
        return Page(raw=raw)
    return Page(items=[raw.decode(item) for item in found.items])


def subscription(ctx: PluginContext, query: ask.GetSubscription) -> Subscription:
    """One subscription, afresh."""
    settings: MicrosoftSettings = ctx.settings
    data = client_of(ctx).subscription(query.customer_id, query.subscription_id)
    return map_subscriptions.decode_subscription(
        data,
        customer_id=query.customer_id,
        segment=settings.segment,
        market=settings.country,
    )


def orders(ctx: PluginContext, query: ask.ListOrders) -> Page[VendorOrder]:
    """All orders of one customer."""
    owner = _required(query.customer_id, "customer_id")
    found = client_of(ctx).orders(owner)
    return Page(items=[map_orders.order(each, owner) for each in found])


def changes(ctx: PluginContext, query: ask.ListChanges) -> Page[ChangeEvent]:
    """One day of activity, oldest first; the vendor lists newest first (§6.3)."""
    today = ctx.clock.now().date()
    oldest = today - timedelta(days=_FEED_DAYS)
    cursor = Cursor.of(query.cursor)
    wanted = _first_day(cursor, query.since, today)
    day = max(wanted, oldest)
    found = _records_of(client_of(ctx), day)
    since = query.since
    made = [
        event
        for event in feed.changes(found)
        if since is None or event.at is None or event.at >= since
    ]
    following = day + timedelta(days=1)
    more = Cursor(day=following.isoformat()).text() if following <= today else None
    if wanted < oldest:
        reason = f"The vendor keeps {_FEED_DAYS + 1} days of activity; asked: {wanted}."
        return Page(
            items=made, next_cursor=more, complete=False, incomplete_reason=reason
        )
    return Page(items=made, next_cursor=more)


def _first_day(cursor: Cursor, since: datetime | None, today: date) -> date:
    if cursor.day is not None:
        return date.fromisoformat(cursor.day)
    return since.date() if since is not None else today - timedelta(days=1)


def _records_of(client: Client, day: date) -> list[wire.AuditWire]:
    records: list[wire.AuditWire] = []
    token: str | None = None
    for _ in range(_FEED_PAGES):
        page = client.audit(day.isoformat(), day.isoformat(), token)
        records += [wire.AUDIT.read(item) for item in page.items]
        token = page.token
        if token is None:
            break
    return records


def _required(value: str | None, name: str) -> str:
    if not value:
        raise ConfigInvalid(
            "customer_missing",
            "The vendor lists this per customer only.",
            field=name,
            remedy="Name the customer.",
        )
    return value
