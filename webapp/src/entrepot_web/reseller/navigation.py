"""The modules of the console that exist and that the person may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString

from entrepot_web.context import actor


@dataclass(frozen=True, slots=True)
class NavLink:
    """One module."""

    name: str
    title: LazyString
    href: str
    icon: str
    permission: str | None


@dataclass(frozen=True, slots=True)
class NavGroup:
    """Modules under one heading."""

    title: LazyString | str
    links: Sequence[NavLink]


_GROUPS = (
    NavGroup("", (NavLink("start", _("Dashboard"), "/", "home", None),)),
    NavGroup(
        _("Manage"),
        (
            NavLink(
                "customers", _("Customers"), "/customers", "users", "customers:read"
            ),
            NavLink(
                "subscriptions",
                _("Subscriptions"),
                "/subscriptions",
                "repeat",
                "subscriptions:read",
            ),
        ),
    ),
    NavGroup(
        _("Integrate"),
        (
            NavLink(
                "connections",
                _("Connections"),
                "/connections",
                "plug",
                "connections:read",
            ),
            NavLink("sync", _("Sync runs"), "/sync-runs", "refresh", "sync:read"),
            NavLink(
                "mapping", _("Mapping"), "/mapping/customers", "link", "mappings:read"
            ),
            NavLink(
                "reconciliation",
                _("Reconciliation"),
                "/reconciliation",
                "scale",
                "reconciliations:read",
            ),
            NavLink("plugins", _("Plugins"), "/plugins", "puzzle", "connections:read"),
        ),
    ),
    NavGroup(
        _("Settings"),
        (
            NavLink(
                "resellers", _("Resellers"), "/resellers", "building", "tenants:read"
            ),
            NavLink("people", _("People"), "/settings/users", "user", "users:read"),
            NavLink(
                "credentials",
                _("API credentials"),
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
