"""What lives as long as a connection, and what a listing remembers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import Rejected
from entrepot.sdk.model import Offer

from entrepot_microsoft.client import Client
from entrepot_microsoft.graph import Graph
from entrepot_microsoft.settings import MicrosoftSettings
from entrepot_microsoft.signature import CertificateCache
from entrepot_microsoft.tokens import TokenAuth, TokenCache

if TYPE_CHECKING:
    from entrepot_microsoft.exports import Reader


@dataclass(slots=True)
class Runtime:
    """What lives as long as a connection: tokens, certificates, price sheets."""

    tokens: TokenCache = field(default_factory=TokenCache)
    certificates: CertificateCache = field(default_factory=CertificateCache)
    lock: threading.Lock = field(default_factory=threading.Lock)
    exports: dict[str, Reader] = field(default_factory=dict, repr=False)
    sheets: dict[tuple[str, str, str], tuple[float, list[Offer]]] = field(
        default_factory=dict
    )


class Cursor(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Where a listing goes on; travels as JSON text."""

    token: str | None = None
    view: int = 0
    row: int = 0
    day: str | None = None

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


def graph_of(ctx: PluginContext) -> Graph:
    """The calls of the billing export; tokens come from the connection's runtime."""
    settings: MicrosoftSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    auth = TokenAuth(
        ctx.http,
        settings,
        ctx.secrets,
        ctx.clock,
        runtime.tokens,
        settings.graph_audience,
    )
    return Graph(ctx.http, settings, auth)


def client_of(ctx: PluginContext) -> Client:
    """The client of this call; tokens come from the connection's runtime."""
    settings: MicrosoftSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    http = ctx.http
    core, price = (
        TokenAuth(http, settings, ctx.secrets, ctx.clock, runtime.tokens, audience)
        for audience in (settings.core_audience, settings.price_audience)
    )
    return Client(http, settings, core, price)
