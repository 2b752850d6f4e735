"""Entrepot: hub."""
