"""Browsers by the names that people know."""

from __future__ import annotations

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def device(agent: str) -> tuple[str, str]:
    """Return what a browser calls itself, short, and the icon of its device.

    An unknown one is shown by the first word it said; one that said nothing is
    ``Unknown``.
    """
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    handheld = system in ("iPhone", "iPad", "Android")
    symbol = "device-mobile" if handheld else "device-laptop"
    known = ", ".join(part for part in (browser, system) if part)
    return known or agent.partition(" ")[0][:40] or "Unknown", symbol
