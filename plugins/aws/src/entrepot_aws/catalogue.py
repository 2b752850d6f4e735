"""What can be bought: the plugin's own catalogue, plans and Marketplace offers."""

from __future__ import annotations

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.model import Offer, Page

from entrepot_aws.mapping import offers as mapped


def list_offers(ctx: PluginContext, query: ask.ListOffers) -> Page[Offer]:
    """The plugin's own catalogue."""
    del ctx, query
    return Page(items=mapped.fixed())
