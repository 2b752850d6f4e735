"""Google, as an Entrepot plugin."""
