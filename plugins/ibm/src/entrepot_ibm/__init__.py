"""IBM, as an Entrepot plugin."""
