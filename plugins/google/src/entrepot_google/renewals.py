"""Renewal settings that some accounts leave out of listings (trap T4)."""

from __future__ import annotations

from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import NotFound, Rejected

from entrepot_google.mapping.spelling import last_part
from entrepot_google.runtime import Runtime, client_of
from entrepot_google.settings import GoogleSettings
from entrepot_google.wire import channel


def completed(ctx: PluginContext, customer_id: str, items: list[bytes]) -> list[bytes]:
    """The listed entitlements, those without renewal settings read one by one.

    Each is asked for once per version and process. One that cannot be read stays as
    it was listed: its renewal is unknown, not off.
    """
    settings: GoogleSettings = ctx.settings
    if settings.renewals == "skip":
        return items
    return [_whole(ctx, customer_id, item) for item in items]


def _whole(ctx: PluginContext, customer_id: str, item: bytes) -> bytes:
    found = channel.ENTITLEMENT.decode(item)
    commitment = found.commitment_settings
    if commitment is None or commitment.renewal_settings is not None:
        return item
    runtime: Runtime = ctx.runtime
    with runtime.lock:
        kept = runtime.whole.get(found.name)
    if kept is not None and kept[0] == found.update_time:
        return kept[1]
    try:
        whole = client_of(ctx).entitlement(customer_id, last_part(found.name))
    except (NotFound, Rejected) as error:
        ctx.log.info("renewal_not_told", name=found.name, code=error.code)
        return item
    with runtime.lock:
        runtime.whole[found.name] = (found.update_time, whole)
    return whole
