"""Capability: the PSA's companies, agreements, lines and products."""
