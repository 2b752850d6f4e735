"""Capability: customers and their accounts at vendors."""
