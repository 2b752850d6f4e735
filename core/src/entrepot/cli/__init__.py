"""Entrepot: cli."""
