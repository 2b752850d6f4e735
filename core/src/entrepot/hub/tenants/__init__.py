"""Resellers: the tenants of the hub."""
