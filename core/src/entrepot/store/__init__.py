"""Entrepot: store."""
