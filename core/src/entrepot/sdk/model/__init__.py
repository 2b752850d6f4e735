"""Entrepot: sdk/model."""
