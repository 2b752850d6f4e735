"""Score cards of plugins."""
