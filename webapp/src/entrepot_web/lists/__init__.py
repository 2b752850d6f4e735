"""What may be listed: one declaration per kind, for the API and the console."""
