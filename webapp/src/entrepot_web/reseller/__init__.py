"""The reseller's console: server-rendered pages."""

from __future__ import annotations

from flask import Flask

from entrepot_web.reseller import (
    connections,
    customers,
    mapping,
    plans,
    plugins,
    reconciliation,
    start,
    subscriptions,
    sync_runs,
)
from entrepot_web.reseller.pages import address
from entrepot_web.reseller.present import install_filters

__all__ = ["install_console"]

_MODULES = (
    start,
    connections,
    sync_runs,
    customers,
    subscriptions,
    mapping,
    reconciliation,
    plans,
    plugins,
)


def install_console(app: Flask) -> None:
    """Register every page of the console."""
    install_filters(app)
    app.jinja_env.globals.update(key_of=mapping.key_of, address=address)
    for module in _MODULES:
        app.register_blueprint(module.pages)
