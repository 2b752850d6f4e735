"""What lives as long as a connection, and what a listing remembers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import msgspec
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import Rejected

from entrepot_aws import wire
from entrepot_aws.client import Client
from entrepot_aws.credentials import KeyCache, KeyRing
from entrepot_aws.services import Services
from entrepot_aws.settings import AwsSettings

KEPT = 300.0
"""Seconds for which answers that speak of all customers are kept (one run's needs)."""


@dataclass(slots=True)
class Runtime:
    """What lives as long as a connection: boto3 clients, keys, account-wide answers."""

    services: Services = field(repr=False)
    keys: KeyCache = field(default_factory=KeyCache, repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    transfers: tuple[float, list[wire.TransferWire]] | None = field(
        default=None, repr=False
    )


class Cursor(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Where a listing goes on; travels as JSON text.

    Attributes:
        stage: Which of the listing's parts.
        parent: Unit whose page is asked for.
        waiting: Units still to be read.
        token: The vendor's token within the part.
        after: Last key that was given out of a part that is not paged by the vendor.
    """

    stage: str = ""
    parent: str = ""
    waiting: list[str] = []
    token: str | None = None
    after: str = ""

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


def transfers_of(ctx: PluginContext, *, fresh: bool = False) -> list[wire.TransferWire]:
    """All billing transfers, read once in a while; they cannot be asked by customer."""
    runtime: Runtime = ctx.runtime
    now = ctx.clock.monotonic()
    with runtime.lock:
        kept = runtime.transfers
        if not fresh and kept is not None and now < kept[0]:
            return kept[1]
    found = client_of(ctx).transfers()
    with runtime.lock:
        runtime.transfers = (now + KEPT, found)
    return found
