"""The modules of the console that exist and that the person may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot_web.context import actor


@dataclass(frozen=True, slots=True)
class NavLink:
    """One module."""

    name: str
    title: str
    href: str
    icon: str
    permission: str | None
    count: int = 0
    tone: str = ""


@dataclass(frozen=True, slots=True)
class NavGroup:
    """Modules under one heading."""

    title: str
    links: Sequence[NavLink]


_GROUPS = (
    NavGroup("", (NavLink("start", "Dashboard", "/", "home", None),)),
    NavGroup(
        "Manage",
        (
            NavLink("customers", "Customers", "/customers", "users", "customers:read"),
            NavLink(
                "subscriptions",
                "Subscriptions",
                "/subscriptions",
                "repeat",
                "subscriptions:read",
            ),
        ),
    ),
    NavGroup(
        "Integrate",
        (
            NavLink(
                "connections", "Connections", "/connections", "plug", "connections:read"
            ),
            NavLink("sync", "Sync runs", "/sync-runs", "refresh", "sync:read"),
            NavLink(
                "mapping", "Mapping", "/mapping/customers", "link", "mappings:read"
            ),
            NavLink(
                "reconciliation",
                "Reconciliation",
                "/reconciliation",
                "scale",
                "reconciliations:read",
            ),
            NavLink("plugins", "Plugins", "/plugins", "puzzle", "connections:read"),
        ),
    ),
    NavGroup(
        "Settings",
        (
            NavLink("people", "People", "/settings/users", "user", "users:read"),
            NavLink(
                "credentials",
                "API credentials",
                "/settings/credentials",
                "key",
                "credentials:read",
            ),
        ),
    ),
)


def navigation() -> list[NavGroup]:
    """Return the groups with the modules that the actor may open."""
    may = actor().may
    found = []
    for group in _GROUPS:
        links = [
            link
            for link in group.links
            if link.permission is None or may(link.permission)
        ]
        if links:
            found.append(NavGroup(group.title, links))
    return found
