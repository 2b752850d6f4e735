"""Entrepot: reconciliation of what was bought with what will be invoiced."""
