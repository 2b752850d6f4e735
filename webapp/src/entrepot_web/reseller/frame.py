"""Registers what surrounds the modules: search, help, notices, preferences."""

from __future__ import annotations

from flask import Flask

from entrepot_web.core_words import said, told
from entrepot_web.reseller import (
    cards,
    credentials,
    help,
    notices,
    palette,
    person,
    renewals,
    resellers,
)


def install_frame(app: Flask) -> None:
    """Register the pages around the modules."""
    app.jinja_env.filters["told"] = told
    app.jinja_env.filters["said"] = said
    app.jinja_env.globals.update(
        resellers=person.resellers,
        shortcuts_on=person.shortcuts_on,
        rail_on=person.rail_on,
    )
    for module in (
        cards,
        credentials,
        help,
        notices,
        palette,
        person,
        renewals,
        resellers,
    ):
        app.register_blueprint(module.pages)
