"""The hooks about subscriptions: accounts, transfers, and what accounts bought."""

from __future__ import annotations

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import ConfigInvalid, NotFound, Rejected, Retryable
from entrepot.sdk.model import Page, Subscription, SubscriptionStatus

from entrepot_aws.agreement_calls import ACCEPTOR
from entrepot_aws.calls import PAGE
from entrepot_aws.client import Client
from entrepot_aws.credentials import HOME
from entrepot_aws.customers import is_account, is_unit
from entrepot_aws.mapping import accounts as mapped
from entrepot_aws.mapping import agreements, plans
from entrepot_aws.others import sold_of, strangers_of
from entrepot_aws.runtime import Cursor, client_of, transfers_of
from entrepot_aws.settings import AwsSettings
from entrepot_aws.wire import AgreementWire

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
    items = [mapped.account(each, owner) for each in found.items]
    refused = []
    for account in items:
        if _is_open(account):
            reason = _inside(ctx, client, account.vendor_id, owner, items)
            refused += [reason] if reason else []
    return Page(
        items=items,
        next_cursor=following.text() if following else None,
        complete=not refused,
        incomplete_reason=" ".join(refused) or None,
    )


def _is_open(account: Subscription) -> bool:
    """Whether the account's role can be assumed: not in a closed account."""
    return account.sku == mapped.ACCOUNT_SKU and account.status in (
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.UNKNOWN,
    )


def _inside(
    ctx: PluginContext,
    client: Client,
    account: str,
    owner: str,
    found: list[Subscription],
) -> str:
    """Add what an account bought; why it could not be read, or an empty text."""
    settings: AwsSettings = ctx.settings
    if not settings.reads_bought:
        found += _sold(ctx, account, owner)
    if not settings.member_role:
        return ""
    try:
        found += [plans.subscription(p, owner) for p in client.savings_plans(account)]
        if settings.reads_bought:
            # Those that we sold to it are among them.
            found += _agreements(ctx, client, account, owner)
    except Rejected as error:
        return f"Account {account}: {error.user_message}"
    return ""


def _agreements(
    ctx: PluginContext, client: Client, account: str, owner: str
) -> list[Subscription]:
    found = agreements.current(client.agreements(ACCEPTOR, account))
    return _with_terms(ctx, client, found, owner, account)


def _with_terms(
    ctx: PluginContext,
    client: Client,
    found: list[AgreementWire],
    owner: str,
    account: str = HOME,
) -> list[Subscription]:
    """Agreements with what was bought; one that is gone by now is left out."""
    now, made = ctx.clock.now(), []
    for each in found:
        try:
            terms = client.agreement_terms(each.agreement_id, account)
        except NotFound:
            continue
        made += agreements.subscriptions(each, terms, owner, now)
    return made


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
    settings: AwsSettings = ctx.settings
    found = transfers_of(ctx).every.get(owner, ())
    if not found and not (settings.reads_others and owner in strangers_of(ctx)):
        raise NotFound("customer_missing", "AWS knows no customer of this id.")
    items = [mapped.transfer(each, now) for each in found]
    return Page(items=items + _sold(ctx, owner, owner))


def _sold(ctx: PluginContext, account: str, owner: str) -> list[Subscription]:
    """Agreements that we proposed and the account accepted."""
    mine = agreements.current(sold_of(ctx).get(account, ()))
    return _with_terms(ctx, client_of(ctx), mine, owner)


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
    else:
        bought = _bought(ctx, query)
        if bought is not None:
            return bought
    raise NotFound("subscription_missing", "AWS knows no subscription of this id.")


def _bought(ctx: PluginContext, query: ask.GetSubscription) -> Subscription | None:
    """An agreement or plan, looked for in the accounts of its customer."""
    cursor: str | None = None
    while True:
        page = subscriptions(
            ctx, ask.ListSubscriptions(customer_id=query.customer_id, cursor=cursor)
        )
        for each in page.items:
            if each.vendor_id == query.subscription_id:
                return each
        if not page.complete:
            raise Retryable("accounts_not_readable", str(page.incomplete_reason))
        cursor = page.next_cursor
        if cursor is None:
            return None


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
