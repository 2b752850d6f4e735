"""Offers: the list, what entitlements were bought under, the partner's own prices."""

from __future__ import annotations

from collections.abc import Iterable

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.sdk.model import Offer, Page

from entrepot_google.client import Client
from entrepot_google.mapping import offers as mapping
from entrepot_google.mapping.spelling import last_part
from entrepot_google.runtime import Cursor, Runtime, Shelf, client_of
from entrepot_google.settings import GoogleSettings
from entrepot_google.wire import catalogue, channel

_PAGE = 500
_LIST_SECONDS = 6 * 3600.0
_MADE_SECONDS = 900.0


def list_offers(ctx: PluginContext, query: ask.ListOffers) -> Page[Offer]:
    """One page of offers; all pages share one reading of the catalogue."""
    runtime: Runtime = ctx.runtime
    cursor = Cursor.of(query.cursor)
    size = min(query.page_size or _PAGE, _PAGE)
    with runtime.lock:
        made = _made(ctx, runtime.shelf, fresh=cursor.row == 0)
    if query.market:
        made = [each for each in made if each.market in ("", query.market)]
    end = cursor.row + size
    following = Cursor(row=end).text() if end < len(made) else None
    return Page(items=made[cursor.row : end], next_cursor=following)


def offers_for(
    ctx: PluginContext, found: Iterable[channel.EntitlementWire]
) -> dict[str, catalogue.OfferWire]:
    """The offers these entitlements were bought under, by resource name.

    Offers leave the catalogue when their price changes; such an offer is asked for
    through its entitlement, once (§5.1).
    """
    runtime: Runtime = ctx.runtime
    client = client_of(ctx)
    known: dict[str, catalogue.OfferWire] = {}
    for each in found:
        offer = _offer(ctx, runtime, client, each)
        if offer is not None:
            known[each.offer] = offer
    return known


def known_offers(ctx: PluginContext) -> dict[str, catalogue.OfferWire]:
    """All offers this process knows by resource name, without asking for more."""
    runtime: Runtime = ctx.runtime
    with runtime.lock:
        return {**runtime.shelf.looked_up, **runtime.shelf.listed}


def _offer(
    ctx: PluginContext,
    runtime: Runtime,
    client: Client,
    entitlement: channel.EntitlementWire,
) -> catalogue.OfferWire | None:
    with runtime.lock:
        shelf = runtime.shelf
        if ctx.clock.monotonic() >= shelf.until:
            _read_list(ctx, client, shelf)
        found = shelf.listed.get(entitlement.offer)
        found = found or shelf.looked_up.get(entitlement.offer)
    if found is not None or not entitlement.offer:
        return found
    parts = entitlement.name.split("/")
    try:
        found = client.offer_of(parts[3], parts[5])
    except (NotFound, Rejected):
        return None
    with runtime.lock:
        shelf.looked_up[entitlement.offer] = found
    return found


def _read_list(ctx: PluginContext, client: Client, shelf: Shelf) -> None:
    shelf.listed = {each.name: each for each in client.offers()}
    shelf.until = ctx.clock.monotonic() + _LIST_SECONDS


def _made(ctx: PluginContext, shelf: Shelf, *, fresh: bool) -> list[Offer]:
    """The offers of one listing.

    Its further pages come from the same reading, or from one that gives the same.
    """
    now = ctx.clock.monotonic()
    if shelf.made and (not fresh or now < shelf.made_until):
        return shelf.made
    client = client_of(ctx)
    _read_list(ctx, client, shelf)
    newest = mapping.newest(shelf.listed.values())
    paid = _paid(ctx, client, newest.values())
    shelf.made = mapping.offers(newest, paid)
    shelf.made_until = now + _MADE_SECONDS
    return shelf.made


def _paid(
    ctx: PluginContext, client: Client, listed: Iterable[catalogue.OfferWire]
) -> dict[str, catalogue.OfferWire]:
    """The partner's own prices by way to buy; empty when they are not wanted."""
    settings: GoogleSettings = ctx.settings
    if settings.prices != "purchasable":
        return {}
    customer = settings.price_customer or _first_customer(client)
    if not customer:
        return {}
    skus = dict.fromkeys(each.sku.name for each in listed if each.sku)
    found: list[catalogue.OfferWire] = []
    for sku in skus:
        try:
            found += client.purchasable_offers(customer, sku)
        except (NotFound, Rejected, Conflict) as error:
            # Not every SKU may be sold to this customer: its cost stays unknown.
            ctx.log.info("price_not_told", sku=sku, code=error.code)
    return mapping.newest(found)


def _first_customer(client: Client) -> str:
    for item in client.customers(None, size=1).items:
        return last_part(channel.CUSTOMER.decode(item).name)
    return ""
