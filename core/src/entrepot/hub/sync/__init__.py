"""Capability: reading vendors and PSA into the books."""
