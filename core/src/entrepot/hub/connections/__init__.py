"""Connections: a reseller's accounts at vendors and PSA systems."""
