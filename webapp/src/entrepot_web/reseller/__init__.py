"""The reseller's console: server-rendered pages."""

from __future__ import annotations

from flask import Flask

from entrepot_web.context import actor
from entrepot_web.reseller import (
    charges,
    comparisons,
    connections,
    customer_forms,
    customer_notifications,
    customer_sets,
    customer_work,
    customers,
    differences,
    mapping,
    mapping_shares,
    people,
    plans,
    plugins,
    profile,
    reconciliation,
    rules,
    start,
    subscription,
    subscriptions,
    sync_runs,
)
from entrepot_web.reseller.mapping_pairs import key_of
from entrepot_web.reseller.pages import address
from entrepot_web.reseller.present import install_filters

__all__ = ["install_console"]

_MODULES = (
    start,
    connections,
    sync_runs,
    customers,
    customer_forms,
    customer_notifications,
    customer_work,
    customer_sets,
    profile,
    subscriptions,
    subscription,
    charges,
    mapping,
    mapping_shares,
    reconciliation,
    differences,
    rules,
    comparisons,
    plans,
    plugins,
    people,
)


def install_console(app: Flask) -> None:
    """Register every page of the console."""
    install_filters(app)
    app.jinja_env.globals.update(key_of=key_of, address=address, may=_may)
    for module in _MODULES:
        app.register_blueprint(module.pages)


def _may(permission: str) -> bool:
    """Return whether the person who looks may do something; services decide again."""
    return actor().may(permission)
