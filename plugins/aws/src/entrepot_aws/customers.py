"""The hooks about customers: units of our organization, transferred organizations."""

from __future__ import annotations

from bisect import bisect_right

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import ConfigInvalid, NotFound
from entrepot.sdk.model import CheckResult, Page, VendorCustomer

from entrepot_aws.calls import PAGE
from entrepot_aws.mapping import customers as mapped
from entrepot_aws.mapping.spelling import domain_of
from entrepot_aws.others import registered_of, strangers_of
from entrepot_aws.runtime import Cursor, billing_of, client_of, transfers_of
from entrepot_aws.settings import AwsSettings

UNITS = "units"
TRANSFERS = "transfers"
OTHERS = "others"
_TRANSFERS = 500  # of our own making: the vendor's listing is read whole


def is_unit(customer_id: str) -> bool:
    """Whether a customer is a unit of our organization."""
    return customer_id.startswith("ou-")


def is_account(vendor_id: str) -> bool:
    """Whether an id is that of an account."""
    return len(vendor_id) == 12 and vendor_id.isdigit()


def check(ctx: PluginContext) -> CheckResult:
    """Sign in and read the organization."""
    client = client_of(ctx)
    settings: AwsSettings = ctx.settings
    account = client.caller()
    found = client.organization()
    if found.master_account_id and found.master_account_id != account:
        raise ConfigInvalid(
            "not_management_account",
            f"This is account {account}, but {found.master_account_id} manages "
            "the organization.",
            field="role_arn",
            remedy="Use a role of the organization's management account.",
        )
    return CheckResult(
        account_name=f"{found.id} ({account})",
        details=(
            ("Organization", found.id),
            ("Management account", account),
            ("Features", found.feature_set),
            ("Layout", settings.layout.replace("_", " ")),
            ("Cost export", settings.cur_bucket or "none, Cost Explorer only"),
        ),
        warnings=_warnings(settings, found.feature_set),
        base_currency="USD",
        time_zone="UTC",
    )


def _warnings(settings: AwsSettings, features: str) -> tuple[str, ...]:
    found = []
    if features == "CONSOLIDATED_BILLING":
        found.append("The organization has billing features only.")
    if not settings.cur_bucket:
        found.append("Charges are estimates of Cost Explorer until a bucket is set.")
    return tuple(found)


def customers(ctx: PluginContext, query: ask.ListCustomers) -> Page[VendorCustomer]:
    """One page of customers: units, transferred organizations, single accounts."""
    settings: AwsSettings = ctx.settings
    cursor = Cursor.of(query.cursor)
    first = UNITS if settings.reads_units else TRANSFERS
    if (cursor.stage or first) == UNITS:
        return _units(ctx, cursor, query.page_size or PAGE)
    if (cursor.stage or first) == TRANSFERS and settings.reads_transfers:
        return _transferred(ctx, cursor, query.page_size or _TRANSFERS)
    return _others(ctx, cursor, query.page_size or _TRANSFERS)


def _units(ctx: PluginContext, cursor: Cursor, size: int) -> Page[VendorCustomer]:
    settings: AwsSettings = ctx.settings
    client = client_of(ctx)
    parent = cursor.parent or settings.customers_parent or client.root()
    found = client.units(parent, cursor.token, size)
    following: Cursor | None = None
    if found.token is not None:
        following = Cursor(stage=UNITS, parent=parent, token=found.token)
    elif settings.reads_transfers:
        following = Cursor(stage=TRANSFERS)
    elif settings.reads_others:
        following = Cursor(stage=OTHERS)
    return Page(
        items=[mapped.unit_customer(unit) for unit in found.items],
        next_cursor=following.text() if following else None,
    )


def _transferred(ctx: PluginContext, cursor: Cursor, size: int) -> Page[VendorCustomer]:
    transfers = transfers_of(ctx, fresh=not cursor.after)
    known, start = transfers.speaking, bisect_right(transfers.accounts, cursor.after)
    now, shown = ctx.clock.now(), transfers.accounts[start : start + size]
    groups = billing_of(ctx).by_transfer
    settings: AwsSettings = ctx.settings
    more = Cursor(stage=OTHERS) if settings.reads_others else None
    if start + size < len(known):
        more = Cursor(stage=TRANSFERS, after=shown[-1])
    registered = registered_of(ctx, fresh=not cursor.after)
    return Page(
        items=[
            mapped.transfer_customer(
                known[each],
                now,
                groups.get(known[each].arn, {}) | mapped.partner(registered.get(each)),
            )
            for each in shown
        ],
        next_cursor=more.text() if more else None,
    )


def _others(ctx: PluginContext, cursor: Cursor, size: int) -> Page[VendorCustomer]:
    known = strangers_of(ctx, fresh=not cursor.after)
    start, now = bisect_right(known, cursor.after), ctx.clock.now()
    shown, registered = known[start : start + size], registered_of(ctx)
    last = start + size >= len(known)
    more = None if last else Cursor(stage=OTHERS, after=shown[-1])
    return Page(
        items=[mapped.stranger(each, registered.get(each), now) for each in shown],
        next_cursor=more.text() if more else None,
    )


def customer(ctx: PluginContext, query: ask.GetCustomer) -> VendorCustomer:
    """One customer with all that is known.

    Raises:
        NotFound: There is no such unit or transfer.
    """
    if is_unit(query.customer_id):
        return _unit(ctx, query.customer_id)
    wanted, now = query.customer_id, ctx.clock.now()
    found = transfers_of(ctx, fresh=True).speaking.get(wanted)
    registered = registered_of(ctx, fresh=True).get(wanted)
    if found is not None:
        known = billing_of(ctx).by_transfer.get(found.arn, {})
        return mapped.transfer_customer(found, now, known | mapped.partner(registered))
    if wanted in strangers_of(ctx, fresh=True):
        return mapped.stranger(wanted, registered, now)
    raise NotFound("customer_missing", "AWS knows no customer of this id.")


def _unit(ctx: PluginContext, unit_id: str) -> VendorCustomer:
    client = client_of(ctx)
    found = client.unit(unit_id)
    own = domain_of(client.organization().master_account_email)
    accounts = client.accounts(unit_id).items
    groups = billing_of(ctx).of_accounts(each.id for each in accounts)
    registered = registered_of(ctx)
    for each in accounts:
        groups = groups | mapped.partner(registered.get(each.id))
    return mapped.unit_details(found, accounts, client.tags(unit_id), own, groups)
