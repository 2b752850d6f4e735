"""What can be bought: the plugin's own catalogue, plans and Marketplace offers."""

from __future__ import annotations

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.model import Offer, Page

from entrepot_aws.agreement_calls import AUTHORIZATION, OFFER
from entrepot_aws.mapping import offers as mapped
from entrepot_aws.mapping import plans
from entrepot_aws.runtime import Cursor, client_of
from entrepot_aws.settings import AwsSettings

_PLANS = "plans"
_PRODUCT = "product"
_OWN = (OFFER, AUTHORIZATION)
_MOST = 1000


def list_offers(ctx: PluginContext, query: ask.ListOffers) -> Page[Offer]:
    """The fixed catalogue, Savings Plans, a product per page, then our own offers."""
    cursor = Cursor.of(query.cursor)
    settings: AwsSettings = ctx.settings
    if cursor.stage in _OWN:
        return _own(ctx, cursor, query.page_size or _MOST)
    if cursor.stage == _PRODUCT:
        return _product(ctx, cursor.parent)
    if cursor.stage == _PLANS:
        return _plans(ctx, cursor, min(query.page_size or _MOST, _MOST))
    fixed = mapped.fixed(support=settings.reads_partners)
    return Page(items=fixed, next_cursor=Cursor(stage=_PLANS).text())


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
    if left:
        return Cursor(stage=_PRODUCT, parent=left[0]).text()
    return Cursor(stage=_OWN[0]).text() if settings.reads_sold else None


def _own(ctx: PluginContext, cursor: Cursor, size: int) -> Page[Offer]:
    """What we offer, then what manufacturers let us resell (§4.3)."""
    found = client_of(ctx).entities(cursor.stage, cursor.token, size)
    made = (mapped.own(each) for each in found.items)
    following: Cursor | None = None
    if found.token is not None:
        following = Cursor(stage=cursor.stage, token=found.token)
    elif cursor.stage == _OWN[0]:
        following = Cursor(stage=_OWN[1])
    return Page(
        items=[each for each in made if each is not None],
        next_cursor=following.text() if following else None,
    )
