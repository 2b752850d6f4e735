"""What the hooks do: ask the client, map, wrap into pages."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TypeVar

import msgspec
from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import ConfigInvalid, Rejected
from entrepot.sdk.model import (
    ChangeEvent,
    CheckResult,
    Contact,
    Notification,
    NotificationRegistration,
    Offer,
    Page,
    Subscription,
    VendorCustomer,
    VendorOrder,
)

from entrepot_microsoft import feed, mapping, offers, wire
from entrepot_microsoft.client import PAGE, Client
from entrepot_microsoft.settings import HOST_PATTERNS, MicrosoftSettings
from entrepot_microsoft.signature import CertificateCache, Verifier
from entrepot_microsoft.tokens import TokenAuth, TokenCache

T = TypeVar("T")
_FEED_DAYS = 89  # the vendor keeps 90 and refuses the 91st (§6.3)
_FEED_PAGES = 200
_PRODUCTS_PER_PAGE = 10
_ROWS_PER_PAGE = 1000
_SHEET_SECONDS = 900.0
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


@dataclass(slots=True)
class Runtime:
    """What lives as long as a connection: tokens, certificates, price sheets."""

    tokens: TokenCache = field(default_factory=TokenCache)
    certificates: CertificateCache = field(default_factory=CertificateCache)
    lock: threading.Lock = field(default_factory=threading.Lock)
    sheets: dict[tuple[str, str, str], tuple[float, list[Offer]]] = field(
        default_factory=dict
    )


class Cursor(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Where a listing goes on; travels as JSON text."""

    token: str | None = None
    view: int = 0
    row: int = 0
    day: str | None = None

    @classmethod
    def of(cls, text: str | None) -> Cursor:
        """The cursor of a query; a fresh one when there is none."""
        if text is None:
            return cls()
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError:
            raise Rejected(
                "cursor_invalid",
                "The listing cannot go on from this cursor.",
                remedy="Start the listing again.",
            ) from None

    def text(self) -> str:
        """As text for `Page.next_cursor`."""
        return msgspec.json.encode(self).decode()


def client_of(ctx: PluginContext) -> Client:
    """The client of this call; tokens come from the connection's runtime."""
    settings: MicrosoftSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    http = ctx.http
    core, price = (
        TokenAuth(http, settings, ctx.secrets, ctx.clock, runtime.tokens, audience)
        for audience in (settings.core_audience, settings.price_audience)
    )
    return Client(http, settings, core, price)


def check(ctx: PluginContext) -> CheckResult:
    """Sign in and read one customer."""
    settings: MicrosoftSettings = ctx.settings
    found = client_of(ctx).customers(None, size=1)
    alone = settings.sign_in == "app_only"
    warning = "Signed in as the application alone: price lists cannot be read."
    return CheckResult(
        account_name=settings.tenant_id,
        details=(
            ("Cloud", settings.cloud),
            ("Signed in as", "application" if alone else "user"),
            ("Market", settings.country),
            ("Customers", "at least one" if found.items else "none"),
        ),
        warnings=(warning,) if alone else (),
        time_zone="UTC",
    )


def customers(ctx: PluginContext, query: ask.ListCustomers) -> Page[VendorCustomer]:
    """One page of customers; the fast form when the caller can use it."""
    cursor = Cursor.of(query.cursor)
    size = min(query.page_size or PAGE, PAGE)
    found = client_of(ctx).customers(cursor.token, size)
    following = Cursor(token=found.token).text() if found.token else None
    raw = mapping.raw_customers(found.items)
    return (
        Page(raw=raw, next_cursor=following)
        if query.raw
        else Page(
            items=[raw.decode(item) for item in found.items], next_cursor=following
        )
    )


def customer(ctx: PluginContext, query: ask.GetCustomer) -> VendorCustomer:
    """One customer in full."""
    return mapping.customer(client_of(ctx).customer(query.customer_id), complete=True)


def contacts(ctx: PluginContext, query: ask.ListContacts) -> Page[Contact]:
    """The person of a customer's billing profile."""
    owner = _required(query.owner_id, "owner_id")
    found = mapping.contact(owner, client_of(ctx).billing_profile(owner))
    return Page(items=() if found is None else (found,))


