"""Reading hooks: customers and subscriptions of both layouts."""

from __future__ import annotations

import re
from datetime import datetime

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import ConfigInvalid, NotFound, Rejected
from entrepot.sdk.model import CheckResult, Page, Subscription, VendorCustomer

from entrepot_ibm import wire
from entrepot_ibm.client import MOST, Client
from entrepot_ibm.directory import directory_page, recent_months
from entrepot_ibm.mapping import commitments, instances, manual, parties
from entrepot_ibm.runtime import Cursor, Runtime, client_of
from entrepot_ibm.settings import OFF, PROFILE, IbmSettings
from entrepot_ibm.tokens import OWN, customer_keys, may_read_instances, no_credential

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_INSTANCES = "instances"


def check(ctx: PluginContext) -> CheckResult:
    """Sign in and read who we are."""
    settings: IbmSettings = ctx.settings
    manual.price_list(settings.price_list)
    customer_keys(ctx.secrets)
    if settings.is_partner:
        name = client_of(ctx).partner_name() or settings.partner_id
        return CheckResult(
            account_name=name,
            details=(("Layout", "Partner programme"), ("Cost as", settings.viewpoint)),
            warnings=_warnings(settings),
            base_currency=settings.currency,
            time_zone="UTC",
        )
    own, unit = enterprise(ctx), billing_unit(ctx)
    return CheckResult(
        account_name=own.name or own.id,
        details=(("Layout", "Own enterprise"), ("Enterprise", own.id)),
        warnings=_warnings(settings),
        base_currency=unit.currency_code if unit else settings.currency,
        time_zone="UTC",
    )


def _warnings(settings: IbmSettings) -> tuple[str, ...]:
    if settings.instances == OFF:
        return ("Resource instances are not read.",)
    if settings.instances == PROFILE and not settings.trusted_profile:
        return ("Resource instances cannot be read: the profile has no name.",)
    return ()


# Customers


def customers(ctx: PluginContext, query: ask.ListCustomers) -> Page[VendorCustomer]:
    """One page of accounts, or of the partner's directory."""
    settings: IbmSettings = ctx.settings
    if settings.is_partner:
        return directory_page(ctx, query)
    cursor = Cursor.of(query.cursor)
    size = min(query.page_size or MOST, MOST)
    found = client_of(ctx).accounts(enterprise(ctx).id, cursor.token, size)
    unit = billing_unit(ctx)
    accounts = [wire.ACCOUNT.read(item) for item in found.items]
    following = Cursor(token=found.token).text() if found.token else None
    return Page(
        items=[parties.account(each, unit) for each in accounts],
        next_cursor=following,
    )


def customer(ctx: PluginContext, query: ask.GetCustomer) -> VendorCustomer:
    """One customer, read afresh.

    Raises:
        NotFound: Neither an account of the enterprise nor in the partner's reports.
    """
    settings: IbmSettings = ctx.settings
    if settings.is_partner:
        return parties.partner_customer(_partner_customer(ctx, query.customer_id))
    found = client_of(ctx).account(query.customer_id)
    return parties.account(found, billing_unit(ctx))


def _partner_customer(ctx: PluginContext, customer_id: str) -> parties.PartnerCustomer:
    client = client_of(ctx)
    for month in recent_months(ctx):
        options = client.options(month, customer_id)
        reports = [] if options else client.reports(month, customer_id)
        for found in parties.directory(options, reports):
            if found.id == customer_id:
                return found
    raise NotFound(
        "customer_not_found", "The partner's reports do not know this customer."
    )


def enterprise(ctx: PluginContext) -> wire.EnterpriseWire:
    """Our enterprise: the named one, or the only one.

    Raises:
        ConfigInvalid: The key sees none, or several.
    """
    settings: IbmSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    if runtime.enterprise is None:
        runtime.enterprise = _find_enterprise(client_of(ctx), settings.enterprise_id)
    return runtime.enterprise


