"""Charges without a cost export: sums of the vendor's, charges of agreements.

What they say is never final: the invoice is.
"""

from __future__ import annotations

from datetime import date

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import Charge, Page
from entrepot.sdk.model.time import add_months

from entrepot_aws import wire
from entrepot_aws.agreement_calls import ACCEPTOR
from entrepot_aws.client import Client
from entrepot_aws.credentials import HOME
from entrepot_aws.mapping import agreements
from entrepot_aws.mapping import charges as mapped
from entrepot_aws.owners import owner_of
from entrepot_aws.runtime import Cursor, billing_of, client_of, transfers_of
from entrepot_aws.settings import AwsSettings

SUMS = "explorer"
BOUGHT = "bought"


def next_month(month: str, months: list[str]) -> str | None:
    """Cursor of the month that follows; None after the last one."""
    later = [each for each in months if each > month]
    return Cursor(parent=later[0]).text() if later else None


def sums(ctx: PluginContext, cursor: Cursor, months: list[str]) -> Page[Charge]:
    """One page of a month's sums, from where the settings say (§3.4, §3.5)."""
    settings: AwsSettings = ctx.settings
    month = cursor.parent or months[0]
    by_group = settings.preview == "billing_groups"
    made, token = (_by_group if by_group else _by_service)(ctx, month, cursor.token)
    following = next_month(month, months)
    if token is not None:
        following = Cursor(stage=SUMS, parent=month, token=token).text()
    elif following is None and settings.reads_agreement_charges:
        following = Cursor(stage=BOUGHT).text()
    return Page(
        items=[each for each in made if each is not None], next_cursor=following
    )


def _by_service(
    ctx: PluginContext, month: str, token: str | None
) -> tuple[list[Charge | None], str | None]:
    """Cost Explorer's sums by account and service."""
    settings: AwsSettings = ctx.settings
    client, first = client_of(ctx), date.fromisoformat(f"{month}-01")
    found = client.costs(
        first.isoformat(),
        add_months(first, 1).isoformat(),
        token,
        only_aws=settings.reads_agreement_charges,
    )
    made = [
        mapped.preview(result, group, owner_of(ctx, client, group.keys[0]))
        for result in found.items
        for group in result.groups
    ]
    return made, found.token


def _by_group(
    ctx: PluginContext, month: str, token: str | None
) -> tuple[list[Charge | None], str | None]:
    """Billing Conductor's sums by billing group."""
    client, groups = client_of(ctx), billing_of(ctx).groups
    found = client.cost_reports(month, token)
    made: list[Charge | None] = []
    for report in found.items:
        group = groups.get(report.arn)
        owner = owner_of(ctx, client, _account_of(ctx, group)) if group else ""
        made.append(mapped.report(report, group, month, owner))
    return made, found.token


def _account_of(ctx: PluginContext, group: wire.BillingGroupWire) -> str:
    """The account that names the customer of a billing group."""
    arn = group.account_grouping.responsibility_transfer_arn
    for account, found in transfers_of(ctx).every.items() if arn else ():
        if any(each.arn == arn for each in found):
            return account
    return group.primary_account_id


# Charges of agreements


def bought(ctx: PluginContext, query: ask.ListCharges, cursor: Cursor) -> Page[Charge]:
    """What the agreements of the organization's accounts ask for (§4.2).

    One page of accounts at a time; an account whose role cannot be assumed makes the
    page incomplete.
    """
    client = client_of(ctx)
    home, found = client.caller(), client.members(cursor.token)
    items: list[Charge] = []
    refused = []
    for each in found.items:
        owner = owner_of(ctx, client, each.id)
        closed = (each.state or each.status) in ("SUSPENDED", "CLOSED")
        if closed or query.customer_id not in (None, owner):
            continue
        account = HOME if each.id == home else each.id
        try:
            items += _of_account(ctx, client, account, query, owner)
        except Rejected as error:
            refused.append(f"Account {each.id}: {error.user_message}")
    following = Cursor(stage=BOUGHT, token=found.token) if found.token else None
    return Page(
        items=items,
        next_cursor=following.text() if following else None,
        complete=not refused,
        incomplete_reason=" ".join(refused) or None,
    )


def _of_account(
    ctx: PluginContext, client: Client, account: str, query: ask.ListCharges, owner: str
) -> list[Charge]:
    charges = [
        each
        for each in client.agreement_charges(account)
        if (day := mapped.charged_on(each)) is not None and day in query.period
    ]
    if not charges:
        return []
    known = {a.agreement_id: a for a in client.agreements(ACCEPTOR, account)}
    held = {
        each.agreement_id: agreements.subscriptions(
            known[each.agreement_id],
            client.agreement_terms(each.agreement_id, account),
            owner,
            ctx.clock.now(),
        )
        for each in charges
        if each.agreement_id in known
    }
    made = (mapped.agreed(c, held.get(c.agreement_id, ()), owner) for c in charges)
    return [each for each in made if each is not None]
