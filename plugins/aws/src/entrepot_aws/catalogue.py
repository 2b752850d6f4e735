"""What can be bought: the plugin's own catalogue, plans and Marketplace offers."""

from __future__ import annotations

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.model import Offer, Page

from entrepot_aws.mapping import offers as mapped
from entrepot_aws.mapping import plans
from entrepot_aws.runtime import Cursor, client_of
from entrepot_aws.settings import AwsSettings

_PLANS = "plans"
_PRODUCT = "product"
_MOST = 1000


def list_offers(ctx: PluginContext, query: ask.ListOffers) -> Page[Offer]:
    """The plugin's own catalogue, then Savings Plans, then one product per page."""
    cursor = Cursor.of(query.cursor)
    if cursor.stage == _PRODUCT:
        return _product(ctx, cursor.parent)
    if cursor.stage == _PLANS:
        return _plans(ctx, cursor, min(query.page_size or _MOST, _MOST))
    return Page(items=mapped.fixed(), next_cursor=Cursor(stage=_PLANS).text())


def _plans(ctx: PluginContext, cursor: Cursor, size: int) -> Page[Offer]:
    found = client_of(ctx).plan_offerings(cursor.token, size)
    following = _next_product(ctx, "")
    if found.token is not None:
        following = Cursor(stage=_PLANS, token=found.token).text()
    return Page(
        items=[plans.offer(each) for each in found.items], next_cursor=following
    )


def _product(ctx: PluginContext, product: str) -> Page[Offer]:
    client = client_of(ctx)
    found = [
        offer
        for option in client.purchase_options(product)
        for entity in option.associated_entities
        for offer in mapped.marketplace(
            product, option, client.offer_terms(entity.offer.offer_id)
        )
    ]
    return Page(items=found, next_cursor=_next_product(ctx, product))


def _next_product(ctx: PluginContext, after: str) -> str | None:
    settings: AwsSettings = ctx.settings
    wanted = sorted(set(settings.product_ids))
    left = [product for product in wanted if product > after]
    return Cursor(stage=_PRODUCT, parent=left[0]).text() if left else None
