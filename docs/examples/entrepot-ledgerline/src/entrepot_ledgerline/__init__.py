"""Ledgerline for Entrepot."""