def _find_enterprise(client: Client, wanted: str) -> wire.EnterpriseWire:
    if wanted:
        return client.enterprise(wanted)
    found = client.enterprises()
    if len(found) == 1:
        return found[0]
    text = "no enterprise" if not found else f"{len(found)} enterprises"
    raise ConfigInvalid(
        "enterprise_not_clear",
        f"The API key sees {text}.",
        field="enterprise_id",
        remedy="Enter the id of your enterprise.",
    )


def billing_unit(ctx: PluginContext) -> wire.BillingUnitWire | None:
    """The enterprise's master billing unit; None when it has none."""
    found = billing_units(ctx)
    return next((unit for unit in found if unit.master), found[0] if found else None)


def billing_units(ctx: PluginContext) -> list[wire.BillingUnitWire]:
    """All billing units of the enterprise, read once per connection."""
    runtime: Runtime = ctx.runtime
    if runtime.units is None:
        runtime.units = client_of(ctx).billing_units(enterprise(ctx).id)
    return runtime.units


# Subscriptions


def subscriptions(
    ctx: PluginContext, query: ask.ListSubscriptions
) -> Page[Subscription]:
    """Commitments and licences first, then instances state by state."""
    owner = required(query.customer_id)
    cursor = Cursor.of(query.cursor)
    if cursor.part == _INSTANCES:
        return _instances_page(ctx, owner, cursor, query)
    found, options = _contracts(ctx, owner)
    kind = _kind(options)
    if not _reads_instances(ctx, owner):
        return Page(items=found)
    if _out_of_reach(ctx, owner, kind):
        text = "Instances of an enterprise customer need a key of one of its accounts."
        return Page(items=found, complete=False, incomplete_reason=text)
    market = _market(ctx, owner, options)
    following = Cursor(part=_INSTANCES, kind=kind, market=market)
    if not found:
        return _instances_page(ctx, owner, following, query)
    return Page(items=found, next_cursor=following.text())


def subscription(ctx: PluginContext, query: ask.GetSubscription) -> Subscription:
    """One subscription, afresh.

    Raises:
        NotFound: The vendor does not know it.
        Rejected: We have no credential for the customer's account.
    """
    owner, wanted = query.customer_id, query.subscription_id
    if not _GUID.fullmatch(wanted):
        found = next(
            (s for s in _contracts(ctx, owner)[0] if s.vendor_id == wanted), None
        )
        if found is None:
            raise NotFound("subscription_not_found", "There is no such commitment.")
        return found
    settings: IbmSettings = ctx.settings
    try:
        if not _reads_instances(ctx, owner):
            raise no_credential()
        data = client_of(ctx, _signer(ctx, owner)).instance(wanted)
    except Rejected:
        # Without access it matters whether the customer is still there at all.
        customer(ctx, ask.GetCustomer(customer_id=owner))
        raise
    market = ""
    if settings.is_partner and len(settings.markets) > 1:
        options = client_of(ctx).options(f"{ctx.clock.now():%Y-%m}", owner)
        market = _market(ctx, owner, options)
    return instances.decode_instance(
        data, customer_id=owner, quantity_keys=settings.quantities, market=market
    )


def _market(ctx: PluginContext, owner: str, options: list[wire.OptionWire]) -> str:
    """Country whose prices hold for a customer; empty for the connection's own.

    It stands in billing options and usage only, so without options it takes a call.
    """
    settings: IbmSettings = ctx.settings
    if not settings.is_partner or len(settings.markets) < 2:
        return ""
    told = next((each.country_code for each in options if each.country_code), "")
    for month in recent_months(ctx) if not told else ():
        reports = client_of(ctx).reports(month, owner)
        told = next((each.country_code for each in reports if each.country_code), "")
        if told:
            break
    known = told.upper() in settings.markets and told.upper() != settings.country
    return told.upper() if known else ""


def _kind(options: list[wire.OptionWire]) -> str:
    kinds = [option.customer_type.upper() for option in options if option.customer_type]
    return kinds[-1] if kinds else ""


