"""Microsoft CSP plugin for Entrepot."""
