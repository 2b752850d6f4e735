"""demo: simulated vendors, a hub and a console, with one command."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    del app
