"""Capability: what vendors offer."""
