"""What lives as long as a connection, and what a listing remembers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import msgspec
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import Offer

from entrepot_google.client import Client, Signers
from entrepot_google.settings import GoogleSettings
from entrepot_google.tokens import BIGQUERY, ORDER, PUBSUB, TokenAuth, TokenCache
from entrepot_google.wire.catalogue import OfferWire
from entrepot_google.wire.signin import JsonKey


@dataclass(slots=True)
class Shelf:
    """The offers of a connection.

    Attributes:
        listed: What is sold now, by resource name.
        until: When the list is read again, by the monotonic clock.
        looked_up: Offers that are sold no more, by resource name; they never change.
        made: The offers of the last listing, in their order.
        made_until: When that listing is made again.
    """

    listed: dict[str, OfferWire] = field(default_factory=dict)
    until: float = 0.0
    looked_up: dict[str, OfferWire] = field(default_factory=dict)
    made: list[Offer] = field(default_factory=list)
    made_until: float = 0.0


@dataclass(slots=True)
class Reading:
    """When which customer was read last, for the rotation (§10.4).

    Attributes:
        read_at: By customer id, by the monotonic clock; 0 for never in this process.
        identities: Our customer id by Cloud Identity id.
        known: Whether all customers are in `read_at`.
        estate: The last estate check; None before the first.
    """

    read_at: dict[str, float] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    known: bool = False
    estate: dict[str, dict[str, str]] | None = None


@dataclass(slots=True)
class Runtime:
    """What lives as long as a connection: tokens, offers, keys, what was read.

    Attributes:
        links: Channel partners with customers, in order, and until when that holds.
        whole: Entitlements that listings show in part: version and bytes by name.
        filed: What files say of the period that was asked for last.
    """

    tokens: TokenCache = field(default_factory=TokenCache)
    shelf: Shelf = field(default_factory=Shelf)
    reading: Reading = field(default_factory=Reading)
    keys: dict[str, JsonKey] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    operations_listed: bool = True
    links: tuple[float, list[str]] | None = None
    whole: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    filed: tuple[str, list[dict[str, str]]] | None = None


class Cursor(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Where a listing goes on; travels as JSON text."""

    token: str | None = None
    link: str = ""
    row: int = 0
    job: str | None = None
    location: str = ""
    acks: list[str] = msgspec.field(default_factory=list)

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
    """The client of this call; tokens come from the connection's runtime."""
    settings: GoogleSettings = ctx.settings
    runtime: Runtime = ctx.runtime

    def signer(scope: str, *, delegated: bool) -> TokenAuth:
        return TokenAuth(
            ctx.http,
            settings,
            ctx.secrets,
            ctx.clock,
            runtime.tokens,
            scope,
            delegated=delegated,
        )

    # Events and the export belong to the service account itself (§2.1, §9).
    signers = Signers(
        order=signer(ORDER, delegated=True),
        pubsub=signer(PUBSUB, delegated=False),
        bigquery=signer(BIGQUERY, delegated=False),
    )
    return Client(ctx.http, settings, signers, ctx.clock.sleep)
