"""Whether anybody may work for a reseller at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.hub.tenants.service import ACTIVE
from entrepot.sdk.errors import NotFound
from entrepot.store.actor import system_actor

if TYPE_CHECKING:
    from entrepot.app import Hub


def tenant_is_open(hub: Hub, tenant_id: str) -> bool:
    """Return whether a reseller exists and isn't suspended."""
    try:
        return hub.tenants.get(system_actor("sign-in"), tenant_id).status == ACTIVE
    except NotFound:
        return False
