"""Entrepot: sdk."""
