"""The installed plugins, those that failed included, with their score cards."""

from __future__ import annotations

from flask import Blueprint, Response

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub
from entrepot_web.reseller.pages import page

pages = Blueprint("console_plugins", __name__)


@pages.get("/plugins")
@signed_in("connections:read")
def plugin_list() -> Response:
    """Show what is installed and whether it works."""
    found = hub().plugins.list()
    return page(
        "reseller/plugins.html",
        "plugins",
        plugins=found,
        cards={item.name: hub().scores.find(actor(), item.name) for item in found},
    )
