"""Entrepot's API and reseller console."""
