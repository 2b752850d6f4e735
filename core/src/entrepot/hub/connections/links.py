"""Addresses of objects in the vendor's or PSA's own console."""

from __future__ import annotations

from entrepot.hub.connections.service import ConnectionService
from entrepot.plugins import Plugins
from entrepot.sdk.errors import ConfigInvalid, Conflict, NotFound
from entrepot.sdk.queries import GetConsoleLink
from entrepot.store import Actor


class ConsoleLinks:
    """Asks plugins where an object can be looked at over there.

    Args:
        plugins: The typed facade.
        connections: Opens connections.
    """

    def __init__(self, plugins: Plugins, connections: ConnectionService) -> None:
        self._plugins = plugins
        self._connections = connections

    def find(
        self,
        actor: Actor,
        connection_id: str,
        kind: str,
        object_id: str,
        parent_id: str = "",
    ) -> str | None:
        """The https address of an object in the other side's console.

        Args:
            actor: Who looks.
            connection_id: Which connection.
            kind: See `GetConsoleLink`.
            object_id: Vendor id.
            parent_id: Vendor id of the owner, where the console needs it.

        Returns:
            The address, or None where the plugin knows none or the connection is
            removed.

        Raises:
            NotFound: There is no such connection for this reseller.
        """
        connection = self._connections.get(actor, connection_id)
        if not self._plugins.has(connection.plugin, "get_console_link"):
            return None
        query = GetConsoleLink(kind=kind, object_id=object_id, parent_id=parent_id)
        try:
            context = self._connections.open(connection_id, idle=True)
            return self._plugins.get_console_link(context, query)
        except (ConfigInvalid, Conflict, NotFound):
            # A missing link is no reason to keep a page from anybody.
            return None
