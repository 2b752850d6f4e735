"""Entrepot's API and reseller console."""

from __future__ import annotations

from entrepot_web.serving import serve

__all__ = ["serve"]
