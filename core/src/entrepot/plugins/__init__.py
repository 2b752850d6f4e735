"""Entrepot: plugins."""
