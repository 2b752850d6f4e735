"""AWS, as an Entrepot plugin."""
