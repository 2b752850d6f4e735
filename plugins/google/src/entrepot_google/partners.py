"""Customers of channel partners: the resellers below a distributor (§6.5)."""

from __future__ import annotations

from collections.abc import Iterator

from entrepot.sdk.context import PluginContext

from entrepot_google.client import Client
from entrepot_google.runtime import Runtime, client_of
from entrepot_google.settings import GoogleSettings
from entrepot_google.wire import channel

_KEPT = 600.0
_WITH_CUSTOMERS = frozenset({"ACTIVE", "SUSPENDED"})


def links_of(ctx: PluginContext, *, fresh: bool = False) -> list[str]:
    """Names of the partners that may have customers, in order; empty when not wanted.

    An invited partner has none yet, a revoked one is not ours any more.
    """
    settings: GoogleSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    if settings.partners == "off":
        return []
    now = ctx.clock.monotonic()
    with runtime.lock:
        kept = runtime.links
    if not fresh and kept is not None and now < kept[0]:
        return kept[1]
    found = sorted(
        each.name
        for each in client_of(ctx).partner_links()
        if each.link_state in _WITH_CUSTOMERS
    )
    with runtime.lock:
        runtime.links = (now + _KEPT, found)
    return found


def link_after(ctx: PluginContext, link: str) -> str:
    """The partner whose customers follow; empty after the last one.

    Args:
        ctx: The connection.
        link: The partner whose customers were read; empty for our own.
    """
    return next((each for each in links_of(ctx, fresh=not link) if each > link), "")


def every_customer(
    ctx: PluginContext, client: Client
) -> Iterator[channel.CustomerWire]:
    """All customers, our own first."""
    for link in ("", *links_of(ctx, fresh=True)):
        token: str | None = None
        while True:
            page = client.customers(token, link=link)
            for item in page.items:
                yield channel.CUSTOMER.decode(item)
            token = page.token
            if token is None:
                break
