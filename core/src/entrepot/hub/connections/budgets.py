"""How much of a connection's request budget is used."""

from __future__ import annotations

from collections.abc import Iterator

from entrepot.hub.connections.opener import Collaborators
from entrepot.hub.connections.runtime import effective_quotas
from entrepot.hub.connections.tables import Connection
from entrepot.hub.connections.views import BudgetView


def budgets(parts: Collaborators, row: Connection) -> Iterator[BudgetView]:
    """The quotas of a connection with what was taken of them, in the plugin's order.

    Raises:
        ConfigInvalid: Its plugin isn't loaded.
    """
    info = parts.plugins.info(row.plugin)
    effective = effective_quotas(info, row.quotas)
    for documented in info.quotas:
        quota = effective.get(documented.name)
        key = f"{row.tenant_id}/{row.id}/{documented.name}"
        waits, used = None, 0.0
        if parts.quota is not None:
            waits = parts.quota.paused_until(key)
            owed = parts.quota.owed_seconds(key)
            if quota is not None:
                used = owed * quota.requests / quota.seconds / quota.burst
        yield BudgetView(
            name=documented.name,
            requests=quota.requests if quota else None,
            seconds=quota.seconds if quota else documented.seconds,
            burst=quota.burst if quota else documented.burst,
            documented=quota == documented,
            taken=parts.quota.taken(key) if parts.quota else 0,
            used=used,
            paused_until=waits,
        )
