"""Offers: the catalogue's plans, then the part numbers of the settings (§4.5)."""

from __future__ import annotations

from decimal import Decimal

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import NotFound
from entrepot.sdk.model import Offer, Page

from entrepot_ibm import wire
from entrepot_ibm.client import Client
from entrepot_ibm.mapping import instances, manual, offers
from entrepot_ibm.runtime import Cursor, Runtime, client_of
from entrepot_ibm.settings import IbmSettings

_SERVICES_PER_PAGE = 10
_MANUAL = "manual"


def list_offers(ctx: PluginContext, query: ask.ListOffers) -> Page[Offer]:
    """Plans of a few services per page; the price list of the settings comes last."""
    settings: IbmSettings = ctx.settings
    cursor = Cursor.of(query.cursor)
    if cursor.part == _MANUAL:
        return Page(items=manual.price_list(settings.price_list))
    client = client_of(ctx)
    services, more = client.services(cursor.row, _SERVICES_PER_PAGE)
    made = [offer for each in services for offer in _offers(ctx, client, each)]
    following = Cursor(row=cursor.row + len(services)) if more else Cursor(part=_MANUAL)
    return Page(items=made, next_cursor=following.text())


def _offers(ctx: PluginContext, client: Client, service: wire.EntryWire) -> list[Offer]:
    settings: IbmSettings = ctx.settings
    discount = Decimal(settings.discount) if settings.discount else None
    made = []
    for plan in client.plans(service.id):
        if plan.kind not in ("", "plan"):
            continue
        pricing = _pricing(ctx, client, plan.id)
        made += [
            offers.plan_offer(
                service,
                plan,
                pricing,
                country,
                currency,
                discount,
                key=instances.offer_key(plan.id, country if number else ""),
            )
            for number, (country, currency) in enumerate(settings.markets.items())
        ]
    return made


def _pricing(
    ctx: PluginContext, client: Client, plan_id: str
) -> wire.PricingWire | None:
    """A plan's pricing; None for a plan without one.

    Only this service knows conditional requests (§5.3): an unchanged price costs a
    304 without a body.
    """
    runtime: Runtime = ctx.runtime
    try:
        known = client.pricing(plan_id, runtime.prices.get(plan_id))
    except NotFound:
        return None
    runtime.keep_price(plan_id, known)
    return wire.PRICING.read(known[1])
