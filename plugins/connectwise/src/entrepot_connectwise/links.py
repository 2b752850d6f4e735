"""Addresses of records in the PSA's own pages (connectwise.md §12.5)."""

from __future__ import annotations

from entrepot.sdk import queries as ask

from .hosts import Site

_SCREENS = {"company": "AccountFV", "ticket": "ServiceFV"}
"""Only these are known to work; the address of an agreement is not verified."""


def console_link(site: Site, query: ask.GetConsoleLink) -> str | None:
    """The record's page; None where no working address is known."""
    screen = _SCREENS.get(query.kind)
    if screen is None or not query.object_id.isdigit():
        return None
    return (
        f"{site.ui_root}/v4_6_release/ConnectWise.aspx"
        f"?routeTo={screen}&recid={query.object_id}"
    )
