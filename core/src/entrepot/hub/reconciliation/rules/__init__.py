"""Entrepot: the decisions of reconciliation, as pure functions on plain records."""
