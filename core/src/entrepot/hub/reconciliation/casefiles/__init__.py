"""Entrepot: worked cases as YAML files, and the runner that proves them."""