def _contracts(
    ctx: PluginContext, owner: str
) -> tuple[list[Subscription], list[wire.OptionWire]]:
    """Commitments and licences of a customer, and the billing options behind them."""
    settings: IbmSettings = ctx.settings
    now = ctx.clock.now()
    offers = {offer.sku: offer for offer in manual.price_list(settings.price_list)}
    names = {sku: offer.name for sku, offer in offers.items()}
    options, pools = credit(ctx, owner, now)
    made = commitments.commitments(
        options, pools, owner, now, names=names, fallback_currency=settings.currency
    )
    made += manual.entitlements(settings.entitlements, owner, offers, now)
    return made, options


def credit(
    ctx: PluginContext, owner: str, when: datetime
) -> tuple[list[wire.OptionWire], list[wire.PoolWire]]:
    """Billing options and credit pools of a customer in the month of a moment.

    In the enterprise layout they are the enterprise's and stand on its own account.
    """
    settings: IbmSettings = ctx.settings
    client, month = client_of(ctx), f"{when:%Y-%m}"
    if settings.is_partner:
        options = client.options(month, owner)
        return options, client.pools(month, owner) if options else []
    if owner != enterprise(ctx).enterprise_account_id:
        return [], []
    options, pools = [], []
    for unit in billing_units(ctx):
        options += client.unit_options(unit.id)
        pools += client.unit_pools(unit.id, month)
    return options, pools


def _instances_page(
    ctx: PluginContext, owner: str, cursor: Cursor, query: ask.ListSubscriptions
) -> Page[Subscription]:
    """The next page that holds something; empty states cost no page of ours."""
    settings: IbmSettings = ctx.settings
    client = client_of(ctx, _signer(ctx, owner))
    size = min(query.page_size or MOST, MOST)
    state, token = cursor.row, cursor.token
    while True:
        found = client.instances(instances.STATES[state], token, size)
        token = found.token
        state += token is None
        if found.items or state == len(instances.STATES):
            break
    raw = instances.raw_instances(
        found.items, owner, settings.quantities, cursor.market
    )
    _same_account(ctx, owner, cursor.kind, found.items)
    ended = state == len(instances.STATES)
    following = Cursor(
        part=_INSTANCES,
        row=state,
        token=token,
        kind=cursor.kind,
        market=cursor.market,
    )
    more = None if ended else following.text()
    if query.raw:
        return Page(raw=raw, next_cursor=more)
    return Page(items=[raw.decode(item) for item in raw.items], next_cursor=more)


def _same_account(
    ctx: PluginContext, owner: str, kind: str, items: list[bytes]
) -> None:
    """Refuse instances of another account: the key is somebody else's (T19)."""
    settings: IbmSettings = ctx.settings
    if settings.is_partner and kind != "ACCOUNT":
        return
    for account in {wire.INSTANCE.read(item).account_id for item in items[:1]}:
        if account and account != owner:
            raise Rejected(
                "credential_of_other_account",
                "The credential for this customer belongs to another account.",
                detail=f"customer {owner}, account {account}",
                field="customer_keys",
                remedy="Enter an API key that was made in the customer's account.",
            )


def _reads_instances(ctx: PluginContext, owner: str) -> bool:
    settings: IbmSettings = ctx.settings
    if settings.instances == OFF:
        return False
    if _signer(ctx, owner) == OWN:
        return True
    return may_read_instances(settings, ctx.secrets, owner)


def _signer(ctx: PluginContext, owner: str) -> str:
    """Whose token reads an account: ours for the enterprise's own account."""
    settings: IbmSettings = ctx.settings
    if not settings.is_partner and owner == enterprise(ctx).enterprise_account_id:
        return OWN
    return owner


def _out_of_reach(ctx: PluginContext, owner: str, kind: str) -> bool:
    """A trusted profile needs an account; an enterprise or a group is none."""
    if kind in ("", "ACCOUNT"):
        return False
    return owner not in customer_keys(ctx.secrets)


def required(customer_id: str | None) -> str:
    """The customer of a query.

    Raises:
        ConfigInvalid: It names none.
    """
    if not customer_id:
        raise ConfigInvalid(
            "customer_missing",
            "The vendor lists this per customer only.",
            field="customer_id",
            remedy="Name the customer.",
        )
    return customer_id
