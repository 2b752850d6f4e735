"""Entrepot: jobs."""
