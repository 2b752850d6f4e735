"""Offers out of price sheets, catalogue and old commerce (reference §3)."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.model import Offer, Page

from entrepot_microsoft.mapping import offers
from entrepot_microsoft.runtime import Cursor, Runtime, client_of
from entrepot_microsoft.settings import MicrosoftSettings

_PRODUCTS_PER_PAGE = 10
_ROWS_PER_PAGE = 1000
_SHEET_SECONDS = 900.0


def list_offers(ctx: PluginContext, query: ask.ListOffers) -> Page[Offer]:
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
