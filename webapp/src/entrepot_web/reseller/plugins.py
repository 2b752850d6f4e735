"""The installed plugins, those that failed included."""

from __future__ import annotations

from flask import Blueprint, Response

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import hub
from entrepot_web.reseller.pages import page

pages = Blueprint("console_plugins", __name__)


@pages.get("/plugins")
@signed_in("connections:read")
def plugin_list() -> Response:
    """Show what is installed and whether it works."""
    return page("reseller/plugins.html", "plugins", plugins=hub().plugins.list())
