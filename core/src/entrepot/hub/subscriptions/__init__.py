"""Capability: what customers bought."""
