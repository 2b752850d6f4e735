"""The reseller's console: server-rendered pages."""

from __future__ import annotations

from flask import Flask

__all__ = ["install_console"]


def install_console(app: Flask) -> None:
    """Register every page of the console."""