def subscriptions(
    ctx: PluginContext, query: ask.ListSubscriptions
) -> Page[Subscription]:
    """All subscriptions of one customer: the vendor has no listing over all (§5.1)."""
    settings: MicrosoftSettings = ctx.settings
    owner = _required(query.customer_id, "customer_id")
    found = client_of(ctx).subscriptions(owner)
    raw = mapping.raw_subscriptions(
        found.items, owner, settings.segment, settings.country
    )
    if query.raw:
        return Page(raw=raw)
    return Page(items=[raw.decode(item) for item in found.items])


def subscription(ctx: PluginContext, query: ask.GetSubscription) -> Subscription:
    """One subscription, afresh."""
    settings: MicrosoftSettings = ctx.settings
    data = client_of(ctx).subscription(query.customer_id, query.subscription_id)
    return mapping.decode_subscription(
        data,
        customer_id=query.customer_id,
        segment=settings.segment,
        market=settings.country,
    )


def orders(ctx: PluginContext, query: ask.ListOrders) -> Page[VendorOrder]:
    """All orders of one customer."""
    owner = _required(query.customer_id, "customer_id")
    found = client_of(ctx).orders(owner)
    return Page(items=[mapping.order(each, owner) for each in found])


def catalogue(ctx: PluginContext, query: ask.ListOffers) -> Page[Offer]:
    """Offers: one view after the other, then those of the old commerce."""
    settings: MicrosoftSettings = ctx.settings
    market = query.market or settings.country
    cursor = Cursor.of(query.cursor)
    if cursor.view >= len(offers.VIEWS):
        legacy = client_of(ctx).legacy_offers()
        made = [o for each in legacy for o in offers.legacy_offers(each, market)]
        return Page(items=made)
    view = offers.VIEWS[cursor.view]
    priced = _sheet(ctx, market, view.sheet)
    if settings.catalogue == "full":
        return _detailed(ctx, cursor, view, priced, market)
    rows = priced[cursor.row : cursor.row + _ROWS_PER_PAGE]
    done = cursor.row + _ROWS_PER_PAGE >= len(priced)
    return Page(items=rows, next_cursor=_following(cursor, _ROWS_PER_PAGE, done))


def _following(cursor: Cursor, step: int, done: bool) -> str:
    if done:
        return Cursor(view=cursor.view + 1).text()
    return Cursor(view=cursor.view, row=cursor.row + step).text()


def _detailed(
    ctx: PluginContext,
    cursor: Cursor,
    view: offers.SheetView,
    priced: Sequence[Offer],
    market: str,
) -> Page[Offer]:
    client, prices = client_of(ctx), {offer.key: offer for offer in priced}
    settings: MicrosoftSettings = ctx.settings
    products = client.products(view.catalogue)
    chunk = products[cursor.row : cursor.row + _PRODUCTS_PER_PAGE]
    made: list[Offer] = []
    for product in chunk:
        for sku in client.skus(product.id):
            available = client.availabilities(product.id, sku.id)
            made += offers.catalogue_offers(
                sku, product, available, prices, settings.segment, market
            )
    done = cursor.row + _PRODUCTS_PER_PAGE >= len(products)
    return Page(items=made, next_cursor=_following(cursor, _PRODUCTS_PER_PAGE, done))


def _sheet(ctx: PluginContext, market: str, view: str) -> list[Offer]:
    """A price sheet's offers; kept for some minutes, as pages share one sheet."""
    settings: MicrosoftSettings = ctx.settings
    if settings.sign_in == "app_only":
        return []
    runtime: Runtime = ctx.runtime
    key = (market, view, settings.segment)
    with runtime.lock:
        until, known = runtime.sheets.get(key, (0.0, []))
    if ctx.clock.monotonic() < until:
        return known
    content = client_of(ctx).price_sheet(market, view)
    made = offers.sheet_offers(content, settings.segment)
    with runtime.lock:
        runtime.sheets[key] = (ctx.clock.monotonic() + _SHEET_SECONDS, made)
    return made


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


def notification(ctx: PluginContext, query: ask.ReceiveNotification) -> Notification:
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


def _required(value: str | None, name: str) -> str:
    if not value:
        raise ConfigInvalid(
            "customer_missing",
            "The vendor lists this per customer only.",
            field=name,
            remedy="Name the customer.",
        )
    return value
