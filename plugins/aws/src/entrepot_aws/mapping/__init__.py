"""Wire records to the model; pure."""
