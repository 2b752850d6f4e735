"""Entrepot: one set of books between cloud vendors and a reseller's PSA."""

__version__ = "0.1.0"
