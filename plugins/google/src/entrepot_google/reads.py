"""What the reading hooks do: ask the client, map, wrap into pages."""

from __future__ import annotations

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import ConfigInvalid, NotFound, Rejected
from entrepot.sdk.model import (
    CheckResult,
    Contact,
    Page,
    Subscription,
    VendorCustomer,
    VendorOrder,
)

from entrepot_google import catalogue, renewals
from entrepot_google.billing import VENDOR_ZONE
from entrepot_google.client import CUSTOMERS_PAGE, ENTITLEMENTS_PAGE, Client
from entrepot_google.mapping import customers as map_customers
from entrepot_google.mapping import entitlements as map_entitlements
from entrepot_google.mapping import history
from entrepot_google.mapping.spelling import last_part
from entrepot_google.partners import link_after
from entrepot_google.runtime import Cursor, Runtime, client_of
from entrepot_google.settings import GoogleSettings
from entrepot_google.wire import channel


def check(ctx: PluginContext) -> CheckResult:
    """Sign in and read one customer."""
    settings: GoogleSettings = ctx.settings
    found = client_of(ctx).customers(None, size=1)
    warnings = []
    if not settings.billing_table:
        warnings.append("No billing export is named: charges cannot be read.")
    if not settings.subscription and settings.estate_check == "off":
        warnings.append(
            "Neither events nor the estate check are set up: every look for changes "
            "reads everything."
        )
    return CheckResult(
        account_name=settings.account_id,
        details=(
            ("Acts for", settings.admin_email),
            ("Customers", "at least one" if found.items else "none"),
            ("Events", settings.subscription or "not set up"),
            ("Billing export", settings.billing_table or "not set up"),
        ),
        warnings=tuple(warnings),
        time_zone=VENDOR_ZONE,
    )


def customers(ctx: PluginContext, query: ask.ListCustomers) -> Page[VendorCustomer]:
    """One page of customers; the fast form when the caller can use it."""
    cursor = Cursor.of(query.cursor)
    size = min(query.page_size or CUSTOMERS_PAGE, CUSTOMERS_PAGE)
    try:
        found = client_of(ctx).customers(cursor.token, size, cursor.link)
    except (NotFound, Rejected) as error:
        if not cursor.link:
            raise
        # One partner that may not be read must not hide the others' customers.
        reason = f"Partner {last_part(cursor.link)}: {error.user_message}"
        return Page(
            next_cursor=_after(ctx, None, cursor.link),
            complete=False,
            incomplete_reason=reason,
        )
    following = _after(ctx, found.token, cursor.link)
    raw = map_customers.raw_customers(found.items)
    if query.raw:
        return Page(raw=raw, next_cursor=following)
    return Page(items=[raw.decode(item) for item in found.items], next_cursor=following)


def _after(ctx: PluginContext, token: str | None, link: str) -> str | None:
    """Cursor of the page that follows: the same list's, or the next partner's."""
    if token is not None:
        return Cursor(token=token, link=link).text()
    coming = link_after(ctx, link)
    return Cursor(link=coming).text() if coming else None


def customer(ctx: PluginContext, query: ask.GetCustomer) -> VendorCustomer:
    """One customer, afresh."""
    return map_customers.customer(client_of(ctx).customer(query.customer_id))


def contacts(ctx: PluginContext, query: ask.ListContacts) -> Page[Contact]:
    """A customer's primary contact."""
    owner = _required(query.owner_id, "owner_id")
    found = map_customers.contact(client_of(ctx).customer(owner))
    return Page(items=() if found is None else (found,))


def subscriptions(
    ctx: PluginContext, query: ask.ListSubscriptions
) -> Page[Subscription]:
    """One page of a customer's entitlements: the API has no list over all (§2.5)."""
    owner = _required(query.customer_id, "customer_id")
    cursor = Cursor.of(query.cursor)
    size = min(query.page_size or ENTITLEMENTS_PAGE, ENTITLEMENTS_PAGE)
    try:
        found = client_of(ctx).entitlements(owner, cursor.token, size)
    except NotFound:
        _forget(ctx, owner)
        raise
    except Rejected:
        _note_read(ctx, owner)  # refused today, it takes its turn again later
        raise
    items = renewals.completed(ctx, owner, found.items)
    wires = [channel.ENTITLEMENT.decode(item) for item in items]
    known = catalogue.offers_for(ctx, wires)
    if found.token is None:
        _note_read(ctx, owner)
    following = Cursor(token=found.token).text() if found.token else None
    if query.raw:
        raw = map_entitlements.raw_entitlements(items, known)
        return Page(raw=raw, next_cursor=following)
    made = [map_entitlements.subscription(w, known.get(w.offer)) for w in wires]
    return Page(items=made, next_cursor=following)


def _note_read(ctx: PluginContext, customer_id: str) -> None:
    runtime: Runtime = ctx.runtime
    with runtime.lock:
        runtime.reading.read_at[customer_id] = ctx.clock.monotonic()


def _forget(ctx: PluginContext, customer_id: str) -> None:
    runtime: Runtime = ctx.runtime
    with runtime.lock:
        runtime.reading.read_at.pop(customer_id, None)


def subscription(ctx: PluginContext, query: ask.GetSubscription) -> Subscription:
    """One entitlement, afresh."""
    entitlement = last_part(query.subscription_id)
    data = client_of(ctx).entitlement(query.customer_id, entitlement)
    found = channel.ENTITLEMENT.decode(data)
    known = catalogue.offers_for(ctx, (found,))
    return map_entitlements.subscription(found, known.get(found.offer))


def orders(ctx: PluginContext, query: ask.ListOrders) -> Page[VendorOrder]:
    """A customer's history, and its operations where the vendor lists them."""
    owner = _required(query.customer_id, "customer_id")
    client = client_of(ctx)
    offers = catalogue.known_offers(ctx)
    made = {
        order.vendor_id: order
        for order in (history.order_of_change(c, offers) for c in client.changes(owner))
    }
    for order in _operations(ctx, client):
        if order.customer_id == owner:
            made[order.vendor_id] = order
    return Page(items=list(made.values()))


def _operations(ctx: PluginContext, client: Client) -> list[VendorOrder]:
    runtime: Runtime = ctx.runtime
    if not runtime.operations_listed:
        return []
    found = client.operations()
    if found is None:
        runtime.operations_listed = False
        return []
    made = (history.order_of_operation(each) for each in found)
    return [order for order in made if order is not None]


def _required(value: str | None, name: str) -> str:
    if not value:
        raise ConfigInvalid(
            "customer_missing",
            "The vendor lists this per customer only.",
            field=name,
            remedy="Name the customer.",
        )
    return value
