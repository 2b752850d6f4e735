"""The hooks about subscriptions: accounts and billing transfers."""

from __future__ import annotations

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import ConfigInvalid, NotFound
from entrepot.sdk.model import Page, Subscription

from entrepot_aws.client import PAGE, Client
from entrepot_aws.customers import is_account, is_unit
from entrepot_aws.mapping import accounts as mapped
from entrepot_aws.runtime import Cursor, client_of, transfers_of

_DEPTH = 6  # units nest five deep below the root


def subscriptions(
    ctx: PluginContext, query: ask.ListSubscriptions
) -> Page[Subscription]:
    """One page of a customer's accounts, or its billing transfers."""
    owner = query.customer_id
    if not owner:
        raise ConfigInvalid(
            "customer_missing",
            "Accounts are listed per customer only.",
            field="customer_id",
            remedy="Name the customer.",
        )
    if is_unit(owner):
        return _of_unit(ctx, owner, query)
    return _of_organization(ctx, owner)


def _of_unit(
    ctx: PluginContext, owner: str, query: ask.ListSubscriptions
) -> Page[Subscription]:
    """Accounts below a unit at any depth, one unit after the other."""
    client = client_of(ctx)
    cursor = Cursor.of(query.cursor)
    unit = cursor.parent or owner
    waiting = list(cursor.waiting)
    if cursor.token is None:
        waiting += _children(client, unit)
    found = client.accounts(unit, cursor.token, query.page_size or PAGE)
    following = None
    if found.token is not None:
        following = Cursor(parent=unit, waiting=waiting, token=found.token)
    elif waiting:
        following = Cursor(parent=waiting[0], waiting=waiting[1:])
    return Page(
        items=[mapped.account(each, owner) for each in found.items],
        next_cursor=following.text() if following else None,
    )


def _children(client: Client, unit: str) -> list[str]:
    found: list[str] = []
    token: str | None = None
    while True:
        page = client.units(unit, token)
        found += [each.id for each in page.items]
        token = page.token
        if token is None:
            return found


def _of_organization(ctx: PluginContext, owner: str) -> Page[Subscription]:
    now = ctx.clock.now()
    found = [
        each for each in transfers_of(ctx) if each.source.management_account_id == owner
    ]
    if not found:
        raise NotFound("customer_missing", "AWS knows no customer of this id.")
    return Page(items=[mapped.transfer(each, now) for each in found])


def subscription(ctx: PluginContext, query: ask.GetSubscription) -> Subscription:
    """One account or billing transfer, afresh.

    Raises:
        NotFound: It does not exist, or belongs to another customer.
    """
    client, wanted = client_of(ctx), query.subscription_id
    if wanted.startswith("rt-"):
        found = mapped.transfer(client.transfer(wanted), ctx.clock.now())
        if found.customer_id == query.customer_id:
            return found
    elif is_account(wanted) and is_unit(query.customer_id):
        account = client.account(wanted)
        if _lies_in(client, wanted, query.customer_id):
            return mapped.account(account, query.customer_id)
    raise NotFound("subscription_missing", "AWS knows no subscription of this id.")


def _lies_in(client: Client, account: str, unit: str) -> bool:
    """Whether an account is below a unit, at any depth."""
    child = account
    for _ in range(_DEPTH):
        parent = client.parent(child)
        if parent == unit:
            return True
        if not is_unit(parent):
            return False
        child = parent
    return False
