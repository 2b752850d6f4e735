"""What lives as long as a connection, and what a listing remembers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import ConfigInvalid, Rejected

from entrepot_ibm import wire
from entrepot_ibm.client import Client
from entrepot_ibm.settings import IbmSettings
from entrepot_ibm.tokens import OWN, TokenAuth, TokenCache

if TYPE_CHECKING:
    from entrepot_ibm.directory import Walk

_MOST_PRICES = 5000


@dataclass(slots=True)
class Runtime:
    """Tokens, walks through the partner's reports, and prices with their ETags."""

    tokens: TokenCache = field(default_factory=TokenCache)
    lock: threading.Lock = field(default_factory=threading.Lock)
    prices: dict[str, tuple[str, bytes]] = field(default_factory=dict, repr=False)
    walks: dict[str, Walk] = field(default_factory=dict, repr=False)
    enterprise: wire.EnterpriseWire | None = None
    units: list[wire.BillingUnitWire] | None = None

    def keep_price(self, plan: str, known: tuple[str, bytes]) -> None:
        """Remember a plan's pricing for the next conditional request."""
        with self.lock:
            if len(self.prices) < _MOST_PRICES or plan in self.prices:
                self.prices[plan] = known


class Cursor(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Where a listing goes on; travels as JSON text."""

    part: str = ""
    token: str | None = None
    row: int = 0
    page: int = 0
    size: int = 0
    kind: str = ""
    market: str = ""

    @classmethod
    def of(cls, text: str | None) -> Cursor:
        """The cursor of a query; a fresh one when there is none."""
        if text is None:
            return cls()
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError:
            raise cursor_lost() from None

    def text(self) -> str:
        """As text for `Page.next_cursor`."""
        return msgspec.json.encode(self).decode()


def cursor_lost() -> Rejected:
    """The refusal of a cursor that nobody here wrote."""
    return Rejected(
        "cursor_invalid",
        "The listing cannot go on from this cursor.",
        remedy="Start the listing again.",
    )


def client_of(ctx: PluginContext, customer: str = OWN) -> Client:
    """A client for our own account, or for a customer's.

    Raises:
        ConfigInvalid: The layout needs a setting that is empty.
    """
    settings: IbmSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    if settings.is_partner and not settings.partner_id:
        raise ConfigInvalid(
            "partner_id_missing",
            "The partner layout needs the partner id.",
            field="partner_id",
            remedy="Enter the enterprise id under which you are a partner.",
        )
    auth = TokenAuth(
        ctx.http, settings, ctx.secrets, ctx.clock, runtime.tokens, customer
    )
    return Client(ctx.http, settings, auth, customer)
