"""Customers that are known by an account alone (reference §1.2, §3.3, §4.2).

They accepted an offer of ours, or are registered with the partner programme, and
neither belong to our organization nor transfer their bill to us.
"""

from __future__ import annotations

from collections.abc import Mapping

from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import NotFound

from entrepot_aws import wire
from entrepot_aws.agreement_calls import PROPOSER
from entrepot_aws.client import Client
from entrepot_aws.runtime import KEPT, Runtime, client_of, transfers_of
from entrepot_aws.settings import AwsSettings


def sold_of(
    ctx: PluginContext, *, fresh: bool = False
) -> Mapping[str, list[wire.AgreementWire]]:
    """Agreements that we proposed, by acceptor; empty when they are not read."""
    settings: AwsSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    if not settings.reads_sold:
        return {}
    now = ctx.clock.monotonic()
    with runtime.lock:
        kept = runtime.sold
    if not fresh and kept is not None and now < kept[0]:
        return kept[1]
    found: dict[str, list[wire.AgreementWire]] = {}
    for each in client_of(ctx).agreements(PROPOSER):
        found.setdefault(each.acceptor.account_id, []).append(each)
    with runtime.lock:
        runtime.sold = (now + KEPT, found)
    return found


def registered_of(
    ctx: PluginContext, *, fresh: bool = False
) -> Mapping[str, wire.RelationshipWire]:
    """Relationships with end customers by account; empty when they are not read."""
    settings: AwsSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    if not settings.reads_partners:
        return {}
    now = ctx.clock.monotonic()
    with runtime.lock:
        kept = runtime.registered
    if not fresh and kept is not None and now < kept[0]:
        return kept[1]
    found = {
        each.associated_account_id: each
        for each in client_of(ctx).relationships()
        if each.associated_account_id
    }
    with runtime.lock:
        runtime.registered = (now + KEPT, found)
    return found


def strangers_of(ctx: PluginContext, *, fresh: bool = False) -> list[str]:
    """Accounts that are customers by themselves, in order."""
    settings: AwsSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    now = ctx.clock.monotonic()
    with runtime.lock:
        kept = runtime.strangers
    if not fresh and kept is not None and now < kept[0]:
        return kept[1]
    known = {*sold_of(ctx, fresh=fresh), *registered_of(ctx, fresh=fresh)} - {""}
    if settings.reads_transfers:
        known -= transfers_of(ctx).speaking.keys()
    client = client_of(ctx)
    own = settings.reads_units
    found = [each for each in sorted(known) if not (own and _is_member(client, each))]
    with runtime.lock:
        runtime.strangers = (now + KEPT, found)
    return found


def _is_member(client: Client, account: str) -> bool:
    """Whether the account belongs to our organization."""
    try:
        client.parent(account)
    except NotFound:
        return False
    return True
