"""Entrepot: sdk/simulator."""
