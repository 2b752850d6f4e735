"""What lives as long as a connection, and what a listing remembers."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import msgspec
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import Rejected

from entrepot_aws import wire
from entrepot_aws.client import Client
from entrepot_aws.credentials import KeyRing
from entrepot_aws.export import Reader
from entrepot_aws.kept import Kept
from entrepot_aws.mapping.billing import Billing, billing
from entrepot_aws.mapping.customers import speaking
from entrepot_aws.services import Keys, Services
from entrepot_aws.settings import AwsSettings

KEPT = 300.0
"""Seconds for which answers that speak of all customers are kept (one run's needs)."""
_OWNERS = 100_000  # lines of a month name accounts in any order


@dataclass(frozen=True, slots=True)
class Transfers:
    """Billing transfers by the account that transfers.

    Attributes:
        every: All of an account.
        speaking: The one that tells its state, in order of accounts.
        accounts: The accounts in their order.
    """

    every: Mapping[str, list[wire.TransferWire]]
    speaking: Mapping[str, wire.TransferWire]
    accounts: list[str]

    @classmethod
    def of(cls, found: list[wire.TransferWire]) -> Transfers:
        """Sorted by account."""
        every: dict[str, list[wire.TransferWire]] = {}
        for each in found:
            every.setdefault(each.source.management_account_id, []).append(each)
        chosen = speaking(found)
        return cls(every, chosen, list(chosen))


@dataclass(slots=True)
class Runtime:
    """What lives as long as a connection: boto3 clients, keys, account-wide answers."""

    services: Services = field(repr=False)
    keys: Kept[Keys] = field(default_factory=Kept, repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    transfers: tuple[float, Transfers] | None = field(default=None, repr=False)
    billing: tuple[float, Billing] | None = field(default=None, repr=False)
    sold: tuple[float, dict[str, list[wire.AgreementWire]]] | None = field(
        default=None, repr=False
    )
    registered: tuple[float, dict[str, wire.RelationshipWire]] | None = field(
        default=None, repr=False
    )
    strangers: tuple[float, list[str]] | None = field(default=None, repr=False)
    owners: Kept[str] = field(default_factory=lambda: Kept(_OWNERS), repr=False)
    invoices: dict[str, tuple[float, dict[str, date]]] = field(
        default_factory=dict, repr=False
    )
    readers: dict[str, Reader] = field(default_factory=dict, repr=False)


class Cursor(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Where a listing goes on; travels as JSON text.

    Attributes:
        stage: Which of the listing's parts.
        parent: Unit whose page is asked for.
        waiting: Units still to be read.
        token: The vendor's token within the part.
        place: Number of lines given out of the month.
        after: Last key that was given out of a part that is not paged by the vendor.
    """

    stage: str = ""
    parent: str = ""
    waiting: list[str] = []
    token: str | None = None
    after: str = ""
    place: int = 0

    @classmethod
    def of(cls, text: str | None) -> Cursor:
        """The cursor of a query; a fresh one when there is none."""
        if text is None:
            return cls()
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError:
            raise Rejected(
                "cursor_invalid",
                "The listing cannot go on from this cursor.",
                remedy="Start the listing again.",
            ) from None

    def text(self) -> str:
        """As text for `Page.next_cursor`."""
        return msgspec.json.encode(self).decode()


def client_of(ctx: PluginContext) -> Client:
    """The client of this call; keys come from the connection's runtime."""
    settings: AwsSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    ring = KeyRing(
        runtime.services, ctx.http, settings, ctx.secrets, ctx.clock, runtime.keys
    )
    return Client(runtime.services, ctx.http, ring)


def transfers_of(ctx: PluginContext, *, fresh: bool = False) -> Transfers:
    """All billing transfers, read once in a while; they cannot be asked by customer."""
    runtime: Runtime = ctx.runtime
    now = ctx.clock.monotonic()
    with runtime.lock:
        kept = runtime.transfers
        if not fresh and kept is not None and now < kept[0]:
            return kept[1]
    found = Transfers.of(client_of(ctx).transfers())
    with runtime.lock:
        runtime.transfers = (now + KEPT, found)
    return found


def billing_of(ctx: PluginContext) -> Billing:
    """Billing groups and mark-ups, read once in a while; empty without the right."""
    runtime: Runtime = ctx.runtime
    now = ctx.clock.monotonic()
    with runtime.lock:
        kept = runtime.billing
    if kept is not None and now < kept[0]:
        return kept[1]
    try:
        found = _billing(client_of(ctx))
    except Rejected as error:
        ctx.log.warning("billing_groups_not_readable", code=error.code)
        found = Billing()
    with runtime.lock:
        runtime.billing = (now + KEPT, found)
    return found


def _billing(client: Client) -> Billing:
    groups = client.billing_groups()
    plans = {group.computation_preference.pricing_plan_arn for group in groups} - {""}
    if not plans:
        return billing(groups, (), (), {})
    rules_of = {plan: client.rules_of_plan(plan) for plan in sorted(plans)}
    return billing(groups, client.pricing_plans(), client.pricing_rules(), rules_of)
