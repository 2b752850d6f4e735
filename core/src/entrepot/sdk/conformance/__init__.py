"""Entrepot: sdk/conformance."""
