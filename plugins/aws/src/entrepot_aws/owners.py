"""Whose account something belongs to."""

from __future__ import annotations

from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import NotFound

from entrepot_aws.client import Client
from entrepot_aws.customers import is_unit
from entrepot_aws.others import strangers_of
from entrepot_aws.runtime import KEPT, Runtime, transfers_of
from entrepot_aws.settings import AwsSettings

_DEPTH = 6  # units nest five deep below the root


def owner_of(ctx: PluginContext, client: Client, account: str) -> str:
    """The customer an account belongs to; empty when it belongs to none."""
    if not account:
        return ""
    runtime: Runtime = ctx.runtime
    now = ctx.clock.monotonic()
    kept = runtime.owners.get(account, now)
    if kept is not None:
        return kept
    found = _owner(ctx, client, account)
    runtime.owners.put(account, found, now + KEPT)
    return found


def _owner(ctx: PluginContext, client: Client, account: str) -> str:
    settings: AwsSettings = ctx.settings
    if settings.reads_transfers and account in transfers_of(ctx).speaking:
        return account
    if settings.reads_others and account in strangers_of(ctx):
        return account
    top = settings.customers_parent or client.root()
    child = account
    for _ in range(_DEPTH):
        try:
            parent = client.parent(child)
        except NotFound:
            return ""
        if parent == top:
            return child if is_unit(child) else ""
        child = parent
        if not is_unit(child):
            return ""
    return ""
